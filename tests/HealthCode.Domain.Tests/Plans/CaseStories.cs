namespace HealthCode.Domain.Tests;

/// <summary>Cases and their end, under the Hangzhou edition of February 2020.</summary>
public class CaseStories
{
    [Theory]
    [InlineData("suspected")]
    [InlineData("confirmed")]
    [InlineData("asymptomatic")]
    public void A_case_is_red_as_long_as_it_is_one(string status) => History.Check($"""
        day   evidence            colour  reasons
        1     diagnosed {status}  red     R1
        2-90  reports normal      red     R1
        """);

    [Fact]
    public void A_recovered_patient_is_red_for_fourteen_normal_days_more() => History.Check("""
        day    evidence             colour  reasons
        1      diagnosed confirmed  red     R1
        20     recovered            red     R2
        21-33  reports normal       red     R2
        34     reports normal       green   -
        """);

    [Fact]
    public void Reports_made_as_a_patient_do_not_shorten_the_observation() => History.Check("""
        day    evidence                   colour  reasons
        1      diagnosed confirmed        red     R1
        2-19   reports normal             red     R1
        20     recovered; reports normal  red     R2
        21-33  reports normal             red     R2
        34     reports normal             green   -
        """);

    [Fact]
    public void A_suspicion_that_was_excluded_ends_at_once() => History.Check("""
        day  evidence             colour  reasons
        1    diagnosed suspected  red     R1
        3    excluded             green   -
        """);

    [Fact]
    public void A_suspicion_that_was_confirmed_goes_on() => History.Check("""
        day  evidence             colour  reasons
        1    diagnosed suspected  red     R1
        3    diagnosed confirmed  red     R1
        """);

    [Fact]
    public void Who_falls_ill_again_is_a_case_again() => History.Check("""
        day    evidence             colour  reasons
        1      diagnosed confirmed  red     R1
        10     recovered            red     R2
        11-23  reports normal       red     R2
        24     reports normal       green   -
        30     diagnosed confirmed  red     R1
        """);

    [Fact]
    public void A_wrong_diagnosis_taken_back_leaves_no_colour() => History.Check("""
        day  evidence             colour  reasons
        1    diagnosed confirmed  red     R1
        2    corrected diagnosis  green   -
        """);

    [Fact]
    public void A_correction_leaves_the_other_reasons() => History.Check("""
        day  evidence                            colour  reasons
        1    declares fever; diagnosed suspected  red    R1 Y2
        2    corrected diagnosis                 yellow  Y2
        """);

    [Fact]
    public void An_exclusion_taken_back_lets_the_diagnosis_speak_again() => History.Check("""
        day  evidence             colour  reasons
        1    diagnosed confirmed  red     R1
        2    excluded             green   -
        3    corrected diagnosis  red     R1
        """);

    [Fact]
    public void A_diagnosis_that_arrives_late_does_not_undo_a_later_exclusion() => History.Check("""
        day  evidence                  colour  reasons
        2    excluded                  green   -
        3    diagnosed suspected on 1  green   -
        """);

    [Fact]
    public void Of_two_diagnoses_of_the_same_minute_the_one_that_isolates_counts() => History.Check("""
        day  evidence                                   colour  reasons
        2    diagnosed confirmed on 1; excluded on 1    red     R1
        """);

    [Fact]
    public void Excluding_a_case_leaves_the_stay_that_led_to_it() => History.Check("""
        day  evidence                                                  colour  reasons
        1    area 330106 high from 1; stays in 330106 from 1 to 1      red     R3
        2    diagnosed suspected                                       red     R1 R3
        4    excluded                                                  red     R3
        """);
}
