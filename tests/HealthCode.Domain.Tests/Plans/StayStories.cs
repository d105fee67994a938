namespace HealthCode.Domain.Tests;

/// <summary>Where people were, under the Hangzhou edition of February 2020.</summary>
public class StayStories
{
    [Fact]
    public void A_stay_in_a_high_risk_area_is_red_until_fourteen_normal_days_after_leaving() => History.Check("""
        day   evidence                                                colour  reasons
        1     area 330106 high from 1; stays in 330106 from 1 to 3    red     R3
        2-3   reports normal                                          red     R3
        4-16  reports normal                                          red     R3
        17    reports normal                                          green   -
        """);

    [Fact]
    public void A_stay_in_a_medium_risk_area_is_yellow_until_seven_normal_days_after_leaving() => History.Check("""
        day   evidence                                                  colour  reasons
        1     area 330106 medium from 1; stays in 330106 from 1 to 3    yellow  Y1
        2-3   reports normal                                            yellow  Y1
        4-9   reports normal                                            yellow  Y1
        10    reports normal                                            green   -
        """);

    [Fact]
    public void An_area_that_became_a_risk_only_after_the_person_had_left_is_none() => History.Check("""
        day  evidence                       colour  reasons
        1    stays in 330106 from 1 to 3    green   -
        4    area 330106 high from 4 to 20  green   -
        9    -                              green   -
        """);

    [Fact]
    public void An_area_found_later_to_have_been_a_risk_at_the_time_is_one() => History.Check("""
        day    evidence                       colour  reasons
        1      stays in 330106 from 1 to 3    green   -
        2-7    reports normal                 green   -
        8      area 330106 high from 2 to 20  red     R3
        9-16   reports normal                 red     R3
        17     reports normal                 red     R3
        18-21  reports normal                 red     R3
        22     reports normal                 green   -
        """);

    [Fact]
    public void Reports_made_before_the_risk_became_known_count_when_no_day_is_missing() => History.Check("""
        day    evidence                       colour  reasons
        1      stays in 330106 from 1 to 3    green   -
        4-8    reports normal                 green   -
        9      area 330106 high from 2; reports normal  red     R3
        10-16  reports normal                 red     R3
        17     reports normal                 green   -
        """);

    [Fact]
    public void A_planned_risk_holds_from_the_day_it_begins() => History.Check("""
        day  evidence                                            colour  reasons
        1    stays in 330106 from 1; area 330106 high from 4     green   -
        2-3  -                                                   green   -
        4    -                                                   red     R3
        """);

    [Fact]
    public void Who_still_lives_there_stays_red_however_often_they_report() => History.Check("""
        day   evidence                                                colour  reasons
        1     stays in 330106 from 1; area 330106 high from 1         red     R3
        2-60  reports normal                                          red     R3
        """);

    [Fact]
    public void Who_still_lives_there_starts_to_count_when_the_risk_ends() => History.Check("""
        day    evidence                                             colour  reasons
        1      stays in 330106 from 1; area 330106 high from 1      red     R3
        2-4    reports normal                                       red     R3
        5      area 330106 high from 1 to 5; reports normal         red     R3
        6-18   reports normal                                       red     R3
        19     reports normal                                       green   -
        """);

    [Fact]
    public void Who_never_reports_is_green_four_weeks_after_leaving() => History.Check("""
        day   evidence                                             colour  reasons
        1     stays in 330106 from 1 to 1; area 330106 high from 1  red    R3
        2-29  -                                                    red     R3
        30    -                                                    green   -
        """);

    [Fact]
    public void An_area_raised_from_medium_to_high_ends_in_green_and_not_in_yellow() => History.Check("""
        day    evidence                                                                            colour  reasons
        1      stays in 330106 from 1 to 6; area 330106 medium from 1 to 3                         yellow  Y1
        3      reports normal                                                                      yellow  Y1
        4      area 330106 high from 4                                                             red     R3 Y1
        5-6    reports normal                                                                      red     R3 Y1
        7-9    reports normal                                                                      red     R3 Y1
        10     reports normal                                                                      red     R3 Y1
        11     reports normal                                                                      red     R3
        12-19  reports normal                                                                      red     R3
        20     reports normal                                                                      green   -
        """);

    [Theory]
    [InlineData("330106", "330106001")] // the county of the street
    [InlineData("330100", "330106")] // the city of the county
    [InlineData("330000", "330106001002")] // the province of the community
    [InlineData("330106001", "330106001")] // the street itself
    public void A_risk_holds_for_all_that_lies_in_the_area(string risk, string stay) => History.Check($"""
        day  evidence                                               colour  reasons
        1    area {risk} high from 1; stays in {stay} from 1  red  R3
        """);

    [Theory]
    [InlineData("330106001", "330106")] // somewhere in the county is not surely in that street
    [InlineData("330105", "330106")] // the next county
    [InlineData("330106001", "330106002")] // the next street
    [InlineData("420100", "330100")] // another province
    public void A_risk_holds_nowhere_else(string risk, string stay) => History.Check($"""
        day  evidence                                               colour  reasons
        1    area {risk} high from 1; stays in {stay} from 1  green  -
        """);

    [Fact]
    public void An_area_set_to_low_risk_holds_no_rule() => History.Check("""
        day  evidence                                           colour  reasons
        1    area 330106 low from 1; stays in 330106 from 1     green   -
        """);

    [Fact]
    public void A_stay_that_its_source_is_not_sure_of_colours_nobody() => History.Check("""
        day  evidence                                                 colour  reasons
        1    area 330106 high from 1; stays in 330106 from 1 sure 79  green   ?R3
        2    stays in 330106 from 1 to 2 sure 80                      red     R3
        """);

    [Fact]
    public void A_stay_that_was_wrong_is_taken_back() => History.Check("""
        day  evidence                                             colour  reasons
        1    area 330106 high from 1; stays in 330106 from 1 to 3  red    R3
        2    corrected stay                                       green   -
        """);

    [Fact]
    public void Of_two_stays_the_last_exposure_counts() => History.Check("""
        day    evidence                                                                         colour  reasons
        1      area 330106 high from 1; stays in 330106 from 1 to 2                             red     R3
        2      reports normal                                                                   red     R3
        3-7    reports normal                                                                   red     R3
        8      stays in 330106 from 8 to 8; reports normal                                      red     R3
        9-21   reports normal                                                                   red     R3
        22     reports normal                                                                   green   -
        """);

    [Fact]
    public void A_fever_in_isolation_begins_the_fourteen_days_anew() => History.Check("""
        day    evidence                                                     colour  reasons
        1      area 330106 high from 1; stays in 330106 from 1 to 1         red     R3
        2-6    reports normal                                               red     R3
        7      declares fever                                               red     R3 Y2
        8-13   reports normal                                               red     R3 Y2
        14-20  reports normal                                               red     R3
        21     reports normal                                               green   -
        """);
}
