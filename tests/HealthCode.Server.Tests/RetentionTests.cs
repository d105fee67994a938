using HealthCode.Domain;
using HealthCode.Server.Retaining;
using HealthCode.Storage;
using HealthCode.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace HealthCode.Server.Tests;

/// <summary>Evidence whose time is over: gone from what is shown, from the journal's bytes, and from every start after that.</summary>
public sealed class RetentionTests(PostgresFixture postgres) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("healthcode-retention-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_visit_of_61_days_ago_is_gone_and_the_residence_stays_and_the_chain_verifies()
    {
        var time = new MovedTime();
        // An hour before a week's end, so that the visit is 60 days and no more in the journal.
        var week = Segment.Of(RetentionClass.Short, Now(time));
        time.Move(week.End.ToDateTimeOffset() - time.GetUtcNow() - TimeSpan.FromHours(1));
        PersonId person;
        string stream;
        await using (var region = await KeptRegion.StartAsync(folder, store: null, time))
        {
            person = await region.ApplyAsync(1, Now(time));
            stream = JournalStreams.Of(person, KeptRegion.Partitions);
            await VisitAsync(region, person, Now(time));
        }
        time.Move(TimeSpan.FromDays(59));
        await using (var region = await KeptRegion.StartAsync(folder, store: null, time))
        {
            await region.Services.GetRequiredService<SegmentEnding>().EndAsync(default);
            Assert.Equal([EvidenceKind.Stay, EvidenceKind.Visit], await KindsAsync(region, person));
            await region.ReportAsync(person, "later", Now(time));
        }
        time.Move(TimeSpan.FromDays(2));
        await using (var region = await KeptRegion.StartAsync(folder, store: null, time))
        {
            await region.Services.GetRequiredService<SegmentEnding>().EndAsync(default);
            Assert.Equal([EvidenceKind.Declaration, EvidenceKind.Stay], await KindsAsync(region, person));
            Assert.Equal([false, true, false], await ErasedAsync(region, stream));
            // Once more is no harm, and there is nothing left.
            Assert.Empty(await region.Services.GetRequiredService<SegmentEnds>().EndAsync(time.GetUtcNow(), default));
        }

        await using var again = await KeptRegion.StartAsync(folder, store: null, time);
        Assert.Equal([EvidenceKind.Declaration, EvidenceKind.Stay], await KindsAsync(again, person));
        Assert.Equal(0, (await CommandLineTests.HealthcodeAsync("", ["verify", "journal", .. again.Named])).ExitCode);
        var listed = await CommandLineTests.HealthcodeAsync("", ["retention", .. again.Named]);
        Assert.Contains($"Short     {week.FirstMinute.ToDateTimeOffset():yyyy-MM-dd}  {week.End.PlusDays(60)}  erased", listed.Output, StringComparison.Ordinal);
        Assert.Contains("Standing", listed.Output, StringComparison.Ordinal);
    }

    /// <summary>The clock stands still here: of several nodes, one whose clock jumps takes itself for dead. The days change instead.</summary>
    [Fact]
    public async Task In_a_database_it_is_the_same_and_of_two_nodes_one_does_it()
    {
        var store = await KeptRegion.CreateStoreAsync(postgres);
        var longAgo = Now(TimeProvider.System).PlusDays(-68);
        PersonId person;
        await using (var region = await KeptRegion.StartAsync(folder, store, options: new() { Retention = new(90, 730) }))
        {
            person = await region.ApplyAsync(1, longAgo);
            await VisitAsync(region, person, longAgo);
            await region.Services.GetRequiredService<SegmentEnding>().EndAsync(default);
            Assert.Equal([EvidenceKind.Stay, EvidenceKind.Visit], await KindsAsync(region, person));
        }
        await using (var region = await KeptRegion.StartAsync(folder, store))
        {
            await using var other = await KeptRegion.StartAsync(folder, store);
            await Task.WhenAll(
                region.Services.GetRequiredService<SegmentEnding>().EndAsync(default), other.Services.GetRequiredService<SegmentEnding>().EndAsync(default));
            Assert.Equal([EvidenceKind.Stay], await KindsAsync(region, person));
            Assert.Equal([EvidenceKind.Stay], await KindsAsync(other, person));
            Assert.Equal([false, true], await ErasedAsync(region, JournalStreams.Of(person, KeptRegion.Partitions)));
        }
        await using var again = await KeptRegion.StartAsync(folder, store);
        Assert.Equal([EvidenceKind.Stay], await KindsAsync(again, person));
        Assert.Equal(0, (await CommandLineTests.HealthcodeAsync("", ["verify", "journal", .. again.Named])).ExitCode);
    }

    [Fact]
    public async Task It_is_looked_once_an_hour()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 11, 18, 4, 0, 0, TimeSpan.Zero));
        await using var region = await KeptRegion.StartAsync(folder);
        var evidence = region.Services.GetRequiredService<EvidenceStore>();
        // Evidence of a hundred days ago, which is over at the first look.
        await region.ReportAsync(region.PersonOf(1), "old", Now(time).PlusDays(-100));
        Assert.All(await evidence.ReadSegmentsAsync(default), segment => Assert.False(segment.IsOver));
        using var ending = new SegmentEnding(
            region.Stores, region.Services.GetRequiredService<SegmentEnds>(), region.Services.GetRequiredService<IGrainFactory>(),
            region.Services.GetRequiredService<Hosting.RegionOptions>(), time, NullLogger<SegmentEnding>.Instance);
        await ending.StartAsync(default);

        time.Advance(SegmentEnding.Every - TimeSpan.FromSeconds(1));
        Assert.All(await evidence.ReadSegmentsAsync(default), segment => Assert.False(segment.IsOver));
        time.Advance(TimeSpan.FromSeconds(1));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!(await evidence.ReadSegmentsAsync(patience.Token)).All(segment => segment.IsOver))
            await Task.Yield();
        await ending.StopAsync(default);
    }

    [Theory]
    [InlineData("--keep-short-days wants 56", "--keep-short-days", "55")]
    [InlineData("--keep-long-days wants 90", "--keep-short-days", "90", "--keep-long-days", "89")]
    public async Task Days_that_a_rule_may_still_ask_for_cannot_be_left_out(string why, params string[] days)
    {
        var refused = await CommandLineTests.HealthcodeAsync("", ["serve", "--data", folder, "--urls", "http://127.0.0.1:0", .. days]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(why, refused.Errors, StringComparison.Ordinal);
    }

    private static Minute Now(TimeProvider time) => Minute.Of(time.GetUtcNow());

    private static Task VisitAsync(KeptRegion region, PersonId person, Minute at) => region.People.AcceptAsync(new Visit
    {
        Id = EvidenceId.From("test", "visit"), Person = person, Happened = at, Received = at, Source = Source.Checkpoint, Place = "south-door", Area = new AreaCode(990101),
    });

    private static async Task<IEnumerable<EvidenceKind>> KindsAsync(KeptRegion region, PersonId person) =>
        (await region.People.RecordAsync(person)).All.Select(evidence => evidence.Kind).Order();

    private static async Task<List<bool>> ErasedAsync(KeptRegion region, string stream)
    {
        var erased = new List<bool>();
        await foreach (var batch in region.Stores.Journal.ReadStreamAsync(stream, 0, default))
        {
            if (batch.Segment != Segment.Permanent)
                erased.Add(batch.IsErased);
        }
        return erased;
    }
}
