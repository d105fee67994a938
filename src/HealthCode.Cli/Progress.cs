using System.Diagnostics;

namespace HealthCode.Cli;

/// <summary>Says on standard error how far a long command is, once a second at most: the answer itself goes to standard output.</summary>
internal sealed class Progress
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly Stopwatch since = Stopwatch.StartNew();

    public void Say(string what)
    {
        if (since.Elapsed < Every)
            return;
        Console.Error.WriteLine(what);
        since.Restart();
    }
}
