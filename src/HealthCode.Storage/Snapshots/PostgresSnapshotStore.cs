using System.Data;
using Npgsql;
using NpgsqlTypes;

namespace HealthCode.Storage;

/// <summary>Snapshots in two tables of a PostgreSQL database.</summary>
public sealed class PostgresSnapshotStore : ISnapshotStore
{
    private static readonly string[] Schema =
    [
        """
        CREATE TABLE snapshots (stream text COLLATE "C" PRIMARY KEY, sequence bigint NOT NULL, format int NOT NULL, parts int NOT NULL);
        CREATE TABLE snapshot_parts (
            stream text COLLATE "C" NOT NULL,
            part int NOT NULL,
            checksum bigint NOT NULL,
            bytes bytea NOT NULL,
            PRIMARY KEY (stream, part));
        ALTER TABLE snapshot_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;
        """,
    ];

    private readonly NpgsqlDataSource database;

    private PostgresSnapshotStore(NpgsqlDataSource database) => this.database = database;

    /// <summary>Opens the snapshots of a database, making their tables when they are missing. The database is the caller's to close.</summary>
    /// <exception cref="JournalUnavailableException">The database does not answer, or is of a newer version.</exception>
    public static async Task<PostgresSnapshotStore> OpenAsync(NpgsqlDataSource database, CancellationToken cancellation = default)
    {
        await PostgresStore.PrepareAsync(database, "snapshots", Schema, cancellation).ConfigureAwait(false);
        return new PostgresSnapshotStore(database);
    }

    /// <inheritdoc/>
    public Task<bool> WriteAsync(
        string stream, long sequence, int format, IReadOnlyList<ReadOnlyMemory<byte>> parts, CancellationToken cancellation)
    {
        StoredSnapshot.Check(parts);
        return DoAsync(IsolationLevel.ReadCommitted, async connection =>
        {
            // Whoever else writes this stream's snapshot waits here until this one is there, and then sees its sequence.
            if (await RunAsync(connection, """
                INSERT INTO snapshots (stream, sequence, format, parts) VALUES ($1, $2, $3, $4)
                ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence, format = excluded.format, parts = excluded.parts
                WHERE snapshots.sequence <= excluded.sequence
                """, cancellation, PostgresStore.Value(stream), PostgresStore.Value(sequence), PostgresStore.Value(format), PostgresStore.Value(parts.Count)).ConfigureAwait(false) == 0)
                return false;
            await RunAsync(connection, "DELETE FROM snapshot_parts WHERE stream = $1", cancellation, PostgresStore.Value(stream)).ConfigureAwait(false);
            for (var part = 0; part < parts.Count; part++)
            {
                await RunAsync(connection, "INSERT INTO snapshot_parts (stream, part, checksum, bytes) VALUES ($1, $2, $3, $4)", cancellation,
                    PostgresStore.Value(stream), PostgresStore.Value(part),
                    PostgresStore.Value(SnapshotChecksum.Of(stream, sequence, format, part, parts[part].Span)),
                    new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = parts[part], NpgsqlDbType = NpgsqlDbType.Bytea }).ConfigureAwait(false);
            }
            return true;
        }, cancellation);
    }

    /// <inheritdoc/>
    public async Task<StoredSnapshot?> ReadAsync(string stream, CancellationToken cancellation)
    {
        try
        {
            return await DoAsync(IsolationLevel.RepeatableRead, connection => ReadAsync(connection, stream, cancellation), cancellation).ConfigureAwait(false);
        }
        catch (JournalUnavailableException failure) when (PostgresStore.IsDamage(failure))
        {
            throw new SnapshotDamagedException(stream, failure.InnerException!.Message);
        }
    }

    private static async Task<StoredSnapshot?> ReadAsync(NpgsqlConnection connection, string stream, CancellationToken cancellation)
    {
        var (sequence, format, count) = (0L, 0, 0);
        var head = new NpgsqlCommand("SELECT sequence, format, parts FROM snapshots WHERE stream = $1", connection) { Parameters = { PostgresStore.Value(stream) } };
        await using (head.ConfigureAwait(false))
        {
            var found = await head.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
            await using var _ = found.ConfigureAwait(false);
            if (!await found.ReadAsync(cancellation).ConfigureAwait(false))
                return null;
            (sequence, format, count) = (found.GetInt64(0), found.GetInt32(1), found.GetInt32(2));
        }
        var select = new NpgsqlCommand("SELECT part, bytes, checksum FROM snapshot_parts WHERE stream = $1 ORDER BY part", connection)
        {
            Parameters = { PostgresStore.Value(stream) },
        };
        await using var __ = select.ConfigureAwait(false);
        var rows = await select.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        await using var ___ = rows.ConfigureAwait(false);
        var parts = new List<(int, byte[], long)>();
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
            parts.Add((rows.GetInt32(0), rows.GetFieldValue<byte[]>(1), rows.GetInt64(2)));
        return SnapshotChecksum.Check(stream, sequence, format, count, parts);
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string stream, CancellationToken cancellation) => DoAsync(IsolationLevel.ReadCommitted, async connection =>
    {
        await RunAsync(connection, "DELETE FROM snapshots WHERE stream = $1", cancellation, PostgresStore.Value(stream)).ConfigureAwait(false);
        return await RunAsync(connection, "DELETE FROM snapshot_parts WHERE stream = $1", cancellation, PostgresStore.Value(stream)).ConfigureAwait(false);
    }, cancellation);

    /// <summary>The database is not closed.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<T> DoAsync<T>(IsolationLevel isolation, Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellation)
    {
        try
        {
            var connection = await database.OpenConnectionAsync(cancellation).ConfigureAwait(false);
            await using var _ = connection.ConfigureAwait(false);
            var transaction = await connection.BeginTransactionAsync(isolation, cancellation).ConfigureAwait(false);
            await using var __ = transaction.ConfigureAwait(false);
            var done = await work(connection).ConfigureAwait(false);
            await transaction.CommitAsync(cancellation).ConfigureAwait(false);
            return done;
        }
        catch (Exception failure) when (PostgresStore.IsOutage(failure))
        {
            throw PostgresStore.Unavailable(failure);
        }
    }

    private static async Task<int> RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params NpgsqlParameter[] parameters)
    {
#pragma warning disable CA2100 // The statements are this file's own constants.
        var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }
}
