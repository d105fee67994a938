using System.Diagnostics;
using System.Net;
using HealthCode.Api;
using HealthCode.Server.Applications;
using HealthCode.Server.Demo;
using HealthCode.Simulation;

namespace HealthCode.Server.Tests;

/// <summary>A real process, really killed, in the middle of writing.</summary>
[Collection("one region, one clock")]
public sealed class KillTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("healthcode-kill-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task What_was_acknowledged_before_kill_9_is_there_after_the_restart()
    {
        var resident = new City(new CityOptions { Seed = 20200211, Residents = 150 }).Resident(0);
        var acknowledged = new List<decimal>();

        for (var round = 0; round < 3; round++)
        {
            using var process = RegionProcess.Start(folder);
            var address = await process.AddressAsync();
            using var session = await EnterAsync(address, resident, apply: round == 0);
            await ThereIsAsync(session, acknowledged);

            // Killed from another thread at a moment that nobody chose, while reports go in one after another.
            var killing = KillAfterAsync(process, reports: 20 + (13 * round), acknowledged);
            await ReportUntilKilledAsync(session, round, acknowledged);
            await killing;
        }

        using var last = RegionProcess.Start(folder);
        using var reader = await EnterAsync(await last.AddressAsync(), resident, apply: false);
        await ThereIsAsync(reader, acknowledged);
        Assert.True(acknowledged.Count >= 60, $"only {acknowledged.Count} reports were acknowledged");
        last.Kill();
    }

    private static async Task KillAfterAsync(RegionProcess process, int reports, List<decimal> acknowledged)
    {
        var target = acknowledged.Count + reports;
        await Task.Run(() => SpinWait.SpinUntil(() => { lock (acknowledged) { return acknowledged.Count >= target; } }));
        process.Kill();
    }

    private static async Task ReportUntilKilledAsync(TestSession session, int round, List<decimal> acknowledged)
    {
        try
        {
            // Temperatures tell the reports apart: 34.0, 34.1, … are all in range and all different within 90.
            for (var index = 0; ; index++)
            {
                var temperature = 34m + (((round * 300) + index) % 30 * 0.1m);
                using var answer = await session.PostAsync(Routes.MyReports, new ReportRequest([], temperature, "no"), $"kill-{round:D2}-{index:D6}");
                if (answer.StatusCode != HttpStatusCode.Created)
                    return;
                lock (acknowledged)
                    acknowledged.Add(temperature);
            }
        }
        catch (HttpRequestException)
        {
            // The process is gone.
        }
    }

    private static async Task ThereIsAsync(TestSession session, List<decimal> acknowledged)
    {
        var history = await session.GetAsync<HistoryState>(Routes.MyHistory);
        var kept = history.Evidence.Count(evidence => evidence.Detail?.En.Contains("°C", StringComparison.Ordinal) == true);
        // One report may have become durable without its answer getting out; it is never fewer, and never doubled.
        Assert.InRange(kept, acknowledged.Count, acknowledged.Count + 3);
    }

    private static async Task<TestSession> EnterAsync(Uri address, Resident resident, bool apply)
    {
        var session = new TestSession(address);
        var sent = await session.MustAsync<SignInCodeSent>(HttpStatusCode.Accepted, Routes.SignInCodes, new SignInCodeRequest(resident.Phone.Normalized));
        await session.MustAsync(
            HttpStatusCode.OK, Routes.SignIn, new SignInRequest(resident.Phone.Normalized, sent.ShownMessage!.Split("验证码 ")[1][..6]));
        if (apply)
        {
            await session.MustAsync(HttpStatusCode.Created, Routes.Applications, new ApplicationRequest(
                resident.Name.Full, "citizen-id", resident.Document.Normalized, null, null,
                new StayingAt("990101", new DateOnly(2026, 1, 1), null), [], "no", ApplicationsFeature.ConsentEdition));
        }
        return session;
    }
}

/// <summary>The product as a process of its own.</summary>
internal sealed class RegionProcess : IDisposable
{
    private readonly Process process;
    // Not in the turn that reads the output: who learns of the end there would wait for the end of that turn.
    private readonly TaskCompletionSource<Uri> address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<string> said = [];

    private RegionProcess(Process process) => this.process = process;

    /// <param name="store">An address, as --store takes it; it goes by the environment, where a password would.</param>
    public static RegionProcess Start(string folder, int residents = 150, string store = "", params string[] more)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["HEALTHCODE_STORE"] = store;
        // Limits have a test of their own; here many tests share one address.
        start.Environment["RateLimits__SignInCodesPerMinute"] = start.Environment["RateLimits__SignInsPerMinute"] = "10000";
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "healthcode.dll"), "demo", "--data", folder, "--urls", "http://127.0.0.1:0",
            "--residents", $"{residents}", "--pace", "0", "--partitions", "16", .. more,
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        var region = new RegionProcess(Process.Start(start)!);
        region.process.OutputDataReceived += (_, line) => region.Read(line.Data);
        region.process.BeginOutputReadLine();
        return region;
    }

    /// <summary>Where it listens, once it says so.</summary>
    public Task<Uri> AddressAsync() => address.Task.WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>Asks it to stop, as an operator does, and waits until it has.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        await SignalAsync("TERM");
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    public Task EndAsync(CancellationToken cancellation) => process.WaitForExitAsync(cancellation);

    /// <summary>The last lines that it wrote.</summary>
    public string LastSaid
    {
        get
        {
            lock (said)
                return string.Join('\n', said);
        }
    }

    /// <summary>Sends a signal by its name, such as STOP.</summary>
    public async Task SignalAsync(string name)
    {
        using var kill = Process.Start("kill", ["-" + name, process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    private void Read(string? line)
    {
        lock (said)
        {
            said.Enqueue(line ?? "");
            if (said.Count > 20)
                said.Dequeue();
        }
        if (line is null)
            address.TrySetException(new InvalidOperationException("The region ended before it said where it listens."));
        else if (line.TrimStart().StartsWith("Resident ", StringComparison.Ordinal))
            address.TrySetResult(new Uri(line.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]));
    }

    public void Dispose()
    {
        if (!process.HasExited)
            Kill();
        process.Dispose();
    }
}
