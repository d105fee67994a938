using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Demo;
using HealthCode.Server.People;
using HealthCode.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Server.Tests;

/// <summary>The demo city has something of everything, and nearly everybody in it is green.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task Nearly_everybody_is_green_somebody_is_asked_and_no_kind_is_missing()
    {
        // A city of its own: in the shared one other tests set risks and find cases.
        await using var region = new TestRegion();
        await region.InitializeAsync();
        var (people, vault) = (region.Services.GetRequiredService<PeopleDirectory>(), region.Services.GetRequiredService<PersonVault>());
        var persons = Enumerable.Range(DemoSeed.NotYetApplied, region.City.Residents - DemoSeed.NotYetApplied)
            .Select(index => people.PersonOf(region.City.Resident(index).Document)).ToList();
        // The city fills itself in the background, the vault after the journal.
        while (await vault.GetAsync(persons[^1], default) is null)
            await Task.Delay(50, TestContext.Current.CancellationToken);

        var read = await Task.WhenAll(persons.Select(people.ReadAsync));
        Assert.True(read.Count(person => person.Decided.Colour == Colour.Green) > persons.Count * 9 / 10);
        var kinds = read.SelectMany(person => EvidenceCodec.Decode(person.Evidence)).Select(evidence => evidence.Kind).ToHashSet();
        EvidenceKind[] everyday = [EvidenceKind.Stay, EvidenceKind.Visit, EvidenceKind.Test, EvidenceKind.Vaccination, EvidenceKind.Journey];
        Assert.All(everyday, kind => Assert.Contains(kind, kinds));

        using var session = await region.ResidentAsync(region.City.Resident(DemoSeed.NotYetApplied).Phone.Normalized);
        var question = Assert.Single((await session.GetAsync<CodeState>(Routes.MyCode)).Questions);
        Assert.Equal(("Telecom operator", "Dukou, Neighbour City, Example Province"), (question.Source.En, question.Area.En));
        await TheJournalAloneGivesTheSameDecisionsAsync(region, persons, read);
    }

    /// <summary>Same journal, same edition, same moment: the decisions of the resident partitions are made again from the journal alone.</summary>
    private static async Task TheJournalAloneGivesTheSameDecisionsAsync(TestRegion region, IReadOnlyList<PersonId> persons, ReadPerson[] read)
    {
        var journal = region.Services.GetRequiredService<IJournal>();
        var (plans, _) = await PlanHistory.LoadAsync(journal, Minute.Never, TestContext.Current.CancellationToken);
        var (facts, changes) = (new List<Evidence>(), new List<AreaRisk>());
        foreach (var stream in (await journal.ReadHeadsAsync(TestContext.Current.CancellationToken)).Keys)
        {
            if (!stream.StartsWith("people/", StringComparison.Ordinal))
                continue;
            await foreach (var batch in region.Services.GetRequiredService<EvidenceStore>().ReadAsync(stream, 0, TestContext.Current.CancellationToken))
                facts.AddRange(batch.Facts);
        }
        await foreach (var batch in journal.ReadStreamAsync(JournalStreams.Areas, 0, TestContext.Current.CancellationToken))
            changes.AddRange(EvidenceCodec.DecodeRisks(batch));
        var areas = AreaRiskHistory.None.With(changes).Now;

        foreach (var (person, kept) in persons.Zip(read))
        {
            // In the order of the journal, and in the opposite one.
            var (record, backwards) = (new PersonRecord(person), new PersonRecord(person));
            record.FoldMany(facts.Where(fact => fact.Person == person));
            foreach (var fact in facts.Where(fact => fact.Person == person).Reverse())
                backwards.Fold(fact);
            var at = new Minute(kept.Decided.At);
            var decision = plans.Decide(record.Facts, areas, at);
            Assert.Equal(decision, plans.Decide(backwards.Facts, areas, at));
            Assert.Equal(
                (decision.Colour, decision.NextChange.Value, decision.PassUntil.Value, decision.ReasonCount),
                (kept.Decided.Colour, kept.Decided.NextChange, kept.Decided.PassUntil, kept.Decided.Reasons.Length));
            Assert.Equal(kept.Evidence, EvidenceCodec.Encode(record.All));
        }
    }
}
