using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using HealthCode.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;

namespace HealthCode.Storage;

/// <summary>The back office's tables in a backup, whatever database they come from or go to: a file each, a line of JSON for each row.</summary>
/// <remarks>
/// A row about a person is sealed under that person's key, so that it goes with the person in every copy, also what stands in
/// the clear in the table: who looked them up, the file of their diagnosis. In the order in which rows depend on each other.
///
/// <code>
///   {"row":{"Key":"--partitions","Value":"256"}}
///   {"person":"0123…","generation":0,"sealed":"base64 of nonce 12 | row | tag 16"}
/// </code>
/// </remarks>
internal static class OfficeCopy
{
    private const int SaveSize = 500;

    private static readonly MethodInfo SetRows = typeof(OfficeCopy).GetMethod(nameof(RowsOf), BindingFlags.NonPublic | BindingFlags.Static)!;

    /// <summary>Copies all tables as they are at one moment.</summary>
    public static async Task<IReadOnlyDictionary<string, BackupTable>> WriteAsync(
        BackOfficeContext context, RowSeal seal, string folder, Action<string> copied, CancellationToken cancellation)
    {
        OwnerOnly.CreateFolder(folder);
        await BeginReadingAsync(context, cancellation).ConfigureAwait(false);
        var tables = new Dictionary<string, BackupTable>();
        foreach (var type in InOrder(context.Model))
        {
            var name = type.GetTableName()!;
            var rows = await WriteAsync(context, type, seal, Path.Combine(folder, name), copied, cancellation).ConfigureAwait(false);
            tables.Add(name, new BackupTable(rows, BackupFiles.HashOf(Path.Combine(folder, name))));
        }
        SyncedFile.SyncFolder(folder);
        return tables;
    }

    public static IEnumerable<string> ProblemsOf(string folder, IReadOnlyDictionary<string, BackupTable> tables)
    {
        foreach (var (name, table) in tables)
        {
            var path = Path.Combine(folder, name);
            if (!File.Exists(path))
                yield return $"Table {name} is missing: there is no {path}.";
            else if (BackupFiles.HashOf(path) != table.Sha256)
                yield return $"Table {name} is not what was written: the checksum of {path} does not fit.";
        }
    }

    /// <summary>Fills the tables in one transaction; what stood in them is gone.</summary>
    /// <returns>Rows that were filled in, and rows of people who were deleted since.</returns>
    /// <exception cref="InvalidDataException">The backup knows a table or a column that this program does not.</exception>
    public static async Task<(long Restored, long Dropped)> ReadAsync(
        BackOfficeContext context, RowSeal seal, string folder, IReadOnlyDictionary<string, BackupTable> tables, CancellationToken cancellation)
    {
        var types = InOrder(context.Model);
        if (tables.Keys.Except(types.Select(type => type.GetTableName())).FirstOrDefault() is { } unknown)
            throw new InvalidDataException($"The backup has a table {unknown} that this program does not know: restore it with a newer one.");
        var (restored, dropped) = (0L, 0L);
        var transaction = await context.Database.BeginTransactionAsync(cancellation).ConfigureAwait(false);
        await using var _ = transaction.ConfigureAwait(false);
        foreach (var type in Enumerable.Reverse(types))
            await RunAsync(context, $"DELETE FROM {Named(context, type)}", cancellation).ConfigureAwait(false);
        foreach (var type in types.Where(type => tables.ContainsKey(type.GetTableName()!)))
        {
            await foreach (var line in File.ReadLinesAsync(Path.Combine(folder, type.GetTableName()!), cancellation).ConfigureAwait(false))
            {
                if (await seal.OpenAsync(type.GetTableName()!, line, cancellation).ConfigureAwait(false) is not { } row)
                {
                    dropped++;
                    continue;
                }
                context.Add(EntityOf(type, row));
                if (++restored % SaveSize == 0)
                    await SaveAsync(context, cancellation).ConfigureAwait(false);
            }
            await SaveAsync(context, cancellation).ConfigureAwait(false);
            await SetNextNumbersAsync(context, type, cancellation).ConfigureAwait(false);
        }
        await transaction.CommitAsync(cancellation).ConfigureAwait(false);
        return (restored, dropped);
    }

    // One moment for all tables. SQLite's own transactions would want to write.
    private static async Task BeginReadingAsync(BackOfficeContext context, CancellationToken cancellation)
    {
        if (context.Database.IsSqlite())
        {
            await context.Database.OpenConnectionAsync(cancellation).ConfigureAwait(false);
            await context.Database.ExecuteSqlRawAsync("BEGIN", cancellation).ConfigureAwait(false);
        }
        else
        {
            await context.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellation).ConfigureAwait(false);
        }
    }

    private static async Task<long> WriteAsync(
        BackOfficeContext context, IEntityType type, RowSeal seal, string path, Action<string> copied, CancellationToken cancellation)
    {
        var count = 0L;
        var file = BackupFiles.Create(path);
        await using var _ = file.ConfigureAwait(false);
        var rows = (IAsyncEnumerable<object>)SetRows.MakeGenericMethod(type.ClrType).Invoke(null, [context])!;
        await foreach (var entity in rows.WithCancellation(cancellation).ConfigureAwait(false))
        {
            file.Write(await seal.SealAsync(type.GetTableName()!, PersonIn(type, entity), RowOf(type, entity), cancellation).ConfigureAwait(false));
            file.WriteByte((byte)'\n');
            copied($"{type.GetTableName()}: {++count:N0} rows");
        }
        file.Flush(flushToDisk: true);
        return count;
    }

    private static IAsyncEnumerable<object> RowsOf<T>(BackOfficeContext context) where T : class => context.Set<T>().AsNoTracking().AsAsyncEnumerable();

    /// <summary>Each table after those that it refers to.</summary>
    private static List<IEntityType> InOrder(IModel model)
    {
        var (ordered, seen) = (new List<IEntityType>(), new HashSet<IEntityType>());
        foreach (var type in model.GetEntityTypes().OrderBy(type => type.GetTableName(), StringComparer.Ordinal))
            Add(type);
        return ordered;

        void Add(IEntityType type)
        {
            if (!seen.Add(type))
                return;
            foreach (var key in type.GetForeignKeys())
                Add(key.PrincipalEntityType);
            ordered.Add(type);
        }
    }

    private static PersonId? PersonIn(IEntityType type, object entity) =>
        type.GetProperties().FirstOrDefault(property => property.ClrType == typeof(PersonId)) is { } person ? (PersonId)Member(person).GetValue(entity)! : null;

    private static JsonObject RowOf(IEntityType type, object entity)
    {
        var row = new JsonObject();
        foreach (var property in type.GetProperties())
        {
            if (Stored(property, Member(property).GetValue(entity)) is { } value)
                row.Add(property.Name, JsonSerializer.SerializeToNode(value, value.GetType()));
        }
        return row;
    }

    private static object EntityOf(IEntityType type, JsonObject row)
    {
        var entity = Activator.CreateInstance(type.ClrType)!;
        foreach (var property in type.GetProperties())
        {
            var value = row[property.Name]?.Deserialize(StoredType(property));
            Member(property).SetValue(entity, value is not null && property.GetValueConverter() is { } converter ? converter.ConvertFromProvider(value) : value);
            row.Remove(property.Name);
        }
        return row.Count == 0 ? entity : throw new InvalidDataException(
            $"The backup's table {type.GetTableName()} has a column {row.First().Key} that this program does not know: restore it with a newer one.");
    }

    private static object? Stored(IProperty property, object? value) =>
        value is not null && property.GetValueConverter() is { } converter ? converter.ConvertToProvider(value) : value;

    private static Type StoredType(IProperty property) => property.GetValueConverter()?.ProviderClrType is { } stored
        ? stored : Nullable.GetUnderlyingType(property.ClrType) ?? property.ClrType;

    private static PropertyInfo Member(IProperty property) => property.PropertyInfo
        ?? throw new NotSupportedException($"{property.DeclaringType.Name}.{property.Name} is no property of its class, so a backup cannot hold it.");

    private static async Task SaveAsync(BackOfficeContext context, CancellationToken cancellation)
    {
        await context.SaveChangesAsync(cancellation).ConfigureAwait(false);
        context.ChangeTracker.Clear();
    }

    // Rows came with their numbers; PostgreSQL would give the first of them again. SQLite goes on behind the greatest by itself.
    private static async Task SetNextNumbersAsync(BackOfficeContext context, IEntityType type, CancellationToken cancellation)
    {
        if (!context.Database.IsNpgsql() || type.FindPrimaryKey()!.Properties is not [{ ValueGenerated: ValueGenerated.OnAdd } number]
            || number.ClrType != typeof(int) && number.ClrType != typeof(long))
            return;
        var (table, column) = (Named(context, type), number.GetColumnName());
        await RunAsync(context, $"""
            SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max("{column}")) FROM {table} HAVING max("{column}") IS NOT NULL
            """, cancellation).ConfigureAwait(false);
    }

    private static Task RunAsync(BackOfficeContext context, string sql, CancellationToken cancellation) =>
#pragma warning disable EF1002 // Names of the model's own tables.
        context.Database.ExecuteSqlRawAsync(sql, cancellation);
#pragma warning restore EF1002

    private static string Named(BackOfficeContext context, IEntityType type) =>
        context.GetService<ISqlGenerationHelper>().DelimitIdentifier(type.GetTableName()!);
}
