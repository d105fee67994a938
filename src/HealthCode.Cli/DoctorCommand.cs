using System.CommandLine;
using HealthCode.Domain;
using HealthCode.Storage;
using HealthCode.Tokens;

namespace HealthCode.Cli;

/// <summary><c>healthcode doctor</c>: what is misconfigured, and what to do about it.</summary>
internal static class DoctorCommand
{
    private const long FreeBytesMin = 2L << 30;

    public static Command Create()
    {
        var command = new Command("doctor", "Say what is misconfigured");
        command.SetAction((parsed, cancellation) => RunAsync(Commands.PathsOf(parsed), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(RegionPaths paths, CancellationToken cancellation)
    {
        var wrong = 0;
        await foreach (var (fine, what) in CheckAsync(paths, cancellation))
        {
            Console.WriteLine($"{(fine ? "ok    " : "WRONG ")}  {what}");
            wrong += fine ? 0 : 1;
        }
        Console.WriteLine(wrong == 0 ? "Nothing is wrong." : $"{wrong} thing(s) to mend.");
        return wrong == 0 ? 0 : 1;
    }

    private static async IAsyncEnumerable<(bool Fine, string What)> CheckAsync(
        RegionPaths paths, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return await StoreAsync(paths, cancellation);
        yield return await EditionAsync(paths, cancellation);
        if (!Directory.Exists(paths.Data))
        {
            yield return (false, $"{paths.Data} does not exist: start the region once, or name its folder with --data");
            yield break;
        }
        yield return Mode(paths.Data);
        foreach (var file in Directory.EnumerateFiles(paths.Data).Concat(KeyFiles(paths)))
            yield return Mode(file);
        yield return Check(
            () => paths.Keys().PublicKeys().Count,
            count => $"{count} signing key(s) can be read");
        var free = new DriveInfo(Path.GetFullPath(paths.Data)).AvailableFreeSpace;
        yield return (free >= FreeBytesMin, $"{free >> 20:N0} MiB free where the journal grows (at least {FreeBytesMin >> 20:N0})");
        yield return await JournalAsync(paths, cancellation);
        var demo = File.Exists(Path.Combine(paths.Data, "demo-sign-ins.json"));
        yield return (!demo || paths.Region.StartsWith("99", StringComparison.Ordinal),
            demo ? "this is a demo region: its people do not exist and its passwords are printed" : "no demo sign-ins");
        var year = TimeProvider.System.GetUtcNow().Year;
        yield return (year is >= 2024 and < 2100, $"the clock says {TimeProvider.System.GetUtcNow():u}; codes live two minutes, so keep it by NTP");
    }

    private static async Task<(bool, string)> StoreAsync(RegionPaths paths, CancellationToken cancellation)
    {
        try
        {
            await using var stores = paths.StoresForReading();
            var partitions = await stores.SettingAsync(RegionStore.Partitions, cancellation);
            return (partitions is null || partitions == $"{paths.Partitions}", partitions is null
                ? $"{paths.Where} holds no region yet" : $"the region in {paths.Where} has --partitions {partitions}");
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            return (false, $"{paths.Where} does not answer: {failure.Message}");
        }
    }

    // Before the first start, the edition that it will begin with; afterwards what the journal says.
    private static async Task<(bool, string)> EditionAsync(RegionPaths paths, CancellationToken cancellation)
    {
        try
        {
            var history = await EditionCommand.HistoryAsync(paths, Minute.Never, cancellation);
            if (history.IsEmpty)
                return Check(() => EditionFile.Load(Commands.EditionPath(paths)).Rules.Count, rules => $"edition {paths.Edition} has {rules} rules");
            var inForce = history.At(Minute.Of(TimeProvider.System.GetUtcNow())).Edition;
            return (true, $"edition {inForce.Id} is in force and has {inForce.Rules.Count} rules; the journal's {history.Editions.Count} edition(s) can be read");
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            return (false, $"the journal's editions cannot be read: {failure.Message}");
        }
    }

    private static IEnumerable<string> KeyFiles(RegionPaths paths) =>
        Directory.Exists(paths.KeyFolder) ? Directory.EnumerateFiles(paths.KeyFolder) : [];

    private static (bool, string) Mode(string path)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        var open = !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & others) != 0;
        return (!open, open ? $"{path} can be read by others: chmod go-rwx {path}" : $"{path} is its owner's alone");
    }

    private static async Task<(bool, string)> JournalAsync(RegionPaths paths, CancellationToken cancellation)
    {
        try
        {
            await using var stores = paths.StoresForReading();
            var verified = await VerifiedJournal.ReadAsync(stores, paths.EvidenceOf(stores), cancellation);
            return verified.Findings.Count == 0
                ? (true, $"the journal's {verified.Batches:N0} batches can be read and opened, their checksums fit and their chains are whole")
                : (false, $"the journal is damaged: {string.Join(' ', verified.Findings)}");
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            return (false, $"the journal cannot be read: {failure.Message}");
        }
    }

    private static (bool, string) Check<T>(Func<T> attempt, Func<T, string> fine)
    {
        try
        {
            return (true, fine(attempt()));
        }
        catch (Exception failure)
        {
            return (false, failure.Message);
        }
    }
}
