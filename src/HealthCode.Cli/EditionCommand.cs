using System.CommandLine;
using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Cli;

/// <summary><c>healthcode edition</c>: checks a file while it is written, and lists what was approved.</summary>
internal static class EditionCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "An edition; its cases lie beside it, in cases/" };
        var check = new Command("check", "Name every problem of an edition file with line and column, and run its cases") { file };
        check.SetAction((parsed, cancellation) => CheckAsync(Commands.PathsOf(parsed), parsed.GetValue(file)!, cancellation));
        var list = new Command("list", "The editions in force, past and planned, from the journal");
        list.SetAction((parsed, cancellation) => ListAsync(Commands.PathsOf(parsed), cancellation));
        return new Command("edition", "The plan's editions") { check, list };
    }

    /// <summary>The approved editions; none where there is no journal yet.</summary>
    internal static async Task<PlanHistory> HistoryAsync(RegionPaths paths, Minute knownBy, CancellationToken cancellation)
    {
        await using var stores = paths.StoresForReading();
        return await stores.ExistsAsync(cancellation) ? (await PlanHistory.LoadAsync(stores.Journal, knownBy, cancellation)).History : PlanHistory.Empty;
    }

    /// <summary>Reads a file, and says what is wrong with it; null when it cannot be used.</summary>
    internal static EditionFindings? Read(FileInfo file, PlanHistory history)
    {
        if (!file.Exists)
        {
            Console.Error.WriteLine($"{file}: there is no such file");
            return null;
        }
        var library = new EditionLibrary(history, file.DirectoryName!, Path.Combine(AppContext.BaseDirectory, "editions"));
        var findings = library.Check(EditionLibrary.Read(file.FullName));
        foreach (var problem in findings.Problems)
            Console.WriteLine($"{file}:{problem.Line}:{problem.Column}: {problem.Message}");
        return findings.Edition is null ? null : findings;
    }

    private static async Task<int> CheckAsync(RegionPaths paths, FileInfo file, CancellationToken cancellation)
    {
        if (Read(file, await HistoryAsync(paths, Minute.Never, cancellation)) is not { } findings)
            return 1;
        foreach (var result in findings.Cases)
            Console.WriteLine(result.Problem is null ? $"passes  {result.Title}" : $"FAILS   {result.Title}, line {result.Line}: {result.Problem}");
        var failing = findings.Failing.Count();
        Console.WriteLine($"{findings.Edition!.Id}: {findings.Edition.Rules.Count} rules, {findings.Cases.Count - failing} of {findings.Cases.Count} cases pass");
        return failing == 0 ? 0 : 1;
    }

    private static async Task<int> ListAsync(RegionPaths paths, CancellationToken cancellation)
    {
        var now = Minute.Of(TimeProvider.System.GetUtcNow());
        var history = await HistoryAsync(paths, now, cancellation);
        if (history.IsEmpty)
        {
            Console.Error.WriteLine($"There is no edition in {paths.Where}. {Commands.StartOrName}");
            return 2;
        }
        foreach (var edition in history.Editions.Reverse())
        {
            var state = edition == history.At(now) ? "IN FORCE" : edition.InForceFrom > now ? "planned" : "past";
            Console.WriteLine($"{state,-9} {edition.InForceFrom} - {history.EndOf(edition)}  {edition.Edition.Id}  {edition.Edition.Title.En}");
            Console.WriteLine($"          written by {edition.Approval.Author}, approved by {edition.Approval.By} at {edition.Approval.At}: {edition.Approval.Reason}");
        }
        foreach (var withdrawn in history.Facts.OfType<EditionWithdrawn>())
            Console.WriteLine($"withdrawn {withdrawn.At}  {withdrawn.Edition}  by {withdrawn.By}: {withdrawn.Reason}");
        return 0;
    }
}
