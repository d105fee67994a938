using HealthCode.Testing;
using Npgsql;

namespace HealthCode.Storage.Tests;

public sealed class PostgresServerTests
{
    [Fact]
    public async Task A_killed_server_comes_back_with_what_it_had_committed()
    {
        await using var server = await PostgresServer.StartAsync();
        var database = await server.CreateDatabaseAsync("kept");
        await RunAsync(database, "CREATE TABLE kept AS SELECT 1 AS value");

        await server.KillAsync();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RunAsync(database, "SELECT value FROM kept"));
        await server.RestartAsync();

        Assert.Equal(1, await RunAsync(database, "SELECT value FROM kept"));
        await server.StopAsync(immediate: true);
        await server.RestartAsync();
        Assert.Equal(1, await RunAsync(database, "SELECT value FROM kept"));
    }

    private static async Task<object?> RunAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
#pragma warning disable CA2100 // The statements are this file's own constants.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
