using Npgsql;

namespace HealthCode.Storage;

/// <summary>What all stores on PostgreSQL share: the way to the database, and the making of their tables.</summary>
public static class PostgresStore
{
    private const string Scheme = "postgres://", LongScheme = "postgresql://";

    /// <summary>Of all programs of this kind on one database, one at a time makes or changes tables.</summary>
    private const long SchemaLock = 0x4865616c7468; // "Health"

    /// <summary>Whether a <c>--store</c> names a PostgreSQL database.</summary>
    public static bool IsAddress(string store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return store.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) || store.StartsWith(LongScheme, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>An address (<c>postgres://user:password@host:port/database?key=value</c>) as Npgsql's connection string; one of these as it is.</summary>
    /// <exception cref="FormatException">It is neither. The message does not repeat it, as it may hold a password.</exception>
    public static string ConnectionStringOf(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        try
        {
            return IsAddress(address) ? FromUri(new Uri(address)) : new NpgsqlConnectionStringBuilder(address).ConnectionString;
        }
        catch (Exception failure) when (failure is UriFormatException or ArgumentException)
        {
            throw new FormatException("This is no address of a PostgreSQL database: postgres://user:password@host:port/database", failure);
        }
    }

    private static string FromUri(Uri uri)
    {
        if (uri.Host.Length == 0)
            throw new UriFormatException("It names no host.");
        var user = uri.UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder { Host = uri.Host };
        if (uri.Port > 0)
            builder.Port = uri.Port;
        if (uri.AbsolutePath.Trim('/') is { Length: > 0 } database)
            builder.Database = Uri.UnescapeDataString(database);
        if (user[0].Length > 0)
            builder.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1)
            builder.Password = Uri.UnescapeDataString(user[1]);
        foreach (var option in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = option.Split('=', 2) is [var name, var given] ? (name, given) : (option, "");
            builder[key == "sslmode" ? "SSL Mode" : Uri.UnescapeDataString(key)] = Uri.UnescapeDataString(value);
        }
        return builder.ConnectionString;
    }

    /// <summary>
    /// The connections of one program to one database. What the address does not say is set for a server that may go
    /// away and come back: short waits, commits that are on the disk.
    /// </summary>
    /// <exception cref="FormatException">See <see cref="ConnectionStringOf"/>.</exception>
    public static NpgsqlDataSource Open(string address)
    {
        var builder = new NpgsqlConnectionStringBuilder(ConnectionStringOf(address));
        var said = new HashSet<string>(builder.Keys.Cast<string>(), StringComparer.OrdinalIgnoreCase);
        if (!said.Contains("Timeout"))
            builder.Timeout = 3;
        if (!said.Contains("Command Timeout"))
            builder.CommandTimeout = 15;
        if (!said.Contains("Keepalive"))
            builder.KeepAlive = 10;
        if (!said.Contains("Max Auto Prepare"))
            builder.MaxAutoPrepare = 32;
        if (!said.Contains("Write Buffer Size"))
            builder.WriteBufferSize = 64 << 10;
        if (!said.Contains("Application Name"))
            builder.ApplicationName = "healthcode";
        // A server may be set to acknowledge before the disk has it; what is acknowledged here must survive.
        if (!said.Contains("Options"))
            builder.Options = "-c synchronous_commit=on";
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
#pragma warning disable CA2100 // The statements are this project's own constants and numbers.
        var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
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
