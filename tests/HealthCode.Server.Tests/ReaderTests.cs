using System.Net;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Statistics;
using HealthCode.Storage;
using HealthCode.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Server.Tests;

/// <summary>Views that follow the journal: killed, behind, rebuilt, and still right.</summary>
public sealed class ReaderTests(PostgresFixture postgres) : IDisposable
{
    private static readonly Minute Noon = Minute.Of(new DateTimeOffset(2026, 11, 18, 4, 0, 0, TimeSpan.Zero));

    private readonly string folder = Directory.CreateTempSubdirectory("healthcode-readers-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Dies after the effect and before the position, as often as it is told to.</summary>
    private sealed class DyingReader(IEvidenceReader reader) : IEvidenceReader
    {
        public int Deaths { get; set; }

        public string Name => "dying";

        public async Task ApplyAsync(BackOfficeContext context, IReadOnlyList<EvidenceBatch> batches, CancellationToken cancellation)
        {
            await reader.ApplyAsync(context, batches, cancellation);
            if (Deaths-- > 0)
                throw new IOException("killed here");
        }

        public Task DropAsync(BackOfficeContext context, CancellationToken cancellation) => reader.DropAsync(context, cancellation);
    }

    /// <summary>Counts into memory: what it is given is all that it does, so that tests see each batch.</summary>
    private sealed class CountingReader : IEvidenceReader
    {
        public int Facts { get; private set; }

        public string Name => "counting";

        public Task ApplyAsync(BackOfficeContext context, IReadOnlyList<EvidenceBatch> batches, CancellationToken cancellation)
        {
            Facts += batches.Sum(batch => batch.Facts.Count);
            return Task.CompletedTask;
        }

        public Task DropAsync(BackOfficeContext context, CancellationToken cancellation) => Task.CompletedTask;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reader_that_is_killed_between_effect_and_position_neither_loses_nor_doubles(bool inDatabase)
    {
        await using var region = await StartQuietAsync(inDatabase);
        await ReportAsync(region, 30);
        var reader = new DyingReader(new DailyCounts());
        var follower = FollowerOf(region, reader);
        var read = 0L;
        for (var round = 0; round < 3; round++)
        {
            reader.Deaths = 1;
            var before = (await follower.LagAsync(default)).BatchesBehind;
            await Assert.ThrowsAsync<IOException>(() => follower.CatchUpAsync(DateTimeOffset.UtcNow, default));
            Assert.Equal(before, (await follower.LagAsync(default)).BatchesBehind);
            read += await follower.CatchUpAsync(DateTimeOffset.UtcNow, default);
            Assert.Equal(0, (await follower.LagAsync(default)).BatchesBehind);
            await ReportAsync(region, 5 * (round + 1), $"round-{round}");
        }
        await follower.CatchUpAsync(DateTimeOffset.UtcNow, default);
        Assert.Equal([(EvidenceKind.Declaration, 60L)], await CountsAsync(region));
        Assert.True(read > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_view_that_is_rebuilt_is_the_one_that_grew_and_counts_stay_when_people_go_and_weeks_end(bool inDatabase)
    {
        await using var region = await StartQuietAsync(inDatabase);
        var following = region.Services.GetRequiredService<Following>();
        for (var round = 0; round < 4; round++)
        {
            await ReportAsync(region, 7, $"round-{round}");
            await following.CatchUpAsync(default);
        }
        var grown = await CountsAsync(region);
        Assert.Equal([(EvidenceKind.Declaration, 28L)], grown);

        var rebuilt = await CommandLineTests.HealthcodeAsync("", ["readers", "rebuild", "daily", .. region.Named]);
        Assert.True(rebuilt.ExitCode == 0, rebuilt.Errors);
        await following.CatchUpAsync(default);
        Assert.Equal(grown, await CountsAsync(region));
        var listed = await CommandLineTests.HealthcodeAsync("", ["readers", "list", .. region.Named]);
        Assert.StartsWith("daily      0 batches behind, had read all ", listed.Output, StringComparison.Ordinal);

        await region.People.DeleteAsync(region.PersonOf(1));
        await region.Services.GetRequiredService<EvidenceStore>().EraseAsync(Segment.Of(RetentionClass.Short, Noon), DateTimeOffset.UtcNow, default);
        await following.CatchUpAsync(default);
        Assert.Equal(grown, await CountsAsync(region));
    }

    [Fact]
    public async Task Of_two_who_lead_one_reader_one_fails_and_what_it_did_is_taken_back()
    {
        await using var region = await StartQuietAsync(inDatabase: false);
        await ReportAsync(region, 10);
        var first = FollowerOf(region, new DailyCounts());
        var second = new JournalFollower(region.Stores.BackOffice, region.Services.GetRequiredService<EvidenceStore>(), new InBetween(() => first.CatchUpAsync(DateTimeOffset.UtcNow, default)));
        await Assert.ThrowsAsync<InvalidOperationException>(() => second.CatchUpAsync(DateTimeOffset.UtcNow, default));
        Assert.Equal([(EvidenceKind.Declaration, 10L)], await CountsAsync(region));
    }

    /// <summary>Lets another one read first, and then counts the same once more.</summary>
    private sealed class InBetween(Func<Task> other) : IEvidenceReader
    {
        private readonly DailyCounts reader = new();
        private bool done;

        public string Name => reader.Name;

        public async Task ApplyAsync(BackOfficeContext context, IReadOnlyList<EvidenceBatch> batches, CancellationToken cancellation)
        {
            if (!done)
            {
                done = true;
                // SQLite lets one write at a time: the other must have been before this transaction.
                await context.Database.RollbackTransactionAsync(cancellation);
                await other();
                await context.Database.BeginTransactionAsync(cancellation);
            }
            await reader.ApplyAsync(context, batches, cancellation);
        }

        public Task DropAsync(BackOfficeContext context, CancellationToken cancellation) => reader.DropAsync(context, cancellation);
    }

    [Fact]
    public async Task Statistics_tell_no_number_below_five_and_how_far_behind_they_are()
    {
        await using var region = await StartQuietAsync(inDatabase: false);
        var now = Minute.Of(DateTimeOffset.UtcNow);
        await ReportAsync(region, 6, "today", now);
        await region.People.AcceptAsync(new Visit
        {
            Id = EvidenceId.From("test", "visit"), Person = region.PersonOf(1), Happened = now, Received = now, Source = Source.Checkpoint, Place = "door", Area = new AreaCode(990101),
        });
        await region.AddStaffAsync("officer", Roles.PlanOfficer);
        using var session = new TestSession(region.Address);
        await session.MustAsync(HttpStatusCode.OK, Routes.StaffSignIn, new StaffSignInRequest("officer", KeptRegion.Password));
        await region.Services.GetRequiredService<Following>().CatchUpAsync(default);

        var daily = await session.GetAsync<DailyStatistics>(Routes.DailyStatistics);
        var today = Day.Of(now).ToDateOnly();
        Assert.Equal([new(today, "declaration", "resident", 6), new(today, "visit", "checkpoint", null)], daily.Counts);
        Assert.Equal(0, daily.BatchesBehind);
        Assert.NotNull(daily.CaughtUpAt);
        // One that has read nothing yet says so.
        var counting = new CountingReader();
        Assert.True((await FollowerOf(region, counting).LagAsync(default)).BatchesBehind > 0);
        await FollowerOf(region, counting).CatchUpAsync(DateTimeOffset.UtcNow, default);
        Assert.Equal(7, counting.Facts);
        using var refused = await session.Client.GetAsync(new Uri(Routes.DailyStatistics + "?days=0", UriKind.Relative));
        Assert.Equal("field-invalid", await TestSession.RefusalOf(refused));
    }

    /// <summary>A region whose own following is stopped, so that the test decides who reads when.</summary>
    private async Task<KeptRegion> StartQuietAsync(bool inDatabase)
    {
        var region = await KeptRegion.StartAsync(folder, inDatabase ? await KeptRegion.CreateStoreAsync(postgres) : null);
        await region.Services.GetRequiredService<Following>().StopAsync(default);
        return region;
    }

    private static JournalFollower FollowerOf(KeptRegion region, IEvidenceReader reader) =>
        new(region.Stores.BackOffice, region.Services.GetRequiredService<EvidenceStore>(), reader);

    private static async Task ReportAsync(KeptRegion region, int people, string key = "report", Minute? at = null)
    {
        for (var number = 1; number <= people; number++)
            await region.ReportAsync(region.PersonOf(number), $"{key}/{number}", at ?? Noon);
    }

    private static async Task<List<(EvidenceKind Kind, long Count)>> CountsAsync(KeptRegion region)
    {
        await using var context = await region.Stores.BackOffice.CreateDbContextAsync();
        return [.. (await context.DailyCounts.AsNoTracking().ToListAsync()).Select(count => ((EvidenceKind)count.Kind, count.Count))];
    }
}
