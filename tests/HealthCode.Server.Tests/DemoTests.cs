using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Demo;
using HealthCode.Server.People;
using HealthCode.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Server.Tests;

/// <summary>The demo city has something of everything, and nearly everybody in it is green.</summary>
[Collection("one region, one clock")]
public sealed class DemoTests(TestRegion region)
{
    [Fact]
    public async Task Nearly_everybody_is_green_somebody_is_asked_and_no_kind_is_missing()
    {
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
    }
}
