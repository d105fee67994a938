using System.CommandLine;
using HealthCode.Storage;

namespace HealthCode.Cli;

/// <summary><c>healthcode readers</c>: the views that follow the journal, and how far behind they are.</summary>
internal static class ReadersCommand
{
    private static readonly IEvidenceReader[] Known = [new DailyCounts()];

    private static readonly Argument<string> Name = new("NAME") { Description = string.Join(", ", Known.Select(reader => reader.Name)) };

    public static Command Create()
    {
        var list = new Command("list", "Which readers there are, and how many batches each is behind");
        list.SetAction((parsed, cancellation) => ListAsync(Commands.PathsOf(parsed), cancellation));
        var rebuild = new Command("rebuild", "Empty a reader's view; the region reads the journal again for it") { Name };
        rebuild.SetAction((parsed, cancellation) => RebuildAsync(Commands.PathsOf(parsed), parsed.GetValue(Name)!, cancellation));
        return new Command("readers", "Views that follow the journal") { list, rebuild };
    }

    private static async Task<int> ListAsync(RegionPaths paths, CancellationToken cancellation)
    {
        await using var stores = paths.StoresForReading();
        if (!await stores.ExistsAsync(cancellation))
            return Fail($"There is no region in {paths.Where}. {Commands.StartOrName}");
        var now = TimeProvider.System.GetUtcNow();
        foreach (var reader in Known)
        {
            var lag = await new JournalFollower(stores.BackOffice, paths.EvidenceOf(stores), reader).LagAsync(cancellation);
            var since = lag.CaughtUpAt is { } at ? $"had read all {Math.Max(0, (now - at).TotalSeconds):N0} s ago" : "has never read all";
            Console.WriteLine($"{lag.Reader,-10} {lag.BatchesBehind:N0} batches behind, {since}");
        }
        return 0;
    }

    private static async Task<int> RebuildAsync(RegionPaths paths, string name, CancellationToken cancellation)
    {
        if (Known.FirstOrDefault(reader => reader.Name == name) is not { } known)
            return Fail($"There is no reader {name}. There are: {string.Join(", ", Known.Select(reader => reader.Name))}.");
        await using (var reading = paths.StoresForReading())
        {
            if (!await reading.ExistsAsync(cancellation))
                return Fail($"There is no region in {paths.Where}. {Commands.StartOrName}");
        }
        await using var stores = RegionStores.Open(paths.Data, paths.Store);
        await stores.AloneAsync($"reader {name}", alone => JournalFollower.DropAsync(stores.BackOffice, known, alone), cancellation);
        Console.WriteLine($"{name} is empty. The region reads for it what can still be read, now or at its next start; what was erased or deleted is not counted again.");
        return 0;
    }

    private static int Fail(string message)
    {
        Console.Error.WriteLine(message);
        return 2;
    }
}
