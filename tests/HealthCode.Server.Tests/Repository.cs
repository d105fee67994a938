namespace HealthCode.Server.Tests;

/// <summary>Where the sources are, seen from a test's folder.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "HealthCode.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("HealthCode.slnx was not found above " + AppContext.BaseDirectory);
    }
}
