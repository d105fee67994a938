using System.CommandLine;
using HealthCode.Storage;
using HealthCode.Tokens;

namespace HealthCode.Cli;

/// <summary>What every command is told about the region it works on.</summary>
/// <param name="Partitions">How many streams people are spread over.</param>
/// <param name="Store">Where journal and back office are: in <paramref name="Data"/>, or in a database.</param>
/// <param name="KeyFolder">Where the keys are: in <paramref name="Data"/> unless the region says otherwise.</param>
public sealed record RegionPaths(string Data, string Region, string Edition, int Partitions, StoreAddress Store, string KeyFolder)
{
    /// <summary>Where the stores are, for a message.</summary>
    internal string Where => Store.IsPostgres ? $"{Store}" : Data;

    internal KeyRing Keys() => KeyRing.OpenOrCreate(KeyFolder, Region, TimeProvider.System);

    /// <summary>The region's stores beside it, to read.</summary>
    internal RegionStores StoresForReading() => RegionStores.OpenForReading(Data, Store);

    /// <summary>The evidence in them, which opens with the region's master key.</summary>
    internal EvidenceStore EvidenceOf(RegionStores stores) =>
        new(stores.Journal, stores.Keys, stores.Snapshots, new KeyWrap(Keys().Secret("profiles")));
}

/// <summary>The words of <c>healthcode</c>. What needs the server itself, the server hands in.</summary>
public static class Commands
{
    public static readonly Option<string> Data = new("--data")
    {
        Description = "Folder with journal, back office and keys", DefaultValueFactory = _ => "data", Recursive = true,
    };

    public static readonly Option<string> Store = new("--store")
    {
        Description = "postgres://user@host:port/database for journal and back office; else they are in the data folder. Also read from HEALTHCODE_STORE",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("HEALTHCODE_STORE") ?? "", Recursive = true,
    };

    public static readonly Option<string?> KeyFolder = new("--key-folder")
    {
        Description = "Folder with the keys; the same one for all nodes of a region. keys in the data folder when absent", Recursive = true,
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
        Store.Validators.Add(given =>
        {
            // The value is not repeated: it may hold a password.
            if (!StoreAddress.TryParse(given.GetValueOrDefault<string>(), out _, out var problem))
                given.AddError(problem!);
        });
        Partitions.Accepts(count => count is >= 1 and <= 65_536, "1 to 65,536");
        var root = new RootCommand("HealthCode: a health-code region that explains, and can be contested") 
        {
            Data, Store, KeyFolder, Region, Edition, Partitions,
        };
        foreach (var command in serving)
            root.Add(command);
        root.Add(ExplainCommand.Create());
        root.Add(EditionCommand.Create());
        root.Add(WhatIfCommand.Create());
        root.Add(VerifyCommand.Create());
        root.Add(EvidenceCommand.Create());
        root.Add(KeysCommand.Create());
        root.Add(BackupCommand.CreateBackup());
        root.Add(BackupCommand.CreateRestore());
        root.Add(RetentionCommand.Create());
        root.Add(ReadersCommand.Create());
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
        parsed.GetValue(Data)!, parsed.GetValue(Region)!, parsed.GetValue(Edition)!, parsed.GetValue(Partitions),
        StoreAddress.Parse(parsed.GetValue(Store)), parsed.GetValue(KeyFolder) ?? Path.Combine(parsed.GetValue(Data)!, "keys"));

    internal const string StartOrName = "Start the region once, or name its folder with --data or its database with --store.";

    internal static string EditionPath(RegionPaths paths) => Path.Combine(AppContext.BaseDirectory, "editions", paths.Edition + ".yaml");
}
