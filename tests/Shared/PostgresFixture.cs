namespace HealthCode.Testing;

/// <summary>One PostgreSQL server for a whole test assembly, started when the first test asks for it.</summary>
public sealed class PostgresFixture : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresServer>> server = new(() => PostgresServer.StartAsync());
    private int databases;

    public Task<PostgresServer> ServerAsync() => server.Value;

    /// <summary>Makes an empty database that no other test has.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync() =>
        await (await ServerAsync()).CreateDatabaseAsync($"test{Interlocked.Increment(ref databases)}");

    public async ValueTask DisposeAsync()
    {
        if (server.IsValueCreated)
            await (await server.Value).DisposeAsync();
    }
}
