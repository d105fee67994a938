using System.CommandLine;
using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Cli;

/// <summary><c>healthcode whatif FILE</c>: how a draft would decide for everybody, read from the journal beside a running region.</summary>
internal static class WhatIfCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "The draft" };
        var at = new Option<DateOnly?>("--at") { Description = "As things were at the end of that day in China; now when absent" };
        var command = new Command("whatif", "Try a draft on the whole population, as it is or as it was") { file, at };
        command.SetAction((parsed, cancellation) => RunAsync(Commands.PathsOf(parsed), parsed.GetValue(file)!, parsed.GetValue(at), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(RegionPaths paths, FileInfo file, DateOnly? day, CancellationToken cancellation)
    {
        var now = Minute.Of(TimeProvider.System.GetUtcNow());
        var at = day is { } date ? WhatIf.MomentOf(Day.Of(date), now) : now;
        var history = await EditionCommand.HistoryAsync(paths, Minute.Never, cancellation);
        if (history.IsEmpty)
        {
            Console.Error.WriteLine($"There is no edition in force in {paths.Where}. {Commands.StartOrName}");
            return 2;
        }
        if (EditionCommand.Read(file, history)?.Policy is not { } draft)
            return 1;
        await using var stores = paths.StoresForReading();
        var whatIf = new WhatIf(paths.EvidenceOf(stores), stores.BackOffice, paths.Partitions, TimeProvider.System);
        Print(await whatIf.RunAsync(new(history.At(at).Policy, draft, at), new Teller(), cancellation));
        return 0;
    }

    // On a terminal only: a file that the answer is written to has no use for it.
    private sealed class Teller : IProgress<WhatIfProgress>
    {
        public void Report(WhatIfProgress value)
        {
            if (!Console.IsErrorRedirected)
                Console.Error.Write($"\r{value.PartitionsDone} of {value.Partitions} partitions, {value.People:N0} people{(value.PartitionsDone == value.Partitions ? "\n" : "")}");
        }
    }

    private static void Print(WhatIfOutcome outcome)
    {
        Console.WriteLine($"{outcome.Draft.Id} against {outcome.InForce.Id}, with what was known at {outcome.At}");
        Console.WriteLine($"{outcome.Changed:N0} of {outcome.People:N0} people would have another colour ({outcome.Took.TotalSeconds:N1} s)");
        Console.WriteLine();
        Console.WriteLine($"{"from \\ to",-10}{string.Concat(ColourTable.All.Select(to => $"{to,12}"))}");
        foreach (var from in ColourTable.All)
            Console.WriteLine($"{from,-10}{string.Concat(ColourTable.All.Select(to => $"{outcome.Colours[from, to],12:N0}"))}");
        Console.WriteLine();
        Console.WriteLine($"{"rule",-10}{"before",12}{"after",12}{"gained",12}{"lost",12}");
        foreach (var rule in outcome.Rules)
            Console.WriteLine($"{rule.Number,-10}{rule.Before,12:N0}{rule.After,12:N0}{rule.Gained,12:N0}{rule.Lost,12:N0}");
        PrintGroups("county", outcome, outcome.Areas, area => area.IsNone ? "none told" : area.ToString());
        PrintGroups("born", outcome, outcome.Decades, decade => decade == 0 ? "not known" : $"{decade}s");
        PrintShapes(outcome);
    }

    private static void PrintGroups<T>(string what, WhatIfOutcome outcome, IReadOnlyList<GroupOutcome<T>> groups, Func<T, string> name)
    {
        var ways = ColourTable.Ways.Where(way => way.From != way.To && outcome.Colours[way.From, way.To] > 0).ToList();
        if (ways.Count == 0)
            return;
        Console.WriteLine();
        Console.WriteLine($"{what,-10}{string.Concat(ways.Select(way => $"{$"{way.From}>{way.To}",14}"))}");
        foreach (var group in groups)
            Console.WriteLine($"{name(group.Key),-10}{string.Concat(ways.Select(way => $"{group.Shown(way.From, way.To)?.ToString("N0", null) ?? "few",14}"))}");
    }

    private static void PrintShapes(WhatIfOutcome outcome)
    {
        foreach (var shape in outcome.Shapes)
        {
            Console.WriteLine();
            Console.WriteLine($"{shape.People:N0} people {shape.From}>{shape.To}: {Numbers(shape.Before)} > {Numbers(shape.After)}; one of them has");
            foreach (var entry in shape.Example)
                Console.WriteLine($"  {entry.DaysAgo,3} days ago  {Spelling.Of(entry.Kind)} ({Spelling.Of(entry.Source)})");
        }
    }

    private static string Numbers(IReadOnlyList<string> rules) => rules.Count == 0 ? "no rule" : string.Join(" ", rules);
}
