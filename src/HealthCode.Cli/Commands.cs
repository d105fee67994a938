using System.CommandLine;

namespace HealthCode.Cli;

/// <summary>What every command is told about the region it works on.</summary>
/// <param name="Partitions">How many streams people are spread over.</param>
public sealed record RegionPaths(string Data, string Region, string Edition, int Partitions);

/// <summary>The words of <c>healthcode</c>. Serving is the server's own; it hands its way to start in.</summary>
public static class Commands
{
    public static readonly Option<string> Data = new("--data")
    {
        Description = "Folder with journal, back office and keys", DefaultValueFactory = _ => "data", Recursive = true,
    };

    public static readonly Option<string> Region = new("--region")
    {
        Description = "The region's division, 6 digits", DefaultValueFactory = _ => "990100", Recursive = true,
    };

    public static readonly Option<string> Edition = new("--edition")
    {
        Description = "The edition that a new region begins with: a file of editions/, without its ending", DefaultValueFactory = _ => "hangzhou-2020-02", Recursive = true,
    };

    public static readonly Option<int> Partitions = new("--partitions")
    {
        Description = "Streams that people are spread over; fixed when the region is created", DefaultValueFactory = _ => 256, Recursive = true,
    };

    /// <param name="serving">The commands that start the region: serve and demo.</param>
    public static RootCommand Root(params Command[] serving)
    {
        var root = new RootCommand("HealthCode: a health-code region that explains, and can be contested") { Data, Region, Edition, Partitions };
        foreach (var command in serving)
            root.Add(command);
        root.Add(ExplainCommand.Create());
        root.Add(EditionCommand.Create());
        root.Add(WhatIfCommand.Create());
        root.Add(VerifyCommand.Create());
        root.Add(DoctorCommand.Create());
        return root;
    }

    internal static RegionPaths PathsOf(ParseResult parsed) => new(
        parsed.GetValue(Data)!, parsed.GetValue(Region)!, parsed.GetValue(Edition)!, parsed.GetValue(Partitions));

    internal static string EditionPath(RegionPaths paths) => Path.Combine(AppContext.BaseDirectory, "editions", paths.Edition + ".yaml");
}
