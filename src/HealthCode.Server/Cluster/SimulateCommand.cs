using System.CommandLine;
using System.Diagnostics;
using HealthCode.Cli;
using HealthCode.Domain;
using HealthCode.Simulation;
using HealthCode.Storage;

namespace HealthCode.Server.Cluster;

/// <summary><c>healthcode simulate</c>: histories of a cluster that everything happens to, in virtual time, each from a seed.</summary>
internal static class SimulateCommand
{
    public static Command Create()
    {
        var seeds = new Option<int>("--seeds") { Description = "How many histories", DefaultValueFactory = _ => 1_000 };
        var from = new Option<int>("--from") { Description = "The first seed; a failed one is run again with --seeds 1", DefaultValueFactory = _ => 1 };
        seeds.Accepts(count => count >= 1, "1 or more");
        var command = new Command("simulate", "Try the promises of a cluster in seeded histories of kills, stops and losses") { seeds, from };
        command.SetAction((parsed, cancellation) => Task.Run(
            () => Run(Commands.PathsOf(parsed), parsed.GetValue(from), parsed.GetValue(seeds), cancellation), cancellation));
        return command;
    }

    private static int Run(RegionPaths paths, int from, int seeds, CancellationToken cancellation)
    {
        var policy = new Policy(EditionFile.Load(Path.Combine(AppContext.BaseDirectory, "editions", paths.Edition + ".yaml")));
        var started = Stopwatch.GetTimestamp();
        var tally = new Tally();
        Parallel.For(from, from + seeds, new ParallelOptions { CancellationToken = cancellation }, seed => tally.Add(ClusterSimulation.Run(seed, policy), seeds));
        var took = Stopwatch.GetElapsedTime(started);
        Console.WriteLine($"{tally.Done:N0} histories of {tally.VirtualTime.TotalHours:N1} virtual hours in {took.TotalSeconds:N1} s");
        Console.WriteLine($"{tally.Acknowledged:N0} acknowledged facts, {tally.Displays:N0} displays judged, {tally.Kills:N0} kills, {tally.Stops:N0} stops, {tally.Takeovers:N0} takeovers, {tally.Deletions:N0} deletions");
        Console.WriteLine(tally.Failed == 0 ? "Nothing was lost, doubled, or shown wrong." : $"{tally.Failed:N0} histories broke a promise.");
        return tally.Failed == 0 ? 0 : 1;
    }

    private sealed class Tally
    {
        private readonly Lock gate = new();

        public int Done { get; private set; }
        public int Failed { get; private set; }
        public long Acknowledged { get; private set; }
        public long Displays { get; private set; }
        public long Kills { get; private set; }
        public long Stops { get; private set; }
        public long Takeovers { get; private set; }
        public long Deletions { get; private set; }
        public TimeSpan VirtualTime { get; private set; }

        public void Add(ClusterOutcome outcome, int seeds)
        {
            lock (gate)
            {
                Done++;
                (Acknowledged, Displays) = (Acknowledged + outcome.Acknowledged, Displays + outcome.Displays);
                (Kills, Stops) = (Kills + outcome.Kills, Stops + outcome.Stops);
                (Takeovers, Deletions) = (Takeovers + outcome.Takeovers, Deletions + outcome.Deletions);
                VirtualTime += outcome.VirtualTime;
                if (outcome.Wrong is { } wrong)
                {
                    Failed++;
                    Console.WriteLine($"seed {outcome.Seed}: {wrong}");
                }
                if (!Console.IsErrorRedirected && (Done % 100 == 0 || Done == seeds))
                    Console.Error.Write($"\r{Done:N0} of {seeds:N0}{(Done == seeds ? "\n" : "")}");
            }
        }
    }
}
