using System.CommandLine;
using HealthCode.Storage;
using HealthCode.Tokens;

namespace HealthCode.Cli;

/// <summary><c>healthcode backup</c>, <c>restore</c> and <c>verify backup</c>.</summary>
internal static class BackupCommand
{
    private static readonly Argument<string> Target = new("TARGET") { Description = "Folder of the backup; one that holds a backup of this region gets what is new" };

    private static readonly Argument<string> Source = new("SOURCE") { Description = "Folder of a backup" };

    private static readonly Option<string> KeysTo = new("--keys-to")
    {
        Description = "Folder for the keys, kept apart from the backup; it is overwritten, which is how deleted people leave old backups too", Required = true,
    };

    private static readonly Option<string> KeysFrom = new("--keys-from") { Description = "Folder with the keys of this backup, or of a later one", Required = true };

    private static readonly Option<string?> Keys = new("--keys") { Description = "Folder with its keys, to check them too" };

    public static Command CreateBackup()
    {
        var command = new Command("backup", "Copy the region, running or not, to a folder, and its keys to another") { Target, KeysTo };
        command.SetAction((parsed, cancellation) => TriedAsync(() => BackupAsync(
            Commands.PathsOf(parsed), parsed.GetValue(Target)!, parsed.GetValue(KeysTo)!, cancellation)));
        return command;
    }

    public static Command CreateRestore()
    {
        var command = new Command("restore", "Make a region of a backup, in an empty folder or database") { Source, KeysFrom };
        command.SetAction((parsed, cancellation) => TriedAsync(() => RestoreAsync(
            Commands.PathsOf(parsed), parsed.GetValue(Source)!, parsed.GetValue(KeysFrom)!, cancellation)));
        return command;
    }

    public static Command CreateVerify()
    {
        var command = new Command("backup", "Check every file of a backup, and every batch in it") { Source, Keys };
        command.SetAction((parsed, cancellation) => TriedAsync(() => VerifyAsync(parsed.GetValue(Source)!, parsed.GetValue(Keys), cancellation)));
        return command;
    }

    private static async Task<int> BackupAsync(RegionPaths paths, string target, string keysTo, CancellationToken cancellation)
    {
        await using var stores = paths.StoresForReading();
        if (!await stores.ExistsAsync(cancellation))
            throw new InvalidDataException($"There is no region in {paths.Where}. {Commands.StartOrName}");
        var counts = await RegionBackup.WriteAsync(
            stores, paths.Region, paths.KeyFolder, paths.Keys().Secret("profiles"), target, keysTo, TimeProvider.System.GetUtcNow(), new Progress().Say, cancellation);
        Console.WriteLine($"backup    of region {counts.Manifest.Region} in {target}, of {counts.Manifest.Moment:u}");
        Console.WriteLine($"journal   {counts.Batches:N0} batches added; {counts.Manifest.Streams.Values.Sum(stream => stream.NextSequence):N0} in {counts.Streams:N0} streams");
        Console.WriteLine($"office    {counts.Rows:N0} rows in {counts.Manifest.Tables.Count:N0} tables");
        Console.WriteLine($"keys      {counts.Keys:N0} of people and segments, and the region's own, in {keysTo}");
        return 0;
    }

    private static async Task<int> RestoreAsync(RegionPaths paths, string source, string keysFrom, CancellationToken cancellation)
    {
        var counts = await RegionBackup.RestoreAsync(
            source, keysFrom, paths.Data, paths.Store, paths.Region, paths.KeyFolder,
            folder => KeyRing.OpenOrCreate(folder, paths.Region, TimeProvider.System).Secret("profiles"), new Progress().Say, cancellation);
        Console.WriteLine($"restored  region {counts.Manifest.Region} of {counts.Manifest.Moment:u} into {paths.Where}");
        Console.WriteLine($"journal   {counts.Batches:N0} batches in {counts.Streams:N0} streams");
        Console.WriteLine($"office    {counts.Rows:N0} rows in {counts.Manifest.Tables.Count:N0} tables");
        Console.WriteLine($"keys      {counts.Keys:N0} of people and segments, and the region's own, in {paths.KeyFolder}");
        Console.WriteLine($"dropped   {counts.Dropped:N0} rows and batches of people who were deleted and weeks that were over since");
        Console.WriteLine($"start it  with --partitions {counts.Manifest.Partitions}");
        return 0;
    }

    private static async Task<int> VerifyAsync(string source, string? keys, CancellationToken cancellation)
    {
        var problems = 0;
        await foreach (var problem in RegionBackup.VerifyAsync(source, keys, new Progress().Say, cancellation))
        {
            Console.WriteLine($"WRONG     {problem}");
            problems++;
        }
        Console.WriteLine(problems == 0 ? "FINE      all is there, as it was written" : $"DAMAGED   {problems:N0} finding(s)");
        return problems == 0 ? 0 : 1;
    }

    private static async Task<int> TriedAsync(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (Exception failure) when (failure is InvalidDataException or IOException or UnauthorizedAccessException
            or JournalDamagedException or JournalUnavailableException or KeyFilePermissionsException or Npgsql.NpgsqlException)
        {
            await Console.Error.WriteLineAsync(failure.Message);
            return 1;
        }
    }
}
