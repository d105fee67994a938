using System.Net;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.People;
using HealthCode.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Orleans;
using Orleans.Concurrency;

namespace HealthCode.Server.Tests;

/// <summary>More than a node can do: what is given up is refused early and by name, and displays are given up last.</summary>
[Collection("one region, one clock")]
public sealed class OverloadTests
{
    private const int WritesMax = 8;

    private readonly TaskCompletionSource disk = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task A_flood_of_writes_that_wait_for_the_disk_is_refused_early_and_leaves_the_displays_alone()
    {
        await using var region = await RegionAsync();
        var (session, _) = await region.AppliedAsync();
        await session.GetAsync<CodeState>(Routes.MyCode);
        blocked = true;

        var writes = Enumerable.Range(0, 5 * WritesMax).Select(_ => session.PostAsync(Routes.MyReports, new ReportRequest([], 36.6m, "no"))).ToList();
        var waiting = writes.ToList();
        for (var refused = 0; refused < 3 * WritesMax; refused++)
        {
            var first = await Task.WhenAny(waiting);
            waiting.Remove(first);
            using var answer = await first;
            Assert.Equal("overloaded", await TestSession.RefusalOf(answer));
            Assert.Equal("5", answer.Headers.GetValues("Retry-After").Single());
        }
        for (var display = 0; display < 10; display++)
            Assert.Equal("green", (await session.GetAsync<CodeState>(Routes.MyCode)).Colour);
        Assert.DoesNotContain(waiting, write => write.IsCompleted);

        disk.SetResult();
        foreach (var write in waiting)
        {
            using var answer = await write;
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        }
        session.Dispose();
    }

    [Fact]
    public async Task A_partition_that_has_seconds_of_work_before_it_says_so_and_takes_no_more()
    {
        await using var region = await RegionAsync();
        var (session, resident) = await region.AppliedAsync();
        blocked = true;
        var partition = region.Services.GetRequiredService<PeopleDirectory>().PersonOf(resident.Document).PartitionOf(16);
        // One that comes to an empty partition is taken whole, however large it is.
        var much = region.Services.GetRequiredService<IGrainFactory>().GetGrain<IPersonPartitionGrain>(partition)
            .Accept(EvidenceCodec.Encode(FactsOf(partition, PersonPartition.PendingMax + 10_000)).AsImmutable());

        using (var answer = await session.PostAsync(Routes.MyReports, new ReportRequest([], 36.6m, "no")))
        {
            Assert.Equal("overloaded", await TestSession.RefusalOf(answer));
            Assert.Equal("2", answer.Headers.GetValues("Retry-After").Single());
        }
        Assert.Equal("green", (await session.GetAsync<CodeState>(Routes.MyCode)).Colour);
        disk.SetException(new JournalUnavailableException("The test is over."));
        await Assert.ThrowsAnyAsync<Exception>(() => much);
        session.Dispose();
    }

    private volatile bool blocked;

    private async Task<TestRegion> RegionAsync()
    {
        var region = new TestRegion
        {
            Options = options => options with { WritesMax = WritesMax },
            Configure = builder => builder.Services.AddSingleton<IJournal>(
                provider => new HeldUpJournal(provider.GetRequiredService<RegionStores>().Journal, () => blocked ? disk.Task : Task.CompletedTask)),
        };
        await region.InitializeAsync();
        return region;
    }

    private static List<Evidence> FactsOf(int partition, int count)
    {
        var facts = new List<Evidence>(count);
        for (ulong low = 1; facts.Count < count; low++)
        {
            var person = new PersonId(low * 0x9E3779B97F4A7C15, low);
            if (person.PartitionOf(16) == partition)
                facts.Add(new Declaration { Id = new EvidenceId(low), Person = person, Happened = new Minute(1), Received = new Minute(1), Source = Source.Resident });
        }
        return facts;
    }
}
