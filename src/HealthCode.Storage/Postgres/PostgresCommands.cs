using Npgsql;

namespace HealthCode.Storage;

/// <summary>Commands with their values in the order of $1, $2, …</summary>
public static class PostgresCommands
{
    public static NpgsqlCommand Command(this NpgsqlDataSource database, string text, params IEnumerable<object> values)
    {
        ArgumentNullException.ThrowIfNull(database);
        return With(database.CreateCommand(text), values);
    }

    public static NpgsqlCommand Command(this NpgsqlConnection connection, string text, params IEnumerable<object> values) =>
        With(new NpgsqlCommand(text, connection), values);

    /// <returns>How many rows it changed.</returns>
    public static async Task<int> ExecuteAsync(
        this NpgsqlDataSource database, string text, IEnumerable<object> values, CancellationToken cancellation)
    {
        await using var command = database.Command(text, values);
        return await command.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }

    /// <returns>How many rows it changed.</returns>
    public static async Task<int> ExecuteAsync(
        this NpgsqlConnection connection, string text, IEnumerable<object> values, CancellationToken cancellation)
    {
        await using var command = connection.Command(text, values);
        return await command.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }

    private static NpgsqlCommand With(NpgsqlCommand command, IEnumerable<object> values)
    {
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        return command;
    }
}
