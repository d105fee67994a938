using System.CommandLine;
using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Cli;

/// <summary><c>healthcode retention</c>: which weeks of evidence there are, and when each ends. Also the options that say how long.</summary>
public static class RetentionCommand
{
    private static readonly Retention Default = new();

    public static readonly Option<int> KeepShortDays = new("--keep-short-days")
    {
        Description = "Days for which reports, stays, visits, journeys, tests and passes are kept", DefaultValueFactory = _ => Default.ShortDays,
    };

    public static readonly Option<int> KeepLongDays = new("--keep-long-days")
    {
        Description = "Days for which diagnoses, orders, contacts and other regions' words are kept", DefaultValueFactory = _ => Default.LongDays,
    };

    /// <summary>Lets a command take both, and refuses what cannot be.</summary>
    public static void AddTo(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Add(KeepShortDays);
        command.Add(KeepLongDays);
        command.Validators.Add(given =>
        {
            // Here an option that was not given has no value yet, not even its default.
            var shortDays = given.GetResult(KeepShortDays) is null ? Default.ShortDays : given.GetValue(KeepShortDays);
            var longDays = given.GetResult(KeepLongDays) is null ? Default.LongDays : given.GetValue(KeepLongDays);
            if (shortDays is < Retention.ShortDaysMin or > Retention.DaysMax)
                given.AddError($"--keep-short-days wants {Retention.ShortDaysMin} to {Retention.DaysMax:N0} days: what a rule may still ask is not erased.");
            else if (longDays < shortDays || longDays > Retention.DaysMax)
                given.AddError($"--keep-long-days wants {shortDays} (--keep-short-days) to {Retention.DaysMax:N0} days.");
        });
    }

    public static Retention Of(ParseResult parsed)
    {
        ArgumentNullException.ThrowIfNull(parsed);
        return new Retention(parsed.GetValue(KeepShortDays), parsed.GetValue(KeepLongDays));
    }

    internal static Command Create()
    {
        var command = new Command("retention", "The weeks of evidence that there are, and when each is erased");
        AddTo(command);
        command.SetAction((parsed, cancellation) => RunAsync(Commands.PathsOf(parsed), Of(parsed), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(RegionPaths paths, Retention retention, CancellationToken cancellation)
    {
        await using var stores = paths.StoresForReading();
        if (!await stores.ExistsAsync(cancellation))
        {
            await Console.Error.WriteLineAsync($"There is no region in {paths.Where}. {Commands.StartOrName}");
            return 2;
        }
        var now = Minute.Of(TimeProvider.System.GetUtcNow());
        Console.WriteLine($"{"class",-9} {"week of",-10}  {"erased from",-17}  state");
        foreach (var segment in await new SegmentEnds(paths.EvidenceOf(stores), retention).ReadAsync(cancellation))
        {
            var state = segment.IsErased ? "erased" : segment.EndsAt <= now ? "due" : "kept";
            Console.WriteLine($"{segment.Segment.Class,-9} {segment.Segment.FirstMinute.ToDateTimeOffset():yyyy-MM-dd}  {segment.EndsAt,-17}  {state}");
        }
        return 0;
    }
}
