using System.Globalization;
using HealthCode.Benchmarks;

// Computations that need no server; what needs one is in HealthCode.Load.
switch (args)
{
    case ["policy", .. var rest]:
        var folder = Directory.CreateTempSubdirectory("healthcode-bench-").FullName;
        try
        {
            await PolicyBench.RunAsync(rest is [var people] ? int.Parse(people, CultureInfo.InvariantCulture) : 10_000_000, folder);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    case ["records"]:
        RecordsBench.Run();
        return 0;
    case ["restart", .. var rest]:
        return await RestartBench.RunAsync(rest is [var all] ? int.Parse(all, CultureInfo.InvariantCulture) : 10_000_000);
    case [RestartBench.Start, var data, var many]:
        await RestartBench.StartAsync(data, int.Parse(many, CultureInfo.InvariantCulture));
        return 0;
    default:
        Console.Error.WriteLine("Name what to measure: policy [PEOPLE], records, restart [PEOPLE].");
        return 2;
}
