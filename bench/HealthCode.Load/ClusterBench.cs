using System.Text.Json;
using HealthCode.Api;
using HealthCode.Simulation;
using HealthCode.Testing;
using Npgsql;

namespace HealthCode.Load;

/// <summary><c>./bench.sh cluster</c>: displays and reports at one node that has everything, and through three that share a database.</summary>
/// <remarks>
/// All processes run on one machine and share its cores, so what counts is the processor time of the nodes together. Of three
/// nodes each display meets the person's own one time in three, and else is passed on.
/// </remarks>
internal sealed class ClusterBench
{
    private const int Residents = 2_100, NotYetApplied = 100, Sessions = 500, Nodes = 3, ConnectionsEach = 11, Rounds = 3;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4), Measured = TimeSpan.FromSeconds(5), SpreadMax = TimeSpan.FromMinutes(2);

    private readonly City city = new(new CityOptions { Seed = 20200211, Residents = Residents });
    private long nextReport;

    /// <summary>One side: its processes, where they listen, and who is signed in.</summary>
    private sealed class Side(IReadOnlyList<ServerProcess> processes, IReadOnlyList<Uri> addresses, IReadOnlyList<string> cookies) : IDisposable
    {
        private int next = -1;

        public IReadOnlyList<Uri> Addresses => addresses;
        public List<double> DisplayMicroseconds { get; } = [];
        public List<double> DisplaysPerSecond { get; } = [];
        public List<double> ReportsPerSecond { get; } = [];
        public List<double> ReportMicroseconds { get; } = [];
        public TimeSpan Processor => TimeSpan.FromTicks(processes.Sum(process => process.Processor.Ticks));

        public string NextCookie() => cookies[(int)((uint)Interlocked.Increment(ref next) % (uint)cookies.Count)];

        public void Dispose()
        {
            foreach (var process in processes)
                process.Dispose();
        }
    }

    public static async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("healthcode-bench-").FullName;
        try
        {
            await using var server = await PostgresServer.StartAsync();
            await new ClusterBench().MeasureAsync(folder, server);
            return 0;
        }
        catch (Exception failure)
        {
            // Caught, so that the processes and the database end with the bench.
            await Console.Error.WriteLineAsync($"{failure}");
            return 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task MeasureAsync(string folder, PostgresServer server)
    {
        using var one = await OneAsync(Path.Combine(folder, "one"));
        using var across = await AcrossAsync(Path.Combine(folder, "across"), server);
        foreach (var side in (Side[])[one, across])
        {
            await LoadAsync(side, Display, WarmUp, [], []);
            await LoadAsync(side, Report, WarmUp, [], []);
        }
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var side in (Side[])[one, across])
            {
                await LoadAsync(side, Display, Measured, side.DisplaysPerSecond, side.DisplayMicroseconds);
                await LoadAsync(side, Report, Measured, side.ReportsPerSecond, side.ReportMicroseconds);
            }
        }
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            bench = "cluster", ratio = Math.Round(Median(across.DisplayMicroseconds) / Median(one.DisplayMicroseconds), 2), goal = (double?)null,
            unit = "× the processor time of a display at one node",
            detail = new
            {
                microsecondsPerDisplay = Math.Round(Median(across.DisplayMicroseconds), 1), microsecondsPerDisplayAtOne = Math.Round(Median(one.DisplayMicroseconds), 1),
                displaysPerSecond = Math.Round(Median(across.DisplaysPerSecond)), displaysPerSecondAtOne = Math.Round(Median(one.DisplaysPerSecond)),
                reportsPerSecond = Math.Round(Median(across.ReportsPerSecond)), reportsPerSecondAtOne = Math.Round(Median(one.ReportsPerSecond)),
                microsecondsPerReport = Math.Round(Median(across.ReportMicroseconds), 1), microsecondsPerReportAtOne = Math.Round(Median(one.ReportMicroseconds), 1),
                nodes = Nodes, connections = Nodes * ConnectionsEach, sessions = Sessions, rounds = Rounds,
            },
        }));
    }

    private static byte[] Display(string cookie, long number) => LoadClient.Get(Routes.MyCode, cookie);

    // Each is new evidence, and on the disk before it is answered.
    private static byte[] Report(string cookie, long number) =>
        LoadClient.Post(Routes.MyReports, """{"symptoms":[],"temperature":36.5,"contact":"no"}""", cookie, $"bench-{number}");

    /// <summary>As many connections as on the other side, spread over the side's nodes.</summary>
    private async Task LoadAsync(Side side, Func<string, long, byte[]> request, TimeSpan duration, List<double> perSecond, List<double> microseconds)
    {
        var before = side.Processor;
        var results = await Task.WhenAll(side.Addresses.Select(address => new LoadClient(address, Nodes * ConnectionsEach / side.Addresses.Count)
            .RunAsync(() => request(side.NextCookie(), Interlocked.Increment(ref nextReport)), duration)));
        if (results.Sum(result => result.Failures) is > 0 and var failures)
            throw new InvalidOperationException($"{failures} of {results.Sum(result => result.Requests)} requests were refused: this measures nothing.");
        perSecond.Add(results.Sum(result => result.PerSecond));
        microseconds.Add((side.Processor - before).TotalMicroseconds / results.Sum(result => result.Requests));
    }

    private async Task<Side> OneAsync(string folder)
    {
        var process = ServerProcess.Region(folder, Residents);
        var address = await process.ReadyAsync();
        return new Side([process], [address], await CookiesAsync(address));
    }

    private async Task<Side> AcrossAsync(string folder, PostgresServer server)
    {
        var database = await server.CreateDatabaseAsync("bench");
        var store = server.UrlOf("bench");
        var (processes, addresses) = (new List<ServerProcess>(), new List<Uri>());
        for (var node = 0; node < Nodes; node++)
        {
            processes.Add(ServerProcess.Node(folder, Residents, store, $"node-{node + 1}", first: node == 0));
            addresses.Add(await processes[^1].ReadyAsync());
        }
        var side = new Side(processes, addresses, await CookiesAsync(addresses[0]));
        try
        {
            await SpreadAsync(side, database);
            return side;
        }
        catch
        {
            side.Dispose();
            throw;
        }
    }

    // A node that joins gets its share of the partitions one after the other. They are placed by a hash: a third more or less is even.
    private async Task SpreadAsync(Side side, string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand("SELECT count(*), max(partitions) - min(partitions), sum(partitions)::bigint FROM (SELECT count(*) AS partitions FROM owners WHERE node IS NOT NULL GROUP BY node) AS each");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            await using (var reader = await command.ExecuteReaderAsync())
            {
                await reader.ReadAsync();
                if (reader.GetInt64(0) == Nodes && reader.GetInt64(1) < reader.GetInt64(2) / Nodes / 2)
                {
                    Console.WriteLine($"partitions are spread over {Nodes} nodes; the fullest has {reader.GetInt64(1)} more than the emptiest");
                    return;
                }
                if (clock.Elapsed > SpreadMax)
                    throw new InvalidOperationException($"After {clock.Elapsed.TotalSeconds:N0} s {reader.GetInt64(0)} of {Nodes} nodes have partitions, the fullest {reader.GetInt64(1)} more than the emptiest.");
            }
            await LoadAsync(side, Display, TimeSpan.FromSeconds(1), [], []);
        }
    }

    private async Task<IReadOnlyList<string>> CookiesAsync(Uri address)
    {
        var cookies = new List<string>();
        for (var index = NotYetApplied; index < NotYetApplied + Sessions; index++)
            cookies.Add(await SignIns.ResidentCookieAsync(address, city.Resident(index)));
        return cookies;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
