using Npgsql;

namespace HealthCode.Storage;

/// <summary>Keys in a table of a PostgreSQL database.</summary>
/// <remarks>
/// A destroyed key's bytes are overwritten by NULL and the old row is vacuumed away. The database's own log and its
/// backups may still have them for as long as they are kept, so backups of the data leave this table out.
/// </remarks>
public sealed class PostgresKeyStore : IKeyStore
{
    private static readonly string[] Schema =
    [
        """
        CREATE TABLE keys (
            scope text COLLATE "C" NOT NULL,
            id bytea NOT NULL,
            generation int NOT NULL,
            wrapped bytea,
            destroyed_at bigint,
            PRIMARY KEY (scope, id, generation));
        """,
    ];

    private readonly NpgsqlDataSource database;

    private PostgresKeyStore(NpgsqlDataSource database) => this.database = database;

    /// <summary>Opens the keys of a database, making their table when it is missing. The database is the caller's to close.</summary>
    /// <exception cref="JournalUnavailableException">The database does not answer, or is of a newer version.</exception>
    public static async Task<PostgresKeyStore> OpenAsync(NpgsqlDataSource database, CancellationToken cancellation = default)
    {
        await PostgresStore.PrepareAsync(database, "keys", Schema, cancellation).ConfigureAwait(false);
        return new PostgresKeyStore(database);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredKey>> ReadAsync(string scope, CancellationToken cancellation) => DoAsync(async connection =>
    {
        var select = new NpgsqlCommand(
            "SELECT id, generation, wrapped, destroyed_at FROM keys WHERE scope = $1 ORDER BY id, generation", connection);
        await using var _ = select.ConfigureAwait(false);
        select.Parameters.Add(PostgresStore.Value(scope));
        return await AllAsync(await select.ExecuteReaderAsync(cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);
    }, cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredKey>> FindAsync(string scope, IReadOnlyList<byte[]> ids, CancellationToken cancellation) => DoAsync(async connection =>
    {
        var select = new NpgsqlCommand(
            "SELECT id, generation, wrapped, destroyed_at FROM keys WHERE scope = $1 AND id = ANY($2) ORDER BY id, generation", connection);
        await using var _ = select.ConfigureAwait(false);
        select.Parameters.Add(PostgresStore.Value(scope));
        select.Parameters.Add(PostgresStore.Value(ids.ToArray()));
        return await AllAsync(await select.ExecuteReaderAsync(cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);
    }, cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredKey>> AddAsync(string scope, IReadOnlyList<StoredKey> keys, CancellationToken cancellation) => DoAsync(async connection =>
    {
        var batch = new NpgsqlBatch(connection);
        await using var _ = batch.ConfigureAwait(false);
        // In one order, so that two who add the same never wait for each other in a circle.
        batch.BatchCommands.Add(new("""
            INSERT INTO keys (scope, id, generation, wrapped, destroyed_at)
            SELECT $1, id, generation, wrapped, destroyed_at FROM unnest($2, $3, $4, $5) AS added(id, generation, wrapped, destroyed_at)
            ORDER BY id, generation
            ON CONFLICT DO NOTHING
            """)
        {
            Parameters =
            {
                PostgresStore.Value(scope), Ids(keys), Generations(keys), PostgresStore.Value(keys.Select(key => key.Wrapped).ToArray()),
                PostgresStore.Value(keys.Select(key => key.DestroyedAt).ToArray()),
            },
        });
        batch.BatchCommands.Add(new("""
            SELECT id, generation, wrapped, destroyed_at FROM unnest($2, $3) WITH ORDINALITY AS asked(id, generation, place)
            JOIN keys USING (id, generation) WHERE scope = $1 ORDER BY place
            """)
        {
            Parameters = { PostgresStore.Value(scope), Ids(keys), Generations(keys) },
        });
        return await AllAsync(await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);
    }, cancellation);

    private static NpgsqlParameter Ids(IReadOnlyList<StoredKey> keys) => PostgresStore.Value(keys.Select(key => key.Id).ToArray());

    private static NpgsqlParameter Generations(IReadOnlyList<StoredKey> keys) => PostgresStore.Value(keys.Select(key => key.Generation).ToArray());

    /// <inheritdoc/>
    public Task DestroyAsync(IReadOnlyList<KeyRange> keys, long at, CancellationToken cancellation) => DoAsync(async connection =>
    {
        var destroy = new NpgsqlCommand("""
            UPDATE keys SET wrapped = NULL, destroyed_at = $3 FROM unnest($1, $2, $4) AS gone(scope, id, up_to)
            WHERE keys.scope = gone.scope AND keys.id = gone.id AND generation <= up_to AND wrapped IS NOT NULL
            """, connection);
        await using var _ = destroy.ConfigureAwait(false);
        destroy.Parameters.Add(PostgresStore.Value(keys.Select(key => key.Scope).ToArray()));
        destroy.Parameters.Add(PostgresStore.Value(keys.Select(key => key.Id).ToArray()));
        destroy.Parameters.Add(PostgresStore.Value(at));
        destroy.Parameters.Add(PostgresStore.Value(keys.Select(key => key.UpTo).ToArray()));
        var destroyed = await destroy.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        if (destroyed > 0)
        {
            var vacuum = new NpgsqlCommand("VACUUM keys", connection);
            await using var __ = vacuum.ConfigureAwait(false);
            await vacuum.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        }
        return destroyed;
    }, cancellation);

    /// <summary>The database is not closed.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<T> DoAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellation)
    {
        try
        {
            var connection = await database.OpenConnectionAsync(cancellation).ConfigureAwait(false);
            await using var _ = connection.ConfigureAwait(false);
            return await work(connection).ConfigureAwait(false);
        }
        catch (Exception failure) when (PostgresStore.IsOutage(failure))
        {
            throw PostgresStore.Unavailable(failure);
        }
    }

    private static async Task<IReadOnlyList<StoredKey>> AllAsync(NpgsqlDataReader rows, CancellationToken cancellation)
    {
        await using var _ = rows.ConfigureAwait(false);
        var keys = new List<StoredKey>();
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
        {
            keys.Add(new(rows.GetFieldValue<byte[]>(0), rows.GetInt32(1), rows.IsDBNull(2) ? null : rows.GetFieldValue<byte[]>(2),
                rows.IsDBNull(3) ? null : rows.GetInt64(3)));
        }
        return keys;
    }
}
