using System.Diagnostics;
using HealthCode.Testing;
using Npgsql;

namespace HealthCode.Storage.Tests;

/// <summary>What every store of keys promises, whatever it is kept in.</summary>
public abstract class KeyStoreContract : IAsyncLifetime
{
    private protected IKeyStore Keys { get; private set; } = null!;

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected abstract Task<IKeyStore> OpenAsync();

    public virtual async ValueTask InitializeAsync() => Keys = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Keys.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_destruction_spares_the_generations_after_the_one_that_it_names_however_late_it_comes()
    {
        await Keys.AddAsync("people/0001", [Key(1, 0), Key(2, 0)], Cancellation);
        await Keys.DestroyAsync([new("people/0001", Id(1), 0)], 1_700_000_000, Cancellation);
        await Keys.AddAsync("people/0001", [Key(1, 1)], Cancellation);
        await Keys.DestroyAsync([new("people/0001", Id(1), 0)], 1_700_000_001, Cancellation);

        var found = await Keys.FindAsync("people/0001", [Id(1)], Cancellation);
        Assert.Equal([(0, true), (1, false)], found.Select(key => (key.Generation, key.IsDestroyed)));
        Assert.Empty(await Keys.FindAsync("people/0001", [Id(7)], Cancellation));
        Assert.Equal(2, (await Keys.FindAsync("people/0001", [Id(2), Id(1), Id(2)], Cancellation)).Count(key => !key.IsDestroyed));
    }

    [Fact]
    public async Task A_scope_gives_back_its_keys_in_the_order_of_their_ids_and_no_others()
    {
        await Keys.AddAsync("people/0001", [Key(200, 0), Key(3, 1), Key(3, 0)], Cancellation);
        await Keys.AddAsync("people/0002", [Key(4, 0)], Cancellation);

        Assert.Equal([Shown(Key(3, 0)), Shown(Key(3, 1)), Shown(Key(200, 0))], await AllAsync("people/0001"));
        Assert.Equal([Shown(Key(4, 0))], await AllAsync("people/0002"));
        Assert.Empty(await AllAsync("segments"));
    }

    [Fact]
    public async Task Adding_none_reads_none()
    {
        Assert.Empty(await Keys.AddAsync("segments", [], Cancellation));
    }

    [Fact]
    public async Task Who_adds_a_key_that_is_there_already_learns_the_one_that_is_there()
    {
        await Keys.AddAsync("segments", [Key(1, 0)], Cancellation);

        var there = await Keys.AddAsync("segments", [Key(2, 0), Key(1, 0, seed: 99), Key(1, 1)], Cancellation);

        Assert.Equal([Shown(Key(2, 0)), Shown(Key(1, 0)), Shown(Key(1, 1))], there.Select(Shown));
        Assert.Equal([Shown(Key(1, 0)), Shown(Key(1, 1)), Shown(Key(2, 0))], await AllAsync("segments"));
    }

    [Fact]
    public async Task Of_many_who_add_one_key_at_once_all_learn_the_same()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(seed => Task.Run(() => Keys.AddAsync(
            "segments", seed % 2 == 0 ? [Key(1, 0, seed), Key(2, 0, seed)] : [Key(2, 0, seed), Key(1, 0, seed)], Cancellation))));

        var one = Assert.Single(answers.Select(answer => Shown(answer.Single(key => key.Id[0] == 1))).Distinct());
        var two = Assert.Single(answers.Select(answer => Shown(answer.Single(key => key.Id[0] == 2))).Distinct());
        Assert.Equal([one, two], await AllAsync("segments"));
    }

    [Fact]
    public async Task A_destroyed_key_leaves_a_tombstone_in_all_its_generations_and_the_others_live()
    {
        await Keys.AddAsync("people/0001", [Key(1, 0), Key(1, 1), Key(2, 0)], Cancellation);
        await Keys.AddAsync("people/0002", [Key(1, 0), Key(3, 0)], Cancellation);

        await Keys.DestroyAsync([new("people/0001", Id(1), 9), new("people/0002", Id(3), 9), new("people/0003", Id(9), 9)], 1_700_000_000, Cancellation);

        Assert.Equal([Tombstone(1, 0), Tombstone(1, 1), Shown(Key(2, 0))], await AllAsync("people/0001"));
        Assert.Equal([Shown(Key(1, 0)), Tombstone(3, 0)], await AllAsync("people/0002"));
    }

    [Fact]
    public async Task A_destroyed_key_cannot_be_added_again_and_keeps_its_moment_but_a_new_generation_begins_anew()
    {
        await Keys.AddAsync("people/0001", [Key(1, 0)], Cancellation);
        await Keys.DestroyAsync([new("people/0001", Id(1), 9)], 1_700_000_000, Cancellation);
        await Keys.DestroyAsync([new("people/0001", Id(1), 9)], 1_800_000_000, Cancellation);

        var there = await Keys.AddAsync("people/0001", [Key(1, 0), Key(1, 1)], Cancellation);

        Assert.Equal([Tombstone(1, 0), Shown(Key(1, 1))], there.Select(Shown));
        Assert.Equal([Tombstone(1, 0), Shown(Key(1, 1))], await AllAsync("people/0001"));
    }

    [Fact]
    public async Task A_key_does_not_print_itself()
    {
        var key = Assert.Single(await Keys.AddAsync("segments", [Key(1, 0)], Cancellation));

        Assert.Equal("key 01000000000000000000000000000000 0", key.ToString());
        Assert.DoesNotContain(Convert.ToHexStringLower(key.Wrapped!)[..8], $"{key}", StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_keys_of_a_whole_partition_are_read_at_once()
    {
        const int people = 40_000;
        for (var start = 0; start < people; start += 4_000)
            await Keys.AddAsync("people/0001", [.. Enumerable.Range(start, 4_000).Select(person => Key(person, 0))], Cancellation);
        await Keys.ReadAsync("people/0001", Cancellation);

        var watch = Stopwatch.StartNew();
        var keys = await Keys.ReadAsync("people/0001", Cancellation);
        watch.Stop();

        Assert.Equal(people, keys.Count);
        TestContext.Current.SendDiagnosticMessage($"{GetType().Name}: {people} keys in {watch.ElapsedMilliseconds} ms");
        // Far above what it takes, so that a busy machine does not fail it; a query for each key would.
        Assert.InRange(watch.ElapsedMilliseconds, 0, 2_000);
    }

    private protected static byte[] Id(int number)
    {
        var id = new byte[16];
        BitConverter.TryWriteBytes(id, number);
        return id;
    }

    private protected static StoredKey Key(int number, int generation, int seed = 0)
    {
        var wrapped = new byte[40];
        new Random(HashCode.Combine(7, number) ^ generation ^ (seed << 8)).NextBytes(wrapped);
        return new StoredKey(Id(number), generation, wrapped);
    }

    private protected static string Shown(StoredKey key) =>
        $"{key.Id[0]} {key.Generation} {(key.Wrapped is null ? "destroyed" : Convert.ToHexString(key.Wrapped))} {key.DestroyedAt}";

    private static string Tombstone(int number, int generation) => $"{number} {generation} destroyed 1700000000";

    private protected async Task<List<string>> AllAsync(string scope) => [.. (await Keys.ReadAsync(scope, Cancellation)).Select(Shown)];
}

public sealed class MemoryKeyStoreTests : KeyStoreContract
{
    private protected override Task<IKeyStore> OpenAsync() => Task.FromResult<IKeyStore>(new MemoryKeyStore());
}

public sealed class SqliteKeyStoreTests : KeyStoreContract
{
    private readonly TemporaryFolder folder = new();

    private protected override Task<IKeyStore> OpenAsync() => Task.FromResult<IKeyStore>(new SqliteKeyStore(folder["keys.db"]));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task A_destroyed_keys_bytes_are_in_none_of_the_files_any_more()
    {
        await Keys.AddAsync("people/0001", [.. Enumerable.Range(0, 2_000).Select(person => Key(person, 0))], Cancellation);
        var gone = Key(1_234, 0);
        Assert.True(IsInFiles(gone.Wrapped!));

        await Keys.DestroyAsync([new("people/0001", gone.Id, 9)], 1_700_000_000, Cancellation);

        Assert.False(IsInFiles(gone.Wrapped!));
        Assert.True(IsInFiles(Key(1_235, 0).Wrapped!));
    }

    [Fact]
    public async Task Opened_again_it_has_what_it_acknowledged()
    {
        await Keys.AddAsync("segments", [Key(1, 0), Key(2, 0)], Cancellation);
        await Keys.DestroyAsync([new("segments", Id(2), 9)], 1_700_000_000, Cancellation);

        await using var again = await OpenAsync();
        Assert.Equal([false, true], (await again.ReadAsync("segments", Cancellation)).Select(key => key.IsDestroyed));
        Assert.All(Directory.GetFiles(folder.Path), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    private bool IsInFiles(byte[] bytes) => Directory.GetFiles(folder.Path).Any(file =>
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content.AsSpan().IndexOf(bytes) >= 0;
    });
}

public sealed class PostgresKeyStoreTests(PostgresFixture postgres) : KeyStoreContract
{
    private NpgsqlDataSource source = null!;

    private protected override async Task<IKeyStore> OpenAsync()
    {
        source = PostgresStore.Open(await postgres.CreateDatabaseAsync());
        return await PostgresKeyStore.OpenAsync(source, Cancellation);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await source.DisposeAsync();
    }

    [Fact]
    public async Task A_database_that_is_away_is_said_to_be_and_works_again_without_opening_anew()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var database = PostgresStore.Open(server.ConnectionString);
        await using var keys = await PostgresKeyStore.OpenAsync(database, Cancellation);
        await keys.AddAsync("segments", [Key(1, 0)], Cancellation);

        await server.KillAsync();
        await Assert.ThrowsAsync<JournalUnavailableException>(() => keys.ReadAsync("segments", Cancellation));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => keys.AddAsync("segments", [Key(2, 0)], Cancellation));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => keys.DestroyAsync([new("segments", Id(1), 9)], 1, Cancellation));

        await server.RestartAsync();
        Assert.Equal([Shown(Key(1, 0))], (await keys.ReadAsync("segments", Cancellation)).Select(Shown));
    }
}
