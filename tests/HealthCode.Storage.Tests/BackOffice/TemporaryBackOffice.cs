using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Storage.Tests;

/// <summary>The back office of a region of its own, in a folder or in a database, as a deployment puts it together.</summary>
internal sealed class TemporaryBackOffice : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly StoreAddress address;
    private readonly ServiceProvider services;

    private TemporaryBackOffice(StoreAddress address)
    {
        this.address = address;
        services = Start();
    }

    public static byte[] Key { get; } = [.. Enumerable.Range(0, 32).Select(number => (byte)number)];

    public string Folder => folder.Path;

    public RegionStores Stores => services.GetRequiredService<RegionStores>();

    public IDbContextFactory<BackOfficeContext> Contexts => services.GetRequiredService<IDbContextFactory<BackOfficeContext>>();

    public const int Partitions = 4;

    public IKeyStore Keys => services.GetRequiredService<IKeyStore>();

    public PersonVault Vault => services.GetRequiredService<PersonVault>();

    /// <summary>In a folder, its tables made.</summary>
    public static Task<TemporaryBackOffice> OpenAsync() => OpenAsync(StoreAddress.Folder);

    public static async Task<TemporaryBackOffice> OpenAsync(StoreAddress address)
    {
        var office = new TemporaryBackOffice(address);
        await office.MigrateAgainAsync();
        return office;
    }

    /// <summary>What a start does on tables that are there already.</summary>
    public async Task MigrateAgainAsync() =>
        await services.GetRequiredService<RegionStore>().MigrateAsync(TestContext.Current.CancellationToken);

    /// <summary>Another process of the same region.</summary>
    public ServiceProvider Start() => new ServiceCollection().AddHealthCodeStorage(folder.Path, address, Key, Partitions).BuildServiceProvider();

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        folder.Dispose();
    }
}
