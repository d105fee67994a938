using Npgsql;

namespace HealthCode.Storage;

/// <summary>What all stores on PostgreSQL share: the way to the database, and the making of their tables.</summary>
public static class PostgresStore
{
    /// <summary>Of all programs of this kind on one database, one at a time makes or changes tables.</summary>
    private const long SchemaLock = 0x4865616c7468; // "Health"

    /// <summary>The connections of one program to one database, set for a server that may go away and come back: short waits, commits that are on the disk.</summary>
    /// <param name="connection">As <see cref="StoreAddress.ConnectionString"/> gives it.</param>
    public static NpgsqlDataSource Open(string connection)
    {
        var builder = new NpgsqlConnectionStringBuilder(connection)
        {
            Timeout = 3, CommandTimeout = 15, KeepAlive = 10, MaxAutoPrepare = 32, WriteBufferSize = 64 << 10,
            // A server may be set to acknowledge before the disk has it; what is acknowledged here must survive.
            Options = "-c synchronous_commit=on",
        };
        // Its metrics would else be named after the whole connection string.
        return new NpgsqlDataSourceBuilder(builder.ConnectionString) { Name = "healthcode" }.Build();
    }

    /// <summary>Makes a store's tables, or finds that they are there, under a lock that other nodes wait for.</summary>
    /// <param name="steps">What brings the tables from version n to n + 1; their number is the version of this program.</param>
    /// <exception cref="JournalUnavailableException">The database does not answer, or a newer version of the program has made them.</exception>
    internal static async Task PrepareAsync(NpgsqlDataSource database, string store, IReadOnlyList<string> steps, CancellationToken cancellation)
    {
        try
        {
            var connection = await database.OpenConnectionAsync(cancellation).ConfigureAwait(false);
            await using var _ = connection.ConfigureAwait(false);
            var transaction = await connection.BeginTransactionAsync(cancellation).ConfigureAwait(false);
            await using var __ = transaction.ConfigureAwait(false);
            await RunAsync(connection, $"SELECT pg_advisory_xact_lock({SchemaLock})", cancellation).ConfigureAwait(false);
            await RunAsync(connection, "CREATE TABLE IF NOT EXISTS store_versions (store text PRIMARY KEY, version int NOT NULL)", cancellation).ConfigureAwait(false);
            var version = await RunAsync(connection, $"SELECT version FROM store_versions WHERE store = '{store}'", cancellation).ConfigureAwait(false) as int? ?? 0;
            if (version > steps.Count)
                throw new JournalUnavailableException($"The store '{store}' is of version {version}; this program knows {steps.Count} and older.");
            for (; version < steps.Count; version++)
                await RunAsync(connection, steps[version], cancellation).ConfigureAwait(false);
            await RunAsync(connection, $"""
                INSERT INTO store_versions VALUES ('{store}', {version}) ON CONFLICT (store) DO UPDATE SET version = excluded.version
                """, cancellation).ConfigureAwait(false);
            await transaction.CommitAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (IsOutage(failure))
        {
            throw Unavailable(failure);
        }
    }

    private static async Task<object?> RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        var command = connection.Command(sql);
        await using var _ = command.ConfigureAwait(false);
        return await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Whether the database, and not this program, failed.</summary>
    internal static bool IsOutage(Exception failure) =>
        failure is NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException or ObjectDisposedException;

    /// <summary>Whether the connection is gone, and not only this command refused.</summary>
    internal static bool IsLostConnection(NpgsqlException failure) =>
        failure is not PostgresException answer || answer.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown;

    /// <summary>Whether PostgreSQL answered that its own files are damaged.</summary>
    internal static bool IsDamage(Exception failure) => (failure as PostgresException ?? failure.InnerException as PostgresException)
        is { SqlState: PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted };

    internal static JournalUnavailableException Unavailable(Exception failure) => new("PostgreSQL does not answer: " + failure.Message, failure);

    internal static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };
}
