using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Storage;

/// <summary>A region's folder: its journal and its back office, readable by their owner alone.</summary>
public sealed class RegionStore(IDbContextFactory<BackOfficeContext> backOffice, string folder)
{
    public const string JournalFile = "journal.db";
    public const string BackOfficeFile = "backoffice.db";
    public const string KeysFile = "keys.db";
    public const string SnapshotsFile = "snapshots.db";

    /// <summary>Settings that are fixed when a region is created, by their options' names.</summary>
    public const string Partitions = "--partitions";
    public const string City = "city";

    /// <summary>Brings the back office's tables to this version.</summary>
    public async Task MigrateAsync(CancellationToken cancellation)
    {
        OwnerOnly.CreateFile(Path.Combine(folder, BackOfficeFile));
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await context.Database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL", cancellation).ConfigureAwait(false);
        await context.Database.MigrateAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Fixes what may never change in the region's life. The first value stays.</summary>
    /// <exception cref="InvalidDataException">Another value was fixed before; the message says which.</exception>
    public async Task FixAsync(string setting, string value, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        var known = await context.RegionSettings.FindAsync([setting], cancellation).ConfigureAwait(false);
        if (known is null)
        {
            context.RegionSettings.Add(new RegionSetting { Key = setting, Value = value });
            await context.SaveChangesAsync(cancellation).ConfigureAwait(false);
        }
        else if (known.Value != value)
        {
            throw new InvalidDataException(
                $"The region in {folder} was created with {setting} {known.Value}, not {value}. Start it with that, or name another folder with --data.");
        }
    }

    /// <summary>The back office of a folder, for commands beside a running region: to read, and to change nothing.</summary>
    public static IDbContextFactory<BackOfficeContext> OpenForReading(string folder) => new Opened(new DbContextOptionsBuilder<BackOfficeContext>()
        .UseSqlite($"Data Source={Path.Combine(folder, BackOfficeFile)};Mode=ReadOnly;Pooling=False;Default Timeout=30").Options);

    private sealed class Opened(DbContextOptions<BackOfficeContext> options) : IDbContextFactory<BackOfficeContext>
    {
        public BackOfficeContext CreateDbContext() => new(options);
    }

    /// <summary>Makes the folder, for its owner alone.</summary>
    public static void CreateFolder(string folder) => OwnerOnly.CreateFolder(folder);
}

/// <summary>Reads a region's settings without changing anything in its folder, for tools beside it.</summary>
public static class RegionSettings
{
    /// <returns>Null when the region has not fixed it yet.</returns>
    public static string? Read(string folder, string setting)
    {
        if (!File.Exists(Path.Combine(folder, RegionStore.BackOfficeFile)))
            return null;
        using var context = RegionStore.OpenForReading(folder).CreateDbContext();
        return context.RegionSettings.Find(setting)?.Value;
    }
}

public static class StorageServices
{
    /// <summary>Journal, keys, snapshots, vault and back office in one folder on SQLite.</summary>
    /// <param name="profileKey">32 bytes: the region's key over the keys of all profiles.</param>
    public static IServiceCollection AddHealthCodeStorage(this IServiceCollection services, string folder, byte[] profileKey)
    {
        return services
            .AddPooledDbContextFactory<BackOfficeContext>(
                options => options.UseSqlite($"Data Source={Path.Combine(folder, RegionStore.BackOfficeFile)};Default Timeout=30"))
            .AddScoped(provider => provider.GetRequiredService<IDbContextFactory<BackOfficeContext>>().CreateDbContext())
            .AddSingleton<IJournal>(_ => new SqliteJournal(Path.Combine(folder, RegionStore.JournalFile)))
            .AddSingleton<IKeyStore>(_ => new SqliteKeyStore(Path.Combine(folder, RegionStore.KeysFile)))
            .AddSingleton<ISnapshotStore>(_ => new SqliteSnapshotStore(Path.Combine(folder, RegionStore.SnapshotsFile)))
            .AddSingleton(provider => new PersonVault(provider.GetRequiredService<IDbContextFactory<BackOfficeContext>>(), profileKey))
            .AddSingleton(provider => new RegionStore(provider.GetRequiredService<IDbContextFactory<BackOfficeContext>>(), folder));
    }
}
