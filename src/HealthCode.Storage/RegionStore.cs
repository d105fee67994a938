using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Storage;

/// <summary>A region's own start: its tables at this version, and what may never change in its life.</summary>
public sealed class RegionStore(RegionStores stores)
{
    /// <summary>Settings that are fixed when a region is created, by their options' names.</summary>
    public const string Partitions = "--partitions";
    public const string City = "city";

    /// <summary>There while a restore is under way: it is gone with the restore's last step.</summary>
    internal const string Restoring = "restoring";

    /// <summary>Brings the tables to this version. Of several nodes that start at once one does it, and the others wait.</summary>
    /// <exception cref="InvalidDataException">A restore was cut off here.</exception>
    public async Task MigrateAsync(CancellationToken cancellation)
    {
        await stores.MigrateAsync(cancellation).ConfigureAwait(false);
        if (await stores.SettingAsync(Restoring, cancellation).ConfigureAwait(false) is not null)
            throw new InvalidDataException($"A restore into {stores.Where} did not come to its end. Empty it and restore again.");
    }

    /// <summary>Fixes what may never change in the region's life. The first value stays.</summary>
    /// <exception cref="InvalidDataException">Another value was fixed before; the message says which.</exception>
    public Task FixAsync(string setting, string value, CancellationToken cancellation) =>
        stores.AloneAsync("settings", alone => FixAloneAsync(setting, value, alone), cancellation);

    private async Task FixAloneAsync(string setting, string value, CancellationToken cancellation)
    {
        await using var context = await stores.BackOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        var known = await context.RegionSettings.FindAsync([setting], cancellation).ConfigureAwait(false);
        if (known is null)
        {
            context.RegionSettings.Add(new RegionSetting { Key = setting, Value = value });
            await context.SaveChangesAsync(cancellation).ConfigureAwait(false);
        }
        else if (known.Value != value)
        {
            throw new InvalidDataException(
                $"The region in {stores.Where} was created with {setting} {known.Value}, not {value}. Start it with that, or name another one with --data or --store.");
        }
    }
}

public static class StorageServices
{
    /// <summary>Journal, keys, snapshots, vault and back office of one region.</summary>
    /// <param name="folder">The data folder; made when it is missing.</param>
    /// <param name="masterKey">32 bytes: the region's key over the keys of all people.</param>
    /// <param name="partitions">Streams that people are spread over.</param>
    public static IServiceCollection AddHealthCodeStorage(
        this IServiceCollection services, string folder, StoreAddress address, byte[] masterKey, int partitions) => services
        .AddSingleton(_ => RegionStores.Open(folder, address))
        .AddSingleton(provider => provider.GetRequiredService<RegionStores>().BackOffice)
        .AddScoped(provider => provider.GetRequiredService<IDbContextFactory<BackOfficeContext>>().CreateDbContext())
        .AddSingleton(provider => provider.GetRequiredService<RegionStores>().Journal)
        .AddSingleton(provider => provider.GetRequiredService<RegionStores>().Keys)
        .AddSingleton(provider => provider.GetRequiredService<RegionStores>().Snapshots)
        .AddSingleton(_ => new KeyWrap(masterKey))
        .AddSingleton(provider => new PersonKeyring(
            provider.GetRequiredService<IKeyStore>(), provider.GetRequiredService<KeyWrap>(), partitions))
        .AddSingleton(provider => new EvidenceStore(
            provider.GetRequiredService<IJournal>(), provider.GetRequiredService<IKeyStore>(),
            provider.GetRequiredService<RegionStores>().Snapshots, provider.GetRequiredService<KeyWrap>()))
        .AddSingleton(provider => new PersonVault(
            provider.GetRequiredService<IDbContextFactory<BackOfficeContext>>(), provider.GetRequiredService<PersonKeyring>(), masterKey))
        .AddSingleton(provider => new RegionStore(provider.GetRequiredService<RegionStores>()));
}
