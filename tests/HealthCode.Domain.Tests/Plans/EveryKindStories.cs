namespace HealthCode.Domain.Tests;

/// <summary>One history and more for each kind of evidence, of ending and of filter, under an edition made for it.</summary>
public class EveryKindStories
{
    private static void Check(string table) => History.Check(table, Editions.EveryKind);

    [Fact]
    public void A_close_contact_needs_the_days_and_the_tests() => Check("""
        day    evidence              colour  reasons
        1      contact close         red     CLOSE
        2-11   tests negative        red     CLOSE
        12-14  -                     red     CLOSE
        15     tests negative        yellow  AFTER
        16-21  -                     yellow  AFTER
        22     -                     green   -
        """);

    [Fact]
    public void A_second_exposure_in_the_first_half_puts_off_the_end_of_the_second()
    {
        var (record, day) = (new PersonRecord(new PersonId(1, 1)), Day.Of(new DateOnly(2020, 3, 2)));
        foreach (var at in new[] { 0, 2 })
        {
            record.Fold(new Contact
            {
                Id = new((ulong)at + 1), Person = record.Person, Happened = day.Plus(at).Start, Received = day.Plus(at).Start, Source = Source.Tracing,
                Degree = ContactKind.Close, Circumstance = "the same room",
            });
        }
        var now = day.Plus(15).Start;
        var after = Explanation.Of(record, AreaRisks.None, Editions.EveryKind, now).Reasons.Single(reason => reason.Rule.Number == "AFTER");
        Assert.Equal((day.Plus(2).Start, day.Plus(23).Start, day.Plus(23)), (after.Since, after.Until, after.EarliestEnd(now)));
    }

    [Fact]
    public void Tests_too_early_for_the_rule_do_not_end_it() => Check("""
        day    evidence              colour  reasons
        1      contact secondary     red     CLOSE
        2-9    tests negative        red     CLOSE
        10-20  -                     red     CLOSE
        """);

    [Fact]
    public void A_release_ends_a_contact_and_an_exclusion_does_too() => Check("""
        day  evidence                              colour  reasons
        1    contact secondary                     red     CLOSE
        3    released home-isolation               red     CLOSE
        4    released central-isolation            green   -
        6    contact secondary                     red     CLOSE
        8    diagnosed suspected                   red     CASE CLOSE
        9    excluded                              green   -
        """);

    [Fact]
    public void A_later_exposure_begins_the_count_anew() => Check("""
        day    evidence              colour  reasons
        1      contact time-space    yellow  NEAR
        2      tests negative        yellow  NEAR
        3      contact same-vehicle; tests negative  yellow  NEAR
        4      tests negative        yellow  NEAR
        5      tests negative        green   -
        """);

    [Fact]
    public void Two_tests_of_one_day_are_one_and_two_of_a_week_are_none() => Check("""
        day  evidence                        colour  reasons
        1    contact time-space              yellow  NEAR
        2    tests negative; tests negative  yellow  NEAR
        6    tests negative                  yellow  NEAR
        7    tests negative                  green   -
        """);

    [Fact]
    public void Without_tests_the_days_end_it() => Check("""
        day    evidence            colour  reasons
        1      contact time-space  yellow  NEAR
        2-14   -                   yellow  NEAR
        15     -                   green   -
        """);

    [Fact]
    public void A_test_is_due_on_each_named_day_or_later() => Check("""
        day  evidence         colour  reasons
        1    contact general  yellow  DAYS
        3    tests negative   yellow  DAYS
        5    tests negative   yellow  DAYS
        8    tests negative   green   -
        """);

    [Fact]
    public void A_named_day_that_was_missed_is_made_up_for() => Check("""
        day   evidence         colour  reasons
        1     contact general  yellow  DAYS
        2     tests negative   yellow  DAYS
        8     tests negative   yellow  DAYS
        9     tests negative   green   -
        """);

    [Fact]
    public void An_order_ends_by_its_own_release_alone() => Check("""
        day  evidence                                           colour  reasons
        1    ordered central-isolation                          red     ORDER
        2    tests negative                                     red     ORDER
        3    tests negative                                     red     ORDER
        9    ordered monitoring                                 red     ORDER WATCH
        10   released monitoring                                red     ORDER
        11   released central-isolation; ordered monitoring     yellow  WATCH
        12   released health                                    yellow  WATCH
        13   released monitoring                                green   -
        14   ordered central-isolation                          red     ORDER
        """);

    [Fact]
    public void Two_orders_end_each_by_itself() => Check("""
        day  evidence                                              colour  reasons
        1    ordered home-isolation                                red     ORDER
        2    ordered central-isolation                             red     ORDER
        3    released central-isolation                            red     ORDER
        4    released home-isolation                               green   -
        """);

    [Fact]
    public void A_positive_test_holds_until_a_diagnosis_or_two_negatives() => Check("""
        day  evidence              colour  reasons
        1    tests positive        red     TEST
        2    tests negative        red     TEST
        3    tests negative        green   -
        5    tests positive        red     TEST
        6    diagnosed confirmed   red     CASE
        20   recovered             green   -
        """);

    [Fact]
    public void Who_arrives_from_abroad_waits_unless_three_doses_protect() => Check("""
        day    evidence             colour  reasons
        1      arrives from abroad  red     ABROAD
        2-14   tests negative       red     ABROAD
        15     released health      green   -
        30     arrives from abroad  red     ABROAD
        31-50  -                    red     ABROAD
        51     -                    green   -
        60     vaccinated 3; arrives from abroad  green  -
        """);

    [Fact]
    public void A_journey_from_outside_counts_three_days_and_one_from_a_risk_area_fourteen() => Check("""
        day    evidence                                                        colour  reasons
        1      travels from 110100 to 330106                                   yellow  TRAIN
        2-3    -                                                               yellow  TRAIN
        4      -                                                               green   -
        5      travels from 330106 to 330105                                   green   -
        6      travels from 330106 to 110100                                   green   -
        7      area 110100 high from 7 to 7; travels from 110105 to 330106     yellow  TRAIN
        8-20   -                                                               yellow  TRAIN
        21     -                                                               green   -
        """);

    [Fact]
    public void The_latest_word_of_each_region_counts() => Check("""
        day  evidence                                            colour  reasons
        1    region 410000 says red                              red     ELSE
        2    region 320000 says yellow                           red     ELSE ELSEY
        3    region 410000 says green                            yellow  ELSEY
        4    tests negative                                      yellow  ELSEY
        5    region 320000 says green                            green   -
        """);

    [Fact]
    public void Silence_counts_only_for_who_has_reported_before() => Check("""
        day  evidence        colour  reasons
        1    -               green   -
        9    -               green   -
        10   reports normal  green   -
        11   -               green   -
        13   -               green   -
        14   -               yellow  SILENT
        30   -               yellow  SILENT
        31   reports normal  green   -
        """);

    [Fact]
    public void Only_the_named_symptom_counts_and_three_normal_days_end_it() => Check("""
        day  evidence        colour  reasons
        1    declares fever  green   -
        2    declares cough  yellow  COUGH
        3    reports normal  yellow  COUGH
        4    reports normal  yellow  COUGH
        5    reports normal  green   -
        """);

    [Fact]
    public void A_reading_below_this_editions_fever_is_a_normal_report() => Check("""
        day  evidence        colour  reasons
        1    declares cough  yellow  COUGH
        2    declares 37.2   yellow  COUGH
        3    declares 37.0   yellow  COUGH
        4    declares 37.2   green   -
        """);

    [Fact]
    public void Named_divisions_count_whatever_their_risk_and_so_long_as_the_window() => Check("""
        day    evidence                        colour  reasons
        1      stays in 420106 from 1 to 3     yellow  KEY
        2-17   -                               yellow  KEY
        18     -                               green   -
        """);

    [Fact]
    public void The_level_now_counts_for_a_stay_before_it_rose_and_ends_with_it() => Check("""
        day    evidence                                        colour  reasons
        1      stays in 330106 from 1 to 3                     green   -
        6      area 330106 medium from 6                       yellow  NOW
        8      area 330106 medium from 6 to 7                  green   -
        9      area 330106 medium from 6 to 20                 yellow  NOW
        17     -                                               yellow  NOW
        18     -                                               green   -
        """);

    [Fact]
    public void A_pass_runs_where_every_rule_allows_one()
    {
        var (record, now) = (new PersonRecord(new PersonId(1, 1)), Day.Of(new DateOnly(2020, 3, 2)).Start);
        var pass = new Pass
        {
            Id = new(1), Person = record.Person, Happened = now, Received = now, Source = Source.CommunityWorker, Until = now.Plus(TimeSpan.FromHours(6)), Purpose = "dialysis",
        };
        record.Fold(pass);
        Assert.Equal(default, Decide().PassUntil);

        record.Fold(OrderOf(2, OrderKind.Monitoring));
        Assert.Equal((Colour.Yellow, pass.Until), (Decide().Colour, Decide().PassUntil));

        record.Fold(OrderOf(3, OrderKind.CentralIsolation));
        Assert.Equal((Colour.Red, default(Minute)), (Decide().Colour, Decide().PassUntil));

        Decision Decide() => Editions.EveryKind.Decide(record.Facts, AreaRisks.None, now.Plus(TimeSpan.FromHours(1)));
        Order OrderOf(ulong id, OrderKind kind) => new()
        {
            Id = new(id), Person = record.Person, Happened = now, Received = now, Source = Source.Epidemiologist, Ordered = kind, Institution = "", Basis = "",
        };
    }
}
