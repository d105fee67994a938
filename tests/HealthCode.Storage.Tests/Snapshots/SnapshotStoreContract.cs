using HealthCode.Testing;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace HealthCode.Storage.Tests;

/// <summary>What every store of snapshots promises, whatever it is kept in.</summary>
public abstract class SnapshotStoreContract : IAsyncLifetime
{
    private protected ISnapshotStore Snapshots { get; private set; } = null!;

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected abstract Task<ISnapshotStore> OpenAsync();

    public virtual async ValueTask InitializeAsync() => Snapshots = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Snapshots.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_snapshot_comes_back_as_it_was_written_and_a_stream_without_one_has_none()
    {
        Assert.True(await WriteAsync("people/0001", 17, "first", "", "third"));

        Assert.Equal("17 3: first,,third", await ShownAsync("people/0001"));
        Assert.Equal("none", await ShownAsync("people/0002"));
    }

    [Fact]
    public async Task A_later_one_replaces_it_with_fewer_parts_too_and_an_earlier_one_does_not()
    {
        Assert.True(await WriteAsync("a", 17, "one", "two", "three"));
        Assert.True(await WriteAsync("a", 18, "later"));
        Assert.False(await WriteAsync("a", 17, "earlier"));
        Assert.Equal("18 3: later", await ShownAsync("a"));

        Assert.True(await WriteAsync("a", 18, "the same sequence", "written anew"));
        Assert.Equal("18 3: the same sequence,written anew", await ShownAsync("a"));
    }

    [Fact]
    public async Task A_deleted_one_is_gone_and_an_earlier_one_may_be_written_then()
    {
        await WriteAsync("a", 17, "one");
        await WriteAsync("b", 5, "other");
        await Snapshots.DeleteAsync("a", Cancellation);
        await Snapshots.DeleteAsync("nobody's", Cancellation);

        Assert.Equal(("none", "5 3: other"), (await ShownAsync("a"), await ShownAsync("b")));
        Assert.True(await WriteAsync("a", 3, "again"));
        Assert.Equal("3 3: again", await ShownAsync("a"));
    }

    [Fact]
    public async Task One_without_parts_is_a_snapshot_too()
    {
        await WriteAsync("a", 1);

        Assert.Equal("1 3: ", await ShownAsync("a"));
    }

    [Fact]
    public async Task Of_many_written_at_once_the_latest_stays_and_is_whole()
    {
        await Task.WhenAll(Enumerable.Range(1, 12).Select(sequence => Task.Run(
            () => WriteAsync("a", sequence, [.. Enumerable.Range(0, sequence).Select(part => $"{sequence}.{part}")]))));

        Assert.Equal("12 3: " + string.Join(',', Enumerable.Range(0, 12).Select(part => $"12.{part}")), await ShownAsync("a"));
    }

    [Fact]
    public async Task A_large_one_comes_back_in_its_parts_and_a_part_has_its_bound()
    {
        var random = new Random(5);
        var parts = Enumerable.Range(0, 7).Select(_ =>
        {
            var part = new byte[StoredSnapshot.PartSizeMax];
            random.NextBytes(part);
            return new ReadOnlyMemory<byte>(part);
        }).ToList();
        await Snapshots.WriteAsync("a", 1, 3, parts, Cancellation);

        var read = await Snapshots.ReadAsync("a", Cancellation);
        Assert.Equal(parts.Count, read!.Parts.Count);
        for (var part = 0; part < parts.Count; part++)
            Assert.True(parts[part].Span.SequenceEqual(read.Parts[part].Span));
        await Assert.ThrowsAsync<ArgumentException>(
            () => Snapshots.WriteAsync("a", 2, 3, [new byte[StoredSnapshot.PartSizeMax + 1]], Cancellation));
    }

    [Fact]
    public async Task The_parts_belong_to_the_caller_again_after_writing()
    {
        var part = "before"u8.ToArray();
        await Snapshots.WriteAsync("a", 1, 3, [part.AsMemory(1, 4)], Cancellation);
        part.AsSpan().Fill((byte)'x');

        Assert.Equal("1 3: efor", await ShownAsync("a"));
    }

    private protected Task<bool> WriteAsync(string stream, long sequence, params string[] parts) => Snapshots.WriteAsync(
        stream, sequence, 3, [.. parts.Select(part => new ReadOnlyMemory<byte>(System.Text.Encoding.UTF8.GetBytes(part)))], Cancellation);

    private protected async Task<string> ShownAsync(string stream) => await Snapshots.ReadAsync(stream, Cancellation) is { } snapshot
        ? $"{snapshot.Sequence} {snapshot.Format}: {string.Join(',', snapshot.Parts.Select(part => System.Text.Encoding.UTF8.GetString(part.Span)))}"
        : "none";
}

/// <summary>What is noticed in rows that somebody changed behind the store's back. The tables are named alike in all of them.</summary>
public abstract class DurableSnapshotStoreContract : SnapshotStoreContract
{
    private protected abstract Task DamageAsync(string sql);

    [Theory]
    [InlineData("DELETE FROM snapshot_parts WHERE part = 1", "it has 2 parts and not 3")]
    [InlineData("UPDATE snapshot_parts SET bytes = (SELECT other.bytes FROM snapshot_parts other WHERE other.part = 0) WHERE part = 1", "the checksum of its part 1 does not fit")]
    [InlineData("UPDATE snapshot_parts SET checksum = checksum + 1 WHERE part = 2", "the checksum of its part 2 does not fit")]
    [InlineData("UPDATE snapshots SET sequence = 18", "the checksum of its part 0 does not fit")]
    [InlineData("UPDATE snapshots SET format = 4", "the checksum of its part 0 does not fit")]
    [InlineData("UPDATE snapshots SET parts = 2", "it has 3 parts and not 2")]
    [InlineData("UPDATE snapshot_parts SET part = 7 WHERE part = 2", "the checksum of its part 2 does not fit")]
    public async Task A_damaged_one_is_noticed_and_a_new_one_takes_its_place(string damage, string what)
    {
        await WriteAsync("a", 17, "one", "two", "three");
        await DamageAsync(damage);

        var refused = await Assert.ThrowsAsync<SnapshotDamagedException>(() => Snapshots.ReadAsync("a", Cancellation));
        Assert.Equal($"The snapshot of stream a is damaged: {what}.", refused.Message);
        Assert.True(await WriteAsync("a", 19, "anew"));
        Assert.Equal("19 3: anew", await ShownAsync("a"));
    }
}

public sealed class MemorySnapshotStoreTests : SnapshotStoreContract
{
    private protected override Task<ISnapshotStore> OpenAsync() => Task.FromResult<ISnapshotStore>(new MemorySnapshotStore());
}

public sealed class SqliteSnapshotStoreTests : DurableSnapshotStoreContract
{
    private readonly TemporaryFolder folder = new();

    private protected override Task<ISnapshotStore> OpenAsync() => Task.FromResult<ISnapshotStore>(new SqliteSnapshotStore(folder["snapshots.db"]));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        folder.Dispose();
    }

    private protected override Task DamageAsync(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={folder["snapshots.db"]};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are the tests' own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_file_overwritten_with_noise_is_a_damaged_snapshot()
    {
        await WriteAsync("a", 17, new string('x', 100_000), new string('y', 100_000));
        await Snapshots.DisposeAsync();
        var bytes = await File.ReadAllBytesAsync(folder["snapshots.db"], Cancellation);
        new Random(11).NextBytes(bytes.AsSpan(4096));
        await File.WriteAllBytesAsync(folder["snapshots.db"], bytes, Cancellation);

        await Assert.ThrowsAsync<SnapshotDamagedException>(() => Snapshots.ReadAsync("a", Cancellation));
    }
}

public sealed class PostgresSnapshotStoreTests(PostgresFixture postgres) : DurableSnapshotStoreContract
{
    private NpgsqlDataSource source = null!;

    private protected override async Task<ISnapshotStore> OpenAsync()
    {
        source = PostgresStore.Open(await postgres.CreateDatabaseAsync());
        return await PostgresSnapshotStore.OpenAsync(source, Cancellation);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await source.DisposeAsync();
    }

    private protected override async Task DamageAsync(string sql)
    {
#pragma warning disable CA2100 // The statements are the tests' own constants.
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
