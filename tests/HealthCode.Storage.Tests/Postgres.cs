using HealthCode.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace HealthCode.Storage.Tests;

internal static class PostgresAddresses
{
    /// <summary>An empty database, as --store names it.</summary>
    public static async Task<StoreAddress> CreateAddressAsync(this PostgresFixture postgres)
    {
        var database = new Npgsql.NpgsqlConnectionStringBuilder(await postgres.CreateDatabaseAsync()).Database!;
        return StoreAddress.Parse((await postgres.ServerAsync()).UrlOf(database) + "?pool=10");
    }
}
