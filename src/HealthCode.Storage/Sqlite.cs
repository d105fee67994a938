using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace HealthCode.Storage;

/// <summary>The few things that all stores on SQLite do alike.</summary>
internal static class Sqlite
{
    private const int CorruptFile = 11, NoDatabase = 26;

    /// <summary>A connection string of a file of ours.</summary>
    /// <param name="busyMax">How long another may hold the file before a call fails; whole seconds, at least one.</param>
    public static string ConnectionString(string path, SqliteOpenMode mode, TimeSpan busyMax) => new SqliteConnectionStringBuilder
    {
        DataSource = path, Mode = mode, Pooling = mode == SqliteOpenMode.ReadOnly,
        // The provider tries again by itself until so many whole seconds have passed; 0 would be for ever.
        DefaultTimeout = Math.Max(1, (int)busyMax.TotalSeconds),
    }.ToString();

    public static SqliteConnection Open(string path, SqliteOpenMode mode, TimeSpan busyMax)
    {
        var connection = new SqliteConnection(ConnectionString(path, mode, busyMax));
        try
        {
            connection.Open();
            Execute(connection, $"PRAGMA busy_timeout={(int)busyMax.TotalMilliseconds}");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A connection to write with: every commit is on the disk when it returns (WAL, synchronous=FULL).</summary>
    public static SqliteConnection OpenDurable(string path, TimeSpan busyMax)
    {
        var connection = Open(path, SqliteOpenMode.ReadWrite, busyMax);
        try
        {
            Execute(connection, "PRAGMA journal_mode=WAL");
            Execute(connection, "PRAGMA synchronous=FULL");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Lets go of the connections that reading keeps.</summary>
    public static void ClosePooled(string path, TimeSpan busyMax)
    {
        using var pooled = new SqliteConnection(ConnectionString(path, SqliteOpenMode.ReadOnly, busyMax));
        SqliteConnection.ClearPool(pooled);
    }

    public static bool IsDamage(SqliteException failure) => failure.SqliteErrorCode is CorruptFile or NoDatabase;

    public static SqliteCommand Command(SqliteConnection connection, string sql, params (string Name, object Value)[] parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are this project's own constants and numbers.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value);
        return command;
    }

    /// <summary>The provider binds whole arrays; most memory is one already.</summary>
    public static byte[] WholeArray(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Array is { } array && array.Length == bytes.Length ? array : bytes.ToArray();

    public static int Execute(SqliteConnection connection, string sql, params (string Name, object Value)[] parameters)
    {
        using var command = Command(connection, sql, parameters);
        return command.ExecuteNonQuery();
    }
}
