namespace HealthCode.Domain.Tests;

/// <summary>What people say of themselves, under the Hangzhou edition of February 2020.</summary>
public class DeclarationStories
{
    [Fact]
    public void Who_has_nothing_against_them_is_green() => History.Check("""
        day  evidence        colour  reasons
        1    -               green   -
        2-9  reports normal  green   -
        """);

    [Fact]
    public void A_fever_is_yellow_until_seven_normal_days_in_a_row() => History.Check("""
        day  evidence        colour  reasons
        1    declares fever  yellow  Y2
        2-7  reports normal  yellow  Y2
        8    reports normal  green   -
        9    -               green   -
        """);

    [Fact]
    public void A_missed_day_begins_anew() => History.Check("""
        day   evidence        colour  reasons
        1     declares fever  yellow  Y2
        2-5   reports normal  yellow  Y2
        6     -               yellow  Y2
        7-12  reports normal  yellow  Y2
        13    reports normal  green   -
        """);

    [Fact]
    public void Two_reports_on_one_day_count_once() => History.Check("""
        day  evidence                        colour  reasons
        1    declares fever                  yellow  Y2
        2-7  reports normal; reports normal  yellow  Y2
        8    reports normal                  green   -
        """);

    [Fact]
    public void A_fever_on_day_five_begins_anew() => History.Check("""
        day   evidence        colour  reasons
        1     declares fever  yellow  Y2
        2-4   reports normal  yellow  Y2
        5     declares fever  yellow  Y2
        6-11  reports normal  yellow  Y2
        12    reports normal  green   -
        """);

    [Fact]
    public void A_normal_report_later_on_the_day_of_the_fever_does_not_count() => History.Check("""
        day  evidence                        colour  reasons
        1    declares fever; reports normal  yellow  Y2
        2-7  reports normal                  yellow  Y2
        8    reports normal                  green   -
        """);

    [Fact]
    public void A_fever_in_the_evening_spoils_the_normal_report_of_the_morning() => History.Check("""
        day   evidence                        colour  reasons
        1     declares fever                  yellow  Y2
        2-3   reports normal                  yellow  Y2
        4     reports normal; declares fever  yellow  Y2
        5-10  reports normal                  yellow  Y2
        11    reports normal                  green   -
        """);

    [Fact]
    public void Who_never_reports_again_is_green_after_fourteen_days() => History.Check("""
        day   evidence        colour  reasons
        1     declares fever  yellow  Y2
        2-14  -               yellow  Y2
        15    -               green   -
        """);

    [Fact]
    public void Days_missed_after_the_seventh_do_not_bring_it_back() => History.Check("""
        day  evidence        colour  reasons
        1    declares fever  yellow  Y2
        2-7  reports normal  yellow  Y2
        8    reports normal  green   -
        10   -               green   -
        11   reports normal  green   -
        """);

    [Theory]
    [InlineData("37.2", "green   -")]
    [InlineData("37.3", "yellow  Y2")]
    [InlineData("37.4", "yellow  Y2")]
    public void A_fever_begins_at_37_3(string degrees, string expected) => History.Check($"""
        day  evidence            colour  reasons
        1    declares {degrees}  {expected}
        """);

    [Fact]
    public void A_cough_counts_as_a_fever_does() => History.Check("""
        day  evidence        colour  reasons
        1    declares cough  yellow  Y2
        2-7  reports normal  yellow  Y2
        8    reports normal  green   -
        """);

    [Fact]
    public void Contact_without_symptoms_is_red_for_fourteen_normal_days() => History.Check("""
        day   evidence          colour  reasons
        1     declares contact  red     R4
        2-14  reports normal    red     R4
        15    reports normal    green   -
        """);

    [Fact]
    public void Contact_ends_after_four_weeks_at_the_latest() => History.Check("""
        day   evidence          colour  reasons
        1     declares contact  red     R4
        28    -                 red     R4
        29    -                 green   -
        """);

    [Fact]
    public void Who_is_not_sure_of_a_contact_stays_green() => History.Check("""
        day  evidence                 colour  reasons
        1    declares unsure contact  green   -
        """);

    [Fact]
    public void A_fever_during_isolation_begins_both_anew_and_each_ends_in_its_own_time() => History.Check("""
        day    evidence          colour  reasons
        1      declares contact  red     R4
        2-9    reports normal    red     R4
        10     declares fever    red     R4 Y2
        11-16  reports normal    red     R4 Y2
        17-23  reports normal    red     R4
        24     reports normal    green   -
        """);

    [Fact]
    public void A_fever_reported_by_mistake_is_taken_back() => History.Check("""
        day  evidence          colour  reasons
        1    declares fever    yellow  Y2
        2    corrected report  green   -
        """);

    [Fact]
    public void A_fever_taken_back_lets_the_earlier_one_count_from_its_own_day() => History.Check("""
        day  evidence               colour  reasons
        1    declares fever         yellow  Y2
        2-7  reports normal         yellow  Y2
        8    declares fever         yellow  Y2
        9    corrected report of 8  yellow  Y2
        10   -                      yellow  Y2
        15   -                      green   -
        """);

    [Fact]
    public void A_temperature_taken_at_a_door_stops_the_person_there_and_holds_no_rule() => History.Check("""
        day  evidence  colour  reasons
        1    scanned   green   -
        """);
}
