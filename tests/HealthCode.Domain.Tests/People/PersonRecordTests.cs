namespace HealthCode.Domain.Tests;

public class PersonRecordTests
{
    private static readonly PersonId Person = new(1, 1);

    [Fact]
    public void Facts_stand_by_moment_and_then_by_id_however_they_came()
    {
        var record = new PersonRecord(Person);
        foreach (var (id, at) in new[] { (3UL, 20), (2UL, 10), (1UL, 20) })
            record.Fold(Report(id, at));
        Assert.Equal([2UL, 1UL, 3UL], record.All.Select(evidence => evidence.Id.Value));
    }

    [Fact]
    public void A_correction_may_come_before_what_it_corrects()
    {
        var record = new PersonRecord(Person);
        record.Fold(Correction(9, of: 1));
        Assert.True(record.Fold(Report(1, 10)));
        Assert.Empty(record.Standing.ToArray());
        Assert.Equal(2, record.All.Count);
        Assert.True(record.IsWithdrawn(new EvidenceId(1)));
    }

    [Fact]
    public void A_correction_is_not_itself_taken_back()
    {
        var record = new PersonRecord(Person);
        foreach (var evidence in new Evidence[] { Report(1, 10), Correction(8, of: 1), Correction(9, of: 8) })
            record.Fold(evidence);
        Assert.Empty(record.Standing.ToArray());
    }

    [Fact]
    public void The_same_id_again_is_no_new_fact_and_the_first_stays()
    {
        var record = new PersonRecord(Person);
        Assert.True(record.Fold(Report(1, 10)));
        Assert.False(record.Fold(Report(1, 99)));
        Assert.Equal((1, 10), (record.Version, record.All[0].Happened.Value));
    }

    [Fact]
    public void A_report_sent_again_later_is_the_same_fact_and_another_content_is_not()
    {
        Assert.True(Report(1, 10).SameFactAs(Report(1, 99)));
        Assert.False(Report(1, 10).SameFactAs(Report(1, 10) with { Symptoms = Symptoms.Fever }));
    }

    private static Declaration Report(ulong id, int at) => new()
    {
        Id = new EvidenceId(id), Person = Person, Happened = new Minute(at), Received = new Minute(at), Source = Source.Resident,
    };

    private static Correction Correction(ulong id, ulong of) => new()
    {
        Id = new EvidenceId(id), Person = Person, Happened = new Minute(50), Received = new Minute(50), Source = Source.CommunityWorker,
        Corrects = new EvidenceId(of), Reason = "wrong",
    };
}
