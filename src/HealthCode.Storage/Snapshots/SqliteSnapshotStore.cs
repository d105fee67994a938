using Microsoft.Data.Sqlite;

namespace HealthCode.Storage;

/// <summary>Snapshots in a SQLite file of their own, which may be deleted at any time: it costs a reading of the journal.</summary>
public sealed class SqliteSnapshotStore : ISnapshotStore
{
    private static readonly TimeSpan BusyMax = TimeSpan.FromSeconds(5);

    private readonly string path;
    private readonly SemaphoreSlim turn = new(1);

    /// <summary>Opens the file, creating it, with owner-only permissions, when it is missing.</summary>
    public SqliteSnapshotStore(string path)
    {
        this.path = path;
        OwnerOnly.CreateFile(path);
        using var connection = OpenWriter();
    }

    /// <inheritdoc/>
    public Task<bool> WriteAsync(
        string stream, long sequence, int format, IReadOnlyList<ReadOnlyMemory<byte>> parts, CancellationToken cancellation)
    {
        StoredSnapshot.Check(parts);
        return DoAsync(connection =>
        {
            using var transaction = connection.BeginTransaction(deferred: false);
            var written = Sqlite.Execute(connection, """
                INSERT INTO snapshots (stream, sequence, format, parts) VALUES ($1, $2, $3, $4)
                ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence, format = excluded.format, parts = excluded.parts
                WHERE snapshots.sequence <= excluded.sequence
                """, ("$1", stream), ("$2", sequence), ("$3", format), ("$4", parts.Count)) == 1;
            if (!written)
                return false;
            Sqlite.Execute(connection, "DELETE FROM snapshot_parts WHERE stream = $1", ("$1", stream));
            using var insert = Sqlite.Command(connection, "INSERT INTO snapshot_parts (stream, part, checksum, bytes) VALUES ($1, $2, $3, $4)",
                ("$1", stream), ("$2", 0), ("$3", 0), ("$4", DBNull.Value));
            for (var part = 0; part < parts.Count; part++)
            {
                cancellation.ThrowIfCancellationRequested();
                insert.Parameters[1].Value = part;
                insert.Parameters[2].Value = SnapshotChecksum.Of(stream, sequence, format, part, parts[part].Span);
                insert.Parameters[3].Value = Sqlite.WholeArray(parts[part]);
                insert.ExecuteNonQuery();
            }
            transaction.Commit();
            return true;
        }, cancellation);
    }

    /// <inheritdoc/>
    public Task<StoredSnapshot?> ReadAsync(string stream, CancellationToken cancellation) => Task.Run(() => Read(stream), cancellation);

    private StoredSnapshot? Read(string stream)
    {
        try
        {
            using var connection = Sqlite.Open(path, SqliteOpenMode.ReadOnly, BusyMax);
            using var transaction = connection.BeginTransaction(deferred: true);
            using var head = Sqlite.Command(connection, "SELECT sequence, format, parts FROM snapshots WHERE stream = $1", ("$1", stream));
            using var found = head.ExecuteReader();
            if (!found.Read())
                return null;
            using var select = Sqlite.Command(connection, "SELECT part, bytes, checksum FROM snapshot_parts WHERE stream = $1 ORDER BY part", ("$1", stream));
            using var rows = select.ExecuteReader();
            var parts = new List<(int, byte[], long)>();
            while (rows.Read())
                parts.Add((rows.GetInt32(0), rows.GetFieldValue<byte[]>(1), rows.GetInt64(2)));
            return SnapshotChecksum.Check(stream, found.GetInt64(0), found.GetInt32(1), found.GetInt32(2), parts);
        }
        catch (Exception failure) when (failure is InvalidCastException || failure is SqliteException file && Sqlite.IsDamage(file))
        {
            throw new SnapshotDamagedException(stream, failure.Message);
        }
        catch (SqliteException failure)
        {
            throw Unavailable(failure);
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string stream, CancellationToken cancellation) => DoAsync(connection =>
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        Sqlite.Execute(connection, "DELETE FROM snapshots WHERE stream = $1", ("$1", stream));
        Sqlite.Execute(connection, "DELETE FROM snapshot_parts WHERE stream = $1", ("$1", stream));
        transaction.Commit();
        return true;
    }, cancellation);

    public ValueTask DisposeAsync()
    {
        Sqlite.ClosePooled(path, BusyMax);
        turn.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<T> DoAsync<T>(Func<SqliteConnection, T> work, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await Task.Run(() =>
            {
                using var connection = OpenWriter();
                return work(connection);
            }, CancellationToken.None).ConfigureAwait(false);
        }
        catch (SqliteException failure)
        {
            throw Unavailable(failure);
        }
        finally
        {
            turn.Release();
        }
    }

    private SqliteConnection OpenWriter()
    {
        var connection = Sqlite.Open(path, SqliteOpenMode.ReadWrite, BusyMax);
        // Large pages for large parts; a snapshot that a power cut takes back is only an older one.
        Sqlite.Execute(connection, """
            PRAGMA page_size=32768;
            PRAGMA journal_mode=WAL;
            PRAGMA synchronous=NORMAL;
            PRAGMA secure_delete=FAST;
            PRAGMA journal_size_limit=67108864;
            CREATE TABLE IF NOT EXISTS snapshots (stream TEXT PRIMARY KEY, sequence INTEGER NOT NULL, format INTEGER NOT NULL, parts INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS snapshot_parts (stream TEXT NOT NULL, part INTEGER NOT NULL, checksum INTEGER NOT NULL, bytes BLOB NOT NULL,
                PRIMARY KEY (stream, part));
            """);
        return connection;
    }

    private static JournalUnavailableException Unavailable(SqliteException failure) => new("The snapshots' file does not answer: " + failure.Message, failure);
}
