using Microsoft.Data.Sqlite;

namespace HealthCode.Storage;

/// <summary>Keys in a SQLite file of their own, which no backup of the data takes along.</summary>
/// <remarks>
/// secure_delete overwrites what is destroyed, and the log, where it still stood, is emptied before a destruction is
/// acknowledged: afterwards the bytes are in none of the files.
/// </remarks>
public sealed class SqliteKeyStore : IKeyStore
{
    private static readonly TimeSpan BusyMax = TimeSpan.FromSeconds(5);

    private readonly string path;
    private readonly SemaphoreSlim turn = new(1);
    private SqliteConnection? writer;

    /// <summary>Opens the file, creating it, with owner-only permissions, when it is missing.</summary>
    public SqliteKeyStore(string path)
    {
        this.path = path;
        OwnerOnly.CreateFile(path);
        writer = OpenWriter();
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredKey>> ReadAsync(string scope, CancellationToken cancellation) => SelectAsync(connection =>
    {
        using var select = Sqlite.Command(connection,
            "SELECT id, generation, wrapped, destroyed_at FROM keys WHERE scope = $1 ORDER BY id, generation", ("$1", scope));
        return KeysOf(select);
    }, cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredKey>> FindAsync(string scope, IReadOnlyList<byte[]> ids, CancellationToken cancellation) => SelectAsync(connection =>
    {
        var keys = new List<StoredKey>();
        using var select = Sqlite.Command(connection,
            "SELECT id, generation, wrapped, destroyed_at FROM keys WHERE scope = $1 AND id = $2 ORDER BY generation", ("$1", scope), ("$2", DBNull.Value));
        foreach (var id in ids.Distinct(ByteOrder.Instance).Order(ByteOrder.Instance))
        {
            select.Parameters[1].Value = id;
            keys.AddRange(KeysOf(select));
        }
        return keys;
    }, cancellation);

    private static List<StoredKey> KeysOf(SqliteCommand select)
    {
        using var rows = select.ExecuteReader();
        var keys = new List<StoredKey>();
        while (rows.Read())
            keys.Add(KeyIn(rows));
        return keys;
    }

    private sealed class ByteOrder : IComparer<byte[]>, IEqualityComparer<byte[]>
    {
        public static readonly ByteOrder Instance = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => BitConverter.ToInt32(System.Security.Cryptography.SHA256.HashData(obj));
    }

    private Task<IReadOnlyList<StoredKey>> SelectAsync(Func<SqliteConnection, List<StoredKey>> select, CancellationToken cancellation) => Task.Run<IReadOnlyList<StoredKey>>(() =>
    {
        try
        {
            using var connection = Sqlite.Open(path, SqliteOpenMode.ReadOnly, BusyMax);
            return select(connection);
        }
        catch (SqliteException failure)
        {
            throw Unavailable(failure);
        }
    }, cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredKey>> AddAsync(string scope, IReadOnlyList<StoredKey> keys, CancellationToken cancellation) =>
        WriteAsync<IReadOnlyList<StoredKey>>(connection =>
        {
            using var transaction = connection.BeginTransaction(deferred: false);
            using var insert = Sqlite.Command(connection, """
                INSERT INTO keys (scope, id, generation, wrapped, destroyed_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
                """, ("$1", scope), ("$2", DBNull.Value), ("$3", DBNull.Value), ("$4", DBNull.Value), ("$5", DBNull.Value));
            using var select = Sqlite.Command(connection,
                "SELECT id, generation, wrapped, destroyed_at FROM keys WHERE scope = $1 AND id = $2 AND generation = $3",
                ("$1", scope), ("$2", DBNull.Value), ("$3", DBNull.Value));
            var there = new StoredKey[keys.Count];
            for (var index = 0; index < there.Length; index++)
                there[index] = AddOne(insert, select, keys[index]);
            transaction.Commit();
            return there;
        }, cancellation);

    private static StoredKey AddOne(SqliteCommand insert, SqliteCommand select, StoredKey key)
    {
        insert.Parameters[1].Value = select.Parameters[1].Value = key.Id;
        insert.Parameters[2].Value = select.Parameters[2].Value = key.Generation;
        insert.Parameters[3].Value = (object?)key.Wrapped ?? DBNull.Value;
        insert.Parameters[4].Value = (object?)key.DestroyedAt ?? DBNull.Value;
        if (insert.ExecuteNonQuery() == 1)
            return key;
        using var row = select.ExecuteReader();
        row.Read();
        return KeyIn(row);
    }

    /// <inheritdoc/>
    public Task DestroyAsync(IReadOnlyList<KeyRange> keys, long at, CancellationToken cancellation) => WriteAsync(connection =>
    {
        var destroyed = 0;
        using (var transaction = connection.BeginTransaction(deferred: false))
        {
            foreach (var (scope, id, upTo) in keys)
            {
                destroyed += Sqlite.Execute(connection,
                    "UPDATE keys SET wrapped = NULL, destroyed_at = $3 WHERE scope = $1 AND id = $2 AND generation <= $4 AND wrapped IS NOT NULL",
                    ("$1", scope), ("$2", id), ("$3", at), ("$4", upTo));
            }
            transaction.Commit();
        }
        EmptyLog(connection);
        return destroyed;
    }, cancellation);

    // A reader of a moment ago may still hold the log; the busy timeout waits for it.
    private static void EmptyLog(SqliteConnection connection)
    {
        using var checkpoint = Sqlite.Command(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        using var row = checkpoint.ExecuteReader();
        if (row.Read() && row.GetInt64(0) != 0)
            throw new JournalUnavailableException("Somebody reads the keys all the time: they are destroyed, but their bytes are still in the log. Destroy them again.");
    }

    public async ValueTask DisposeAsync()
    {
        await turn.WaitAsync().ConfigureAwait(false);
        writer?.Dispose();
        writer = null;
        turn.Release();
        Sqlite.ClosePooled(path, BusyMax);
    }

    private async Task<T> WriteAsync<T>(Func<SqliteConnection, T> write, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => write(writer ??= OpenWriter()), CancellationToken.None).ConfigureAwait(false);
        }
        catch (SqliteException failure)
        {
            // The next one gets a new connection, if the disk gives it.
            writer?.Dispose();
            writer = null;
            throw Unavailable(failure);
        }
        finally
        {
            turn.Release();
        }
    }

    private SqliteConnection OpenWriter()
    {
        var connection = Sqlite.OpenDurable(path, BusyMax);
        Sqlite.Execute(connection, "PRAGMA secure_delete=ON");
        Sqlite.Execute(connection, """
            CREATE TABLE IF NOT EXISTS keys (
                scope TEXT NOT NULL,
                id BLOB NOT NULL,
                generation INTEGER NOT NULL,
                wrapped BLOB,
                destroyed_at INTEGER,
                PRIMARY KEY (scope, id, generation)) WITHOUT ROWID
            """);
        return connection;
    }

    private static StoredKey KeyIn(SqliteDataReader row) => new(
        row.GetFieldValue<byte[]>(0), row.GetInt32(1), row.IsDBNull(2) ? null : row.GetFieldValue<byte[]>(2), row.IsDBNull(3) ? null : row.GetInt64(3));

    private static JournalUnavailableException Unavailable(SqliteException failure) => new("The keys' file does not answer: " + failure.Message, failure);
}
