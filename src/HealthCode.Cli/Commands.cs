using System.CommandLine;

namespace HealthCode.Cli;

/// <summary>What every command is told about the region it works on.</summary>
/// <param name="Partitions">How many streams people are spread over.</param>
public sealed record RegionPaths(string Data, string Region, string Edition, int Partitions);

/// <summary>The words of <c>healthcode</c>. What needs the server itself, the server hands in.</summary>
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

    /// <param name="serving">The commands that need the server's own services: serve, demo and staff.</param>
    public static RootCommand Root(params Command[] serving)
    {
        Region.Accepts(region => region.Length == 6 && region.All(char.IsAsciiDigit) && region[0] != '0', "a division's 6 digits");
        Partitions.Accepts(count => count is >= 1 and <= 65_536, "1 to 65,536");
        var root = new RootCommand("HealthCode: a health-code region that explains, and can be contested") { Data, Region, Edition, Partitions };
        foreach (var command in serving)
            root.Add(command);
        root.Add(ExplainCommand.Create());
        root.Add(EditionCommand.Create());
        root.Add(WhatIfCommand.Create());
        root.Add(VerifyCommand.Create());
        root.Add(EvidenceCommand.Create());
        root.Add(KeysCommand.Create());
        root.Add(DoctorCommand.Create());
        return root;
    }

    /// <summary>Refuses other values where they are typed, before anything is opened or made.</summary>
    public static void Accepts<T>(this Option<T> option, Predicate<T> fine, string wanted)
    {
        ArgumentNullException.ThrowIfNull(option);
        option.Validators.Add(given =>
        {
            if (!fine(given.GetValueOrDefault<T>()!))
                given.AddError($"{option.Name} wants {wanted}.");
        });
    }

    public static RegionPaths PathsOf(ParseResult parsed) => new(
        parsed.GetValue(Data)!, parsed.GetValue(Region)!, parsed.GetValue(Edition)!, parsed.GetValue(Partitions));

    internal static string EditionPath(RegionPaths paths) => Path.Combine(AppContext.BaseDirectory, "editions", paths.Edition + ".yaml");
}
