using System.Text.Json;
using Npgsql;

namespace HealthCode.Storage;

/// <summary>The node table in PostgreSQL. Each method is one statement, so that it sees and makes one state.</summary>
/// <param name="lease">How long a renewal holds, by the database's clock.</param>
public sealed class PostgresNodeTable(NpgsqlDataSource database, TimeSpan lease) : INodeTable
{
    // A statement's own moment, not its transaction's: it may have waited for a row.
    private const string IsLive = "renewed_at > clock_timestamp() - $1::interval";

    /// <summary>Makes the tables. Several may do it one after the other, and never at once.</summary>
    public static Task MigrateAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(database);
        return database.ExecuteAsync("""
            CREATE TABLE IF NOT EXISTS nodes (
                node text PRIMARY KEY, renewed_at timestamptz NOT NULL, seen jsonb NOT NULL DEFAULT '{}');
            CREATE TABLE IF NOT EXISTS owners (
                partition int PRIMARY KEY, node text, taken_at timestamptz NOT NULL, former text[] NOT NULL DEFAULT '{}');
            CREATE INDEX IF NOT EXISTS owners_in_doubt ON owners (partition) WHERE former <> '{}';
            """, [], cancellation);
    }

    public Task JoinAsync(string node, CancellationToken cancellation) => AskAsync(async () =>
    {
        // The lives of processes that nobody waits for any more: a day is long enough for anybody to look.
        await database.ExecuteAsync("DELETE FROM nodes WHERE renewed_at < clock_timestamp() - interval '1 day'", [], cancellation).ConfigureAwait(false);
        return await database.ExecuteAsync(
            "INSERT INTO nodes (node, renewed_at) VALUES ($1, clock_timestamp()) ON CONFLICT (node) DO UPDATE SET renewed_at = clock_timestamp(), seen = '{}'",
            [node], cancellation).ConfigureAwait(false);
    });

    public Task<NodeRenewal> RenewAsync(string node, IReadOnlyDictionary<string, long> seen, CancellationToken cancellation) => AskAsync(async () =>
    {
        await using var command = database.Command($"""
            WITH before AS (SELECT {IsLive} AS live FROM nodes WHERE node = $2 FOR UPDATE),
            renewed AS (
                INSERT INTO nodes (node, renewed_at, seen) SELECT $2, clock_timestamp(), $3::jsonb FROM (SELECT count(*) FROM before) AS locked
                ON CONFLICT (node) DO UPDATE SET renewed_at = clock_timestamp(), seen = nodes.seen || excluded.seen)
            SELECT coalesce((SELECT live FROM before), false),
                coalesce((SELECT array_agg(partition ORDER BY partition) FROM owners WHERE former <> '{"{}"}' AND $2 = ANY (former)), '{"{}"}')
            """, lease, node, JsonSerializer.Serialize(seen));
        await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        await reader.ReadAsync(cancellation).ConfigureAwait(false);
        return new NodeRenewal(reader.GetBoolean(0), reader.GetFieldValue<int[]>(1));
    });

    public Task LeaveAsync(string node, CancellationToken cancellation) => AskAsync(() => database.ExecuteAsync("""
        WITH released AS (
            UPDATE owners SET former = array_remove(former, $1), node = nullif(node, $1) WHERE node = $1 OR (former <> '{}' AND $1 = ANY (former)))
        DELETE FROM nodes WHERE node = $1
        """, [node], cancellation));

    public Task<IReadOnlyList<string>> LiveAsync(CancellationToken cancellation) =>
        ReadAsync<string>($"""SELECT node FROM nodes WHERE {IsLive} ORDER BY node COLLATE "C" """, lease, cancellation);

    public Task<bool> HaveAllSeenAsync(string name, long revision, CancellationToken cancellation) => AskAsync(async () =>
    {
        await using var command = database.Command(
            $"SELECT NOT EXISTS (SELECT 1 FROM nodes WHERE {IsLive} AND coalesce((seen ->> $2)::bigint, -1) < $3)", lease, name, revision);
        return (bool)(await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
    });

    public async Task<IReadOnlyList<string>> TakeAsync(string node, int partition, CancellationToken cancellation)
    {
        await AskAsync(() => database.ExecuteAsync("""
            INSERT INTO owners (partition, node, taken_at) VALUES ($2, $1, clock_timestamp())
            ON CONFLICT (partition) DO UPDATE SET node = $1, taken_at = clock_timestamp(),
                former = array_remove(CASE WHEN owners.node IS NULL THEN owners.former ELSE owners.former || owners.node END, $1)
            """, [node, partition], cancellation)).ConfigureAwait(false);
        // Taken over in this very moment: whoever did will be waited for, and this one finds out by its lease.
        return await FormerOwnersAsync(node, partition, cancellation).ConfigureAwait(false) ?? [];
    }

    public Task<IReadOnlyList<string>?> FormerOwnersAsync(string node, int partition, CancellationToken cancellation) => AskAsync(async () =>
    {
        // Whose lease has run out is taken off for good: coming back, it finds out that it is no owner.
        await using var command = database.Command($"""
            UPDATE owners SET former = ARRAY(SELECT name FROM unnest(former) AS name WHERE EXISTS (SELECT 1 FROM nodes WHERE nodes.node = name AND {IsLive}) ORDER BY name COLLATE "C")
            WHERE node = $2 AND partition = $3 RETURNING former
            """, lease, node, partition);
        return (IReadOnlyList<string>?)(string[]?)await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
    });

    public Task ReleaseAsync(string node, IReadOnlyCollection<int> partitions, CancellationToken cancellation) => AskAsync(() => database.ExecuteAsync(
        "UPDATE owners SET former = array_remove(former, $1), node = nullif(node, $1) WHERE partition = ANY ($2) AND (node = $1 OR $1 = ANY (former))",
        [node, partitions.ToArray()], cancellation));

    public Task<IReadOnlyList<int>> OwnedAsync(string node, CancellationToken cancellation) =>
        ReadAsync<int>("SELECT partition FROM owners WHERE node = $1 ORDER BY partition", node, cancellation);

    private Task<IReadOnlyList<T>> ReadAsync<T>(string text, object value, CancellationToken cancellation) => AskAsync(async () =>
    {
        var rows = new List<T>();
        await using var command = database.Command(text, value);
        await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
            rows.Add(reader.GetFieldValue<T>(0));
        return (IReadOnlyList<T>)rows;
    });

    private static async Task<T> AskAsync<T>(Func<Task<T>> question)
    {
        try
        {
            return await question().ConfigureAwait(false);
        }
        catch (NpgsqlException failure)
        {
            throw new JournalUnavailableException("The table of nodes does not answer.", failure);
        }
    }
}
