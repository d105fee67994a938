using System.Diagnostics;
using System.Globalization;

namespace HealthCode.Load;

/// <summary>One side of a comparison, as a process of its own.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process process;
    private readonly TaskCompletionSource<Uri> address = new();
    private readonly TaskCompletionSource ready = new();

    private ServerProcess(Process process, string addressWord, string? readyWord)
    {
        this.process = process;
        process.OutputDataReceived += (_, line) =>
        {
            var words = line.Data?.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
            if (words.Length > 1 && words[0] == addressWord)
                address.TrySetResult(new Uri(words[1]));
            if (readyWord is null || line.Data?.Contains(readyWord, StringComparison.Ordinal) == true)
                ready.TrySetResult();
        };
        process.BeginOutputReadLine();
    }

    public static ServerProcess Bare(int bytes) =>
        new(Start(Path.Combine(AppContext.BaseDirectory, "HealthCode.Load.dll"), "bare", $"{bytes}"), "listening", null);

    public static ServerProcess Region(string data, int residents) => new(
        Start(
            Path.Combine(AppContext.BaseDirectory, "healthcode.dll"), "demo", "--data", data, "--urls", "http://127.0.0.1:0",
            "--residents", $"{residents}", "--pace", "0"),
        "Resident", "100 %");

    /// <summary>One node of several, ready as soon as it listens; the first must have made the city before.</summary>
    /// <param name="store">The address of the database that they share.</param>
    public static ServerProcess Node(string data, int residents, string store, string name, bool first) => new(
        Start(
            Path.Combine(AppContext.BaseDirectory, "healthcode.dll"), "demo", "--data", data, "--urls", "http://127.0.0.1:0",
            "--residents", $"{residents}", "--pace", "0", "--store", store, "--node", name),
        "Resident", first ? "100 %" : null);

    public async Task<Uri> ReadyAsync()
    {
        await Task.WhenAll(address.Task, ready.Task).WaitAsync(TimeSpan.FromMinutes(3));
        return address.Task.Result;
    }

    /// <summary>Processor time used so far, user and system.</summary>
    public TimeSpan Processor
    {
        get
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        // Thousands sign in from one address here.
        foreach (var limit in new[] { "SignInCodesPerMinute", "SignInsPerMinute" })
            start.Environment["RateLimits__" + limit] = int.MaxValue.ToString(CultureInfo.InvariantCulture);
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "1";
        return Process.Start(start)!;
    }
}
