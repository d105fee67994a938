using System.Globalization;
using HealthCode.Storage;
using Npgsql;
using Orleans.Runtime;

namespace HealthCode.Server.Cluster;

/// <summary>Orleans' membership table in PostgreSQL: which silos there are, and who says that one of them is dead.</summary>
/// <remarks>
/// The protocol stands on one promise: every change of a row moves the table's version, in the same transaction, and only
/// from the version that its author had read. So all silos see one history of the cluster. A row has an entity tag too, the
/// count of its changes, and a change names the one it was made from. The sign of life is outside of this: it changes
/// neither version nor tags, or silos that merely live would refuse each other's changes.
/// <para>Moments are kept as ticks: PostgreSQL's own are ten times as coarse, and a vote must come back as it was cast.</para>
/// </remarks>
internal sealed class PostgresMembershipTable(NpgsqlDataSource database, string clusterId) : IMembershipTable
{
    private const string Columns =
        "silo, etag, status, host_name, silo_name, role_name, proxy_port, update_zone, fault_zone, started_at, alive_at, suspected_by, suspected_at";

    public async Task InitializeMembershipTable(bool tryInitTableVersion)
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        // Two that make the same table at once would fail, for all of IF NOT EXISTS.
        await connection.ExecuteAsync("SELECT pg_advisory_xact_lock(hashtextextended('healthcode membership', 0))", [], CancellationToken.None);
        await connection.ExecuteAsync("""
            CREATE TABLE IF NOT EXISTS membership_version (
                cluster text PRIMARY KEY, version int NOT NULL, etag bigint NOT NULL);
            CREATE TABLE IF NOT EXISTS membership (
                cluster text, silo text, etag bigint NOT NULL, status smallint NOT NULL, host_name text NOT NULL, silo_name text NOT NULL,
                role_name text NOT NULL, proxy_port int NOT NULL, update_zone int NOT NULL, fault_zone int NOT NULL, started_at bigint NOT NULL,
                alive_at bigint NOT NULL, suspected_by text[] NOT NULL, suspected_at bigint[] NOT NULL,
                PRIMARY KEY (cluster, silo));
            """, [], CancellationToken.None);
        if (tryInitTableVersion)
            await connection.ExecuteAsync("INSERT INTO membership_version VALUES ($1, 0, 0) ON CONFLICT DO NOTHING", [clusterId], CancellationToken.None);
        await transaction.CommitAsync();
    }

    public Task<MembershipTableData> ReadAll() => ReadAsync(null);

    public Task<MembershipTableData> ReadRow(SiloAddress key) => ReadAsync(key);

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => ChangeAsync(
        tableVersion, $"INSERT INTO membership (cluster, {Columns}) VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
        ParametersOf(entry));

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) => ChangeAsync(
        tableVersion,
        """
        UPDATE membership SET etag = etag + 1, status = $3, host_name = $4, silo_name = $5, role_name = $6, proxy_port = $7, update_zone = $8,
            fault_zone = $9, started_at = $10, alive_at = greatest(alive_at, $11), suspected_by = $12, suspected_at = $13
        WHERE cluster = $1 AND silo = $2 AND etag = $14
        """,
        [.. ParametersOf(entry), NumberOf(etag)]);

    public async Task UpdateIAmAlive(MembershipEntry entry)
    {
        await database.ExecuteAsync(
            "UPDATE membership SET alive_at = $3 WHERE cluster = $1 AND silo = $2",
            [clusterId, NameOf(entry.SiloAddress), TicksOf(entry.IAmAliveTime)], CancellationToken.None);
    }

    public async Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate)
    {
        await database.ExecuteAsync("""
            DELETE FROM membership WHERE cluster = $1 AND status = $2
                AND greatest(started_at, alive_at, (SELECT max(vote) FROM unnest(suspected_at) AS vote)) < $3
            """,
            [clusterId, (short)SiloStatus.Dead, beforeDate.UtcTicks], CancellationToken.None);
    }

    public async Task DeleteMembershipTableEntries(string clusterId)
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("DELETE FROM membership WHERE cluster = $1", [clusterId], CancellationToken.None);
        await connection.ExecuteAsync("DELETE FROM membership_version WHERE cluster = $1", [clusterId], CancellationToken.None);
        await transaction.CommitAsync();
    }

    // One statement sees one state, so rows and version belong together.
    private async Task<MembershipTableData> ReadAsync(SiloAddress? silo)
    {
        await using var command = database.Command($"""
            SELECT version.version, version.etag, row.* FROM membership_version AS version
            LEFT JOIN (SELECT {Columns} FROM membership WHERE cluster = $1 AND ($2 = '' OR silo = $2)) AS row ON true
            WHERE version.cluster = $1
            """,
            clusterId, silo is null ? "" : NameOf(silo));
        await using var reader = await command.ExecuteReaderAsync();
        var (rows, version) = (new List<Tuple<MembershipEntry, string>>(), new TableVersion(0, "0"));
        while (await reader.ReadAsync())
        {
            version = new(reader.GetInt32(0), TagOf(reader.GetInt64(1)));
            if (!reader.IsDBNull(2))
                rows.Add(Tuple.Create(EntryOf(reader), TagOf(reader.GetInt64(3))));
        }
        return new(rows, version);
    }

    // Whoever moves the version holds its row until the end, so that changes come one after the other, each on what it read.
    private async Task<bool> ChangeAsync(TableVersion next, string change, object[] parameters)
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var moved = await connection.ExecuteAsync(
            "UPDATE membership_version SET version = $2, etag = etag + 1 WHERE cluster = $1 AND etag = $3 AND version < $2",
            [clusterId, next.Version, NumberOf(next.VersionEtag)], CancellationToken.None);
        if (moved != 1 || await connection.ExecuteAsync(change, parameters, CancellationToken.None) != 1)
            return false;
        await transaction.CommitAsync();
        return true;
    }

    private object[] ParametersOf(MembershipEntry entry)
    {
        var suspects = entry.SuspectTimes ?? [];
        return
        [
            clusterId, NameOf(entry.SiloAddress), (short)entry.Status,
            entry.HostName ?? "", entry.SiloName ?? "", entry.RoleName ?? "",
            entry.ProxyPort, entry.UpdateZone, entry.FaultZone,
            TicksOf(entry.StartTime), TicksOf(entry.IAmAliveTime),
            suspects.Select(vote => NameOf(vote.Item1)).ToArray(), suspects.Select(vote => TicksOf(vote.Item2)).ToArray(),
        ];
    }

    private static MembershipEntry EntryOf(NpgsqlDataReader reader)
    {
        var (suspectedBy, suspectedAt) = (reader.GetFieldValue<string[]>(13), reader.GetFieldValue<long[]>(14));
        return new()
        {
            SiloAddress = SiloAddress.FromParsableString(reader.GetString(2)), Status = (SiloStatus)reader.GetInt16(4), HostName = reader.GetString(5),
            SiloName = reader.GetString(6), RoleName = reader.GetString(7), ProxyPort = reader.GetInt32(8), UpdateZone = reader.GetInt32(9),
            FaultZone = reader.GetInt32(10), StartTime = MomentOf(reader.GetInt64(11)), IAmAliveTime = MomentOf(reader.GetInt64(12)),
            SuspectTimes = [.. suspectedBy.Zip(suspectedAt, (by, at) => Tuple.Create(SiloAddress.FromParsableString(by), MomentOf(at)))],
        };
    }

    private static string NameOf(SiloAddress silo) => silo.ToParsableString();

    private static string TagOf(long tag) => tag.ToString(CultureInfo.InvariantCulture);

    // A tag that is none of ours fits no row.
    private static long NumberOf(string tag) => long.TryParse(tag, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    private static long TicksOf(DateTime moment) => moment.Ticks;

    private static DateTime MomentOf(long ticks) => new(ticks, DateTimeKind.Utc);
}
