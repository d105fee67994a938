using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Storage;

/// <summary>A region's folder: its journal and its back office, readable by their owner alone.</summary>
public sealed class RegionStore(IDbContextFactory<BackOfficeContext> backOffice, string folder)
{
    public const string JournalFile = "journal.db";
    public const string BackOfficeFile = "backoffice.db";

    /// <summary>Brings the back office's tables to this version.</summary>
    public async Task MigrateAsync(CancellationToken cancellation)
    {
        OwnerOnly.CreateFile(Path.Combine(folder, BackOfficeFile));
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await context.Database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL", cancellation).ConfigureAwait(false);
        await context.Database.MigrateAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Makes the folder, for its owner alone.</summary>
    public static void CreateFolder(string folder) => OwnerOnly.CreateFolder(folder);
}

public static class StorageServices
{
    /// <summary>Journal, vault and back office in one folder on SQLite.</summary>
    /// <param name="profileKey">32 bytes: the region's key over the keys of all profiles.</param>
    public static IServiceCollection AddHealthCodeStorage(this IServiceCollection services, string folder, byte[] profileKey)
    {
        return services
            .AddPooledDbContextFactory<BackOfficeContext>(
                options => options.UseSqlite($"Data Source={Path.Combine(folder, RegionStore.BackOfficeFile)};Default Timeout=30"))
            .AddScoped(provider => provider.GetRequiredService<IDbContextFactory<BackOfficeContext>>().CreateDbContext())
            .AddSingleton<IJournal>(_ => new SqliteJournal(Path.Combine(folder, RegionStore.JournalFile)))
            .AddSingleton(provider => new PersonVault(provider.GetRequiredService<IDbContextFactory<BackOfficeContext>>(), profileKey))
            .AddSingleton(provider => new RegionStore(provider.GetRequiredService<IDbContextFactory<BackOfficeContext>>(), folder));
    }
}
