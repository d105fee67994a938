using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Npgsql;

namespace HealthCode.Storage;

/// <summary>
/// The stores of one region, opened: the one place that knows which file or table is which. In a folder they are SQLite
/// files; in a database they are tables, and the folder keeps only what is no store.
/// </summary>
public sealed class RegionStores : IAsyncDisposable
{
    public const string JournalFile = "journal.db";
    public const string BackOfficeFile = "backoffice.db";
    public const string KeysFile = "keys.db";
    public const string SnapshotsFile = "snapshots.db";

    private readonly string folder;
    private readonly StoreAddress address;
    private readonly bool readOnly;
    private readonly Lazy<IJournal> journal;
    private readonly Lazy<IKeyStore> keys;
    private readonly Lazy<ISnapshotStore> snapshots;

    private RegionStores(string folder, StoreAddress address, bool readOnly)
    {
        (this.folder, this.address, this.readOnly) = (folder, address, readOnly);
        Database = address.IsPostgres ? PostgresStore.Open(address.ConnectionString) : null;
        BackOffice = Database is not null ? new PostgresContexts(Database) : new SqliteContexts(SqliteOptions());
        journal = new(() => Database is null ? OpenJournalFile() : Opened(PostgresJournal.OpenAsync(Database)));
        keys = new(() => Database is null ? new SqliteKeyStore(Path.Combine(folder, KeysFile)) : Opened(PostgresKeyStore.OpenAsync(Database)));
        snapshots = new(() => Database is null
            ? new SqliteSnapshotStore(Path.Combine(folder, SnapshotsFile)) : Opened(PostgresSnapshotStore.OpenAsync(Database)));
    }

    /// <summary>For the region itself: what is missing is made.</summary>
    public static RegionStores Open(string folder, StoreAddress address)
    {
        OwnerOnly.CreateFolder(folder);
        return new(folder, address, readOnly: false);
    }

    /// <summary>For commands beside a running region: to read, and to change nothing.</summary>
    public static RegionStores OpenForReading(string folder, StoreAddress address) => new(folder, address, readOnly: true);

    /// <summary>The pool of connections; null for a folder.</summary>
    public NpgsqlDataSource? Database { get; }

    public IDbContextFactory<BackOfficeContext> BackOffice { get; }

    public IJournal Journal => journal.Value;

    public IKeyStore Keys => keys.Value;

    public ISnapshotStore Snapshots => snapshots.Value;

    /// <summary>Where it is, for a message: never with a password.</summary>
    public string Where => address.IsPostgres ? $"{address}" : folder;

    /// <summary>Whether a region was ever started here.</summary>
    public async Task<bool> ExistsAsync(CancellationToken cancellation)
    {
        if (Database is null)
            return File.Exists(Path.Combine(folder, JournalFile));
        await using var command = Database.CreateCommand("""SELECT to_regclass('"RegionSettings"') IS NOT NULL""");
        return (bool)(await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
    }

    /// <summary>What was fixed when the region was created, by <see cref="RegionStore"/>'s names.</summary>
    /// <returns>Null when the region has not fixed it yet.</returns>
    public async Task<string?> SettingAsync(string setting, CancellationToken cancellation)
    {
        if (Database is null ? !File.Exists(Path.Combine(folder, BackOfficeFile)) : !await ExistsAsync(cancellation).ConfigureAwait(false))
            return null;
        await using var context = await BackOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        return (await context.RegionSettings.FindAsync([setting], cancellation).ConfigureAwait(false))?.Value;
    }

    /// <summary>
    /// Does some work while no other process of this region does work of that name. A process that dies lets the next one
    /// in. In a folder there is one process, which is alone anyway.
    /// </summary>
    public async Task AloneAsync(string work, Func<CancellationToken, Task> doing, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(doing);
        if (Database is null)
        {
            await doing(cancellation).ConfigureAwait(false);
            return;
        }
        await using var connection = await Database.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        await using var enter = new NpgsqlCommand("SELECT pg_advisory_lock(hashtextextended('healthcode ' || $1, 0))", connection)
        {
            // Whoever comes second waits as long as the first takes.
            CommandTimeout = 0, Parameters = { new() { Value = work } },
        };
        await enter.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        try
        {
            await doing(cancellation).ConfigureAwait(false);
        }
        finally
        {
            await using var leave = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", connection);
            await leave.ExecuteNonQueryAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Refuses a place where something is already, before a restore.</summary>
    /// <exception cref="InvalidDataException">There is; the message says what.</exception>
    internal static async Task CheckEmptyAsync(string folder, StoreAddress address, CancellationToken cancellation)
    {
        if (!address.IsPostgres)
        {
            foreach (var file in (string[])[JournalFile, BackOfficeFile, KeysFile, SnapshotsFile])
            {
                if (File.Exists(Path.Combine(folder, file)))
                    throw new InvalidDataException($"{folder} has a {file}: restore into an empty folder.");
            }
            return;
        }
        await using var database = PostgresStore.Open(address.ConnectionString);
        await using var select = database.CreateCommand("SELECT min(tablename) FROM pg_tables WHERE schemaname = current_schema()");
        if (await select.ExecuteScalarAsync(cancellation).ConfigureAwait(false) is string table)
            throw new InvalidDataException($"{address} has a table {table}: restore into an empty database.");
    }

    /// <summary>Makes the tables, and marks the region as one that is not whole yet; restoring the back office takes the mark away.</summary>
    public async Task BeginRestoringAsync(CancellationToken cancellation)
    {
        await MigrateAsync(cancellation).ConfigureAwait(false);
        await using var context = await BackOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        context.RegionSettings.Add(new RegionSetting { Key = RegionStore.Restoring, Value = "yes" });
        await context.SaveChangesAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The segments whose keys are destroyed.</summary>
    internal async Task<IReadOnlySet<Segment>> SegmentsOverAsync(CancellationToken cancellation) =>
        (await Keys.ReadAsync(EvidenceStore.SegmentScope, cancellation).ConfigureAwait(false))
            .Where(key => key.IsDestroyed).Select(key => EvidenceStore.SegmentOf(key.Id)).ToHashSet();

    /// <summary>Brings the tables to this version.</summary>
    public Task MigrateAsync(CancellationToken cancellation) => AloneAsync("migrate", MigrateAloneAsync, cancellation);

    public async ValueTask DisposeAsync()
    {
        if (journal.IsValueCreated)
            await journal.Value.DisposeAsync().ConfigureAwait(false);
        if (keys.IsValueCreated)
            await keys.Value.DisposeAsync().ConfigureAwait(false);
        if (snapshots.IsValueCreated)
            await snapshots.Value.DisposeAsync().ConfigureAwait(false);
        if (Database is not null)
            await Database.DisposeAsync().ConfigureAwait(false);
    }

    private async Task MigrateAloneAsync(CancellationToken cancellation)
    {
        if (Database is null)
            OwnerOnly.CreateFile(Path.Combine(folder, BackOfficeFile));
        await using var context = await BackOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        if (Database is null)
            await context.Database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL", cancellation).ConfigureAwait(false);
        await context.Database.MigrateAsync(cancellation).ConfigureAwait(false);
        if (Database is not null)
            await PostgresNodeTable.MigrateAsync(Database, cancellation).ConfigureAwait(false);
    }

    private SqliteJournal OpenJournalFile()
    {
        var path = Path.Combine(folder, JournalFile);
        return readOnly ? SqliteJournal.OpenForReading(path) : new SqliteJournal(path);
    }

    // Once in a process, and before it answers anybody: a store is asked for by services that are made without waiting.
    private static T Opened<T>(Task<T> opening) => opening.GetAwaiter().GetResult();

    private DbContextOptions<BackOfficeContext> SqliteOptions()
    {
        var mode = readOnly ? ";Mode=ReadOnly;Pooling=False" : "";
        return new DbContextOptionsBuilder<BackOfficeContext>()
            .UseSqlite($"Data Source={Path.Combine(folder, BackOfficeFile)};Default Timeout=30{mode}").Options;
    }

    private sealed class SqliteContexts(DbContextOptions<BackOfficeContext> options) : IDbContextFactory<BackOfficeContext>
    {
        private readonly PooledDbContextFactory<BackOfficeContext> pool = new(options);

        public BackOfficeContext CreateDbContext() => pool.CreateDbContext();
    }

    private sealed class PostgresContexts(NpgsqlDataSource database) : IDbContextFactory<BackOfficeContext>
    {
        private readonly PooledDbContextFactory<PostgresBackOfficeContext> pool =
            new(new DbContextOptionsBuilder<PostgresBackOfficeContext>().UseNpgsql(database).Options);

        public BackOfficeContext CreateDbContext() => pool.CreateDbContext();
    }
}
