using HealthCode.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Storage.Tests;

/// <summary>What a back office does wherever it is kept.</summary>
public abstract class BackOfficeContract : IAsyncLifetime
{
    private protected TemporaryBackOffice Office { get; private set; } = null!;

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected abstract Task<StoreAddress> AddressAsync();

    public async ValueTask InitializeAsync() => Office = await TemporaryBackOffice.OpenAsync(await AddressAsync());

    public async ValueTask DisposeAsync()
    {
        await Office.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Its_migrations_make_the_tables_that_the_code_expects()
    {
        await using var context = await Office.Contexts.CreateDbContextAsync(Cancellation);

        Assert.False(context.Database.HasPendingModelChanges());
        Assert.Empty(await context.Database.GetPendingMigrationsAsync(Cancellation));
    }

    [Fact]
    public async Task A_second_start_finds_everything_again()
    {
        await using (var context = await Office.Contexts.CreateDbContextAsync(Cancellation))
        {
            context.RegionSettings.Add(new RegionSetting { Key = "partitions", Value = "256" });
            await context.SaveChangesAsync(Cancellation);
        }

        await Office.MigrateAgainAsync();

        await using var again = await Office.Contexts.CreateDbContextAsync(Cancellation);
        Assert.Equal("256", (await again.RegionSettings.SingleAsync(Cancellation)).Value);
    }

    [Fact]
    public async Task Moments_text_bytes_and_keys_come_back_as_they_were_and_in_their_order()
    {
        var (early, late) = (new DateTimeOffset(2026, 3, 1, 8, 0, 0, 1, TimeSpan.Zero), new DateTimeOffset(2026, 3, 1, 8, 0, 0, 1, TimeSpan.Zero).AddTicks(1));
        var person = new PersonId(ulong.MaxValue, 7);
        await using (var context = await Office.Contexts.CreateDbContextAsync(Cancellation))
        {
            context.LookUps.AddRange(Look(person, late, "后"), Look(person, early, "先"), Look(new(1, 1), early, "别人"));
            context.CaseFiles.Add(new CaseFile
            {
                Id = Guid.NewGuid(), Person = person, Diagnosed = early, Onset = new DateOnly(2026, 2, 27), RecordedAt = late, EvidenceId = new(ulong.MaxValue),
            });
            await context.SaveChangesAsync(Cancellation);
        }

        await using var again = await Office.Contexts.CreateDbContextAsync(Cancellation);
        var seen = await again.LookUps.Where(look => look.Person == person && look.At >= early).OrderBy(look => look.At).ToListAsync(Cancellation);
        Assert.Equal([(early, "先"), (late, "后")], seen.Select(look => (look.At, look.Purpose)));
        var file = await again.CaseFiles.SingleAsync(row => row.EvidenceId == new EvidenceId(ulong.MaxValue), Cancellation);
        Assert.Equal((person, early, new DateOnly(2026, 2, 27)), (file.Person, file.Diagnosed, file.Onset));
    }

    [Fact]
    public async Task Of_two_who_save_the_same_version_of_a_draft_one_is_told()
    {
        var id = Guid.NewGuid();
        await using var first = await Office.Contexts.CreateDbContextAsync(Cancellation);
        first.PlanDrafts.Add(new PlanDraft { Id = id, State = "draft", Version = 1 });
        await first.SaveChangesAsync(Cancellation);
        await using var second = await Office.Contexts.CreateDbContextAsync(Cancellation);
        var (mine, theirs) = (await first.PlanDrafts.SingleAsync(Cancellation), await second.PlanDrafts.SingleAsync(Cancellation));

        mine.Version++;
        theirs.Version++;
        await first.SaveChangesAsync(Cancellation);
        await Assert.ThrowsAsync<DbUpdateConcurrencyException>(() => second.SaveChangesAsync(Cancellation));
    }

    [Fact]
    public async Task What_was_fixed_at_the_beginning_stays_and_the_refusal_says_what_it_is()
    {
        await Fix(Office.Stores, "256");
        await Fix(Office.Stores, "256");

        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => Fix(Office.Stores, "16"));
        Assert.Contains("created with --partitions 256, not 16", refused.Message, StringComparison.Ordinal);
        Assert.Equal("256", await Office.Stores.SettingAsync(RegionStore.Partitions, Cancellation));
        Assert.Null(await Office.Stores.SettingAsync(RegionStore.City, Cancellation));
    }

    private protected static Task Fix(RegionStores stores, string partitions) =>
        new RegionStore(stores).FixAsync(RegionStore.Partitions, partitions, Cancellation);

    private static LookUp Look(PersonId person, DateTimeOffset at, string purpose) =>
        new() { Id = Guid.NewGuid(), Person = person, At = at, By = "li", Role = "guard", Purpose = purpose };
}

public sealed class SqliteBackOfficeTests : BackOfficeContract
{
    private protected override Task<StoreAddress> AddressAsync() => Task.FromResult(StoreAddress.Folder);

    [Fact]
    public void Its_files_are_readable_by_their_owner_alone()
    {
        var files = Directory.GetFiles(Office.Folder);

        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }
}

public sealed class PostgresBackOfficeTests(PostgresFixture postgres) : BackOfficeContract
{
    private protected override Task<StoreAddress> AddressAsync() => postgres.CreateAddressAsync();

    [Fact]
    public async Task Of_several_nodes_that_start_at_once_on_an_empty_database_one_makes_the_tables()
    {
        var address = await postgres.CreateAddressAsync();
        var nodes = Enumerable.Range(0, 4).Select(_ => RegionStores.Open(Office.Folder, address)).ToList();

        await Task.WhenAll(nodes.Select(async node =>
        {
            await node.MigrateAsync(Cancellation);
            await Fix(node, "64");
        }));

        await using var context = await nodes[3].BackOffice.CreateDbContextAsync(Cancellation);
        Assert.Equal(context.Database.GetMigrations().Count(), await context.Database.SqlQuery<int>($"""SELECT count(*)::int AS "Value" FROM "__EFMigrationsHistory" """).SingleAsync(Cancellation));
        Assert.Equal("64", (await context.RegionSettings.SingleAsync(Cancellation)).Value);
        foreach (var node in nodes)
            await node.DisposeAsync();
    }

    [Fact]
    public async Task Work_that_must_be_done_alone_is_done_by_one_after_the_other()
    {
        await using var other = Office.Start();
        var (inside, most, done) = (0, 0, 0);
        async Task Work(CancellationToken cancellation)
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            await Task.Yield();
            Interlocked.Decrement(ref inside);
            done++;
        }

        RegionStores[] processes = [Office.Stores, other.GetRequiredService<RegionStores>()];
        await Task.WhenAll(Enumerable.Range(0, 20).Select(index => processes[index % 2].AloneAsync("test", Work, Cancellation)));
        Assert.Equal((1, 20), (most, done));
    }

    [Fact]
    public async Task A_database_that_no_region_was_started_in_says_so_and_stays_empty()
    {
        await using var stores = RegionStores.OpenForReading(Office.Folder, await postgres.CreateAddressAsync());

        Assert.False(await stores.ExistsAsync(Cancellation));
        Assert.Null(await stores.SettingAsync(RegionStore.Partitions, Cancellation));
        Assert.True(await Office.Stores.ExistsAsync(Cancellation));
    }
}
