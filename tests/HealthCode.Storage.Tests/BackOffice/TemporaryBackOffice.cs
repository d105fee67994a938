using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Storage.Tests;

/// <summary>The back office of a region in a folder of its own, as a deployment puts it together.</summary>
internal sealed class TemporaryBackOffice : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly ServiceProvider services;

    private TemporaryBackOffice() => services = new ServiceCollection().AddHealthCodeStorage(folder.Path, Key).BuildServiceProvider();

    public static byte[] Key { get; } = [.. Enumerable.Range(0, 32).Select(number => (byte)number)];

    public string Folder => folder.Path;

    public IDbContextFactory<BackOfficeContext> Contexts => services.GetRequiredService<IDbContextFactory<BackOfficeContext>>();

    public PersonVault Vault => services.GetRequiredService<PersonVault>();

    public static async Task<TemporaryBackOffice> OpenAsync()
    {
        var office = new TemporaryBackOffice();
        await office.services.GetRequiredService<RegionStore>().MigrateAsync(TestContext.Current.CancellationToken);
        return office;
    }

    /// <summary>What a start does on tables that are there already.</summary>
    public async Task MigrateAgainAsync() =>
        await services.GetRequiredService<RegionStore>().MigrateAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        folder.Dispose();
    }
}
