using System.Globalization;
using Npgsql;

namespace HealthCode.Storage;

/// <summary>Where a region keeps what it knows: in its data folder (SQLite), or in a PostgreSQL database.</summary>
/// <remarks>
/// Written <c>postgres://user:password@host:port/database?sslmode=require</c>. The password may be left out and come from
/// PGPASSWORD or PGPASSFILE, as every PostgreSQL program reads them. It never prints the password, so that it may stand
/// in a log or a refusal.
/// </remarks>
public sealed class StoreAddress
{
    /// <summary>SQLite, in the data folder.</summary>
    public static readonly StoreAddress Folder = new(null);

    private const int PortDefault = 5432;

    // What an address may say after its question mark, and the driver's word for it.
    private static readonly Dictionary<string, Action<NpgsqlConnectionStringBuilder, string>> Parameters = new(StringComparer.Ordinal)
    {
        ["sslmode"] = (connection, value) => connection.SslMode = SslModeOf(value),
        ["sslrootcert"] = (connection, value) => connection.RootCertificate = value,
        ["sslcert"] = (connection, value) => connection.SslCertificate = value,
        ["sslkey"] = (connection, value) => connection.SslKey = value,
        ["host"] = (connection, value) => connection.Host = value,
        ["pool"] = (connection, value) => connection.MaxPoolSize = NumberOf("pool", value, 1, 1_000),
    };

    private readonly NpgsqlConnectionStringBuilder? connection;

    private StoreAddress(NpgsqlConnectionStringBuilder? connection) => this.connection = connection;

    public bool IsPostgres => connection is not null;

    /// <summary>The database's name; empty for a folder.</summary>
    public string Database => connection?.Database ?? "";

    /// <summary>For the driver, password included: not for any eye.</summary>
    /// <exception cref="InvalidOperationException">It is a folder.</exception>
    public string ConnectionString =>
        connection?.ConnectionString ?? throw new InvalidOperationException("A region in a folder has no connection string.");

    /// <param name="text">Empty or null for SQLite in the data folder.</param>
    /// <exception cref="StoreAddressException">It is none; the message says what is wrong with it and does not repeat it.</exception>
    public static StoreAddress Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return Folder;
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql"))
            throw new StoreAddressException("does not begin with postgres:// or is not an address");
        var database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/'));
        if (database.Length == 0 || database.Contains('/', StringComparison.Ordinal))
            throw new StoreAddressException("does not name one database after the host");
        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = uri.IdnHost.Trim('[', ']'), Port = uri.IsDefaultPort ? PortDefault : uri.Port, Database = database, ApplicationName = "healthcode",
        };
        AddUser(connection, uri.UserInfo);
        foreach (var parameter in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
            AddParameter(connection, parameter);
        return new(connection);
    }

    public static bool TryParse(string? text, out StoreAddress address, out string? problem)
    {
        try
        {
            (address, problem) = (Parse(text), null);
            return true;
        }
        catch (StoreAddressException failure)
        {
            (address, problem) = (Folder, failure.Message);
            return false;
        }
    }

    /// <summary>Without its password.</summary>
    public override string ToString() => connection is null
        ? "the data folder" : $"postgres://{connection.Username}@{connection.Host}:{connection.Port.ToString(CultureInfo.InvariantCulture)}/{connection.Database}";

    private static void AddUser(NpgsqlConnectionStringBuilder connection, string userInfo)
    {
        var parts = userInfo.Split(':', 2);
        if (parts[0].Length == 0)
            throw new StoreAddressException("names no user before the host");
        connection.Username = Uri.UnescapeDataString(parts[0]);
        if (parts.Length == 2)
            connection.Password = Uri.UnescapeDataString(parts[1]);
    }

    private static void AddParameter(NpgsqlConnectionStringBuilder connection, string parameter)
    {
        var parts = parameter.Split('=', 2);
        if (!Parameters.TryGetValue(parts[0], out var set))
            throw new StoreAddressException($"has a parameter that is not known; known are {string.Join(", ", Parameters.Keys)}");
        set(connection, Uri.UnescapeDataString(parts.Length == 2 ? parts[1] : ""));
    }

    private static SslMode SslModeOf(string value) => value switch
    {
        "disable" => SslMode.Disable,
        "allow" => SslMode.Allow,
        "prefer" => SslMode.Prefer,
        "require" => SslMode.Require,
        "verify-ca" => SslMode.VerifyCA,
        "verify-full" => SslMode.VerifyFull,
        _ => throw new StoreAddressException("has an sslmode other than disable, allow, prefer, require, verify-ca or verify-full"),
    };

    private static int NumberOf(string name, string value, int min, int max) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number : throw new StoreAddressException($"wants {name} from {min} to {max}");
}

/// <summary>An address of a store that cannot be read.</summary>
/// <param name="problem">What is wrong, to follow the words "The store's address".</param>
public sealed class StoreAddressException(string problem)
    : FormatException($"The store's address {problem}. It is written postgres://user:password@host:port/database?sslmode=require.");
