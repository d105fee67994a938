using System.Diagnostics;

namespace HealthCode.Storage.Tests;

/// <summary>A file system in memory that is soon full, gone after the test.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public string Path => folder.Path;

    /// <summary>Skips the test where mounting is not permitted.</summary>
    public static SmallDisk Mount(int megabytes)
    {
        var disk = new SmallDisk();
        var said = Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", disk.Path);
        if (said is not null)
        {
            disk.folder.Dispose();
            Assert.Skip("A small file system cannot be mounted here, which needs root: " + said);
        }
        return disk;
    }

    public void Dispose()
    {
        // Whatever still holds a file of it lets go later.
        Run("umount", "--lazy", Path);
        folder.Dispose();
    }

    /// <returns>Null when it worked.</returns>
    private static string? Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : error.Trim();
    }
}
