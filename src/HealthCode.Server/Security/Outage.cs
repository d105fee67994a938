using HealthCode.Storage;
using Microsoft.Data.Sqlite;
using Npgsql;
using Orleans.Runtime;
using Orleans.Serialization;

namespace HealthCode.Server.Security;

/// <summary>Tells a store or a node that does not answer from a fault of our own.</summary>
internal static class Outage
{
    // SQLite's own numbers: busy, locked, read-only, input/output error, full, cannot open.
    private static readonly HashSet<int> SqliteOutages = [5, 6, 8, 10, 13, 14];

    /// <summary>Whether the same request may succeed later, unchanged: the world failed, and not the program.</summary>
    public static bool Is(Exception? failure) => failure switch
    {
        null => false,
        StaleWriterException or JournalUnavailableException => true,
        SiloUnavailableException or OrleansMessageRejectionException or TimeoutException => true,
        // The database said no to what was asked of it: that is ours. That it is starting, stopping or full is not.
        PostgresException said => said.SqlState.StartsWith("57P", StringComparison.Ordinal) || said.SqlState.StartsWith("53", StringComparison.Ordinal)
            || said.SqlState.StartsWith("08", StringComparison.Ordinal) || said.SqlState.StartsWith("58", StringComparison.Ordinal),
        NpgsqlException => true,
        SqliteException said => SqliteOutages.Contains(said.SqliteErrorCode),
        UnavailableExceptionFallbackException unknown => IsNamed(unknown, nameof(StaleWriterException)) || IsNamed(unknown, nameof(JournalUnavailableException)),
        _ => Is(failure.InnerException),
    };

    /// <summary>Whether so much waits that the request was not begun.</summary>
    public static bool IsBusy(Exception? failure) => failure is PartitionBusyException
        || (failure is UnavailableExceptionFallbackException unknown && IsNamed(unknown, nameof(PartitionBusyException)));

    // What comes from another node may have no type here.
    private static bool IsNamed(UnavailableExceptionFallbackException unknown, string name) =>
        unknown.ExceptionType?.Contains(name, StringComparison.Ordinal) == true;
}
