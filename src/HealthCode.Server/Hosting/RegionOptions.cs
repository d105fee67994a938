using HealthCode.Storage;

namespace HealthCode.Server.Hosting;

/// <summary>What a deployment is told: by environment (<c>HEALTHCODE_</c>), settings file, or the command line.</summary>
public sealed record RegionOptions
{
    /// <summary>Where everything that must survive is kept: journal, back office, keys. Created with owner-only permissions.</summary>
    public string Data { get; init; } = "data";

    /// <summary>Where journal and back office are: in <see cref="Data"/>, or in a database that several nodes share.</summary>
    public StoreAddress Store { get; init; } = StoreAddress.Folder;

    /// <summary>Where the keys are, of codes, of people and of cookies. All nodes of a region share one.</summary>
    public string KeyFolder { get => field ?? Path.Combine(Data, "keys"); init; }

    /// <summary>The region's own division, 6 digits: the issuer of its codes.</summary>
    public string Region { get; init; } = "990100";

    /// <summary>The edition that a new region begins with: a file of <c>editions/</c>, without its ending. Not looked at afterwards.</summary>
    public string Edition { get; init; } = "hangzhou-2020-02";

    /// <summary>Streams that people are spread over. Fixed when a region is created.</summary>
    public int Partitions { get; init; } = 256;

    /// <summary>How long which evidence is kept.</summary>
    public Retention Retention { get; init; } = new();

    /// <summary>A synthetic city of this many residents lives here; 0 for a real region.</summary>
    public int DemoResidents { get; init; }

    /// <summary>Evidence a second that the demo city makes by itself; 0 for none.</summary>
    public double DemoPace { get; init; } = 2;

    public int DemoSeed { get; init; } = 20200211;

    /// <summary>What this node is called where nodes are listed; its machine and port when absent.</summary>
    public string? Node { get; init; }

    /// <summary>The address at which other nodes reach this one.</summary>
    public string Advertise { get; init; } = "127.0.0.1";

    /// <summary>The port at which other nodes reach this one; 0 for any that is free.</summary>
    public int SiloPort { get; init; }

    /// <summary>How long a node that leaves says that it is not ready before it stops taking requests.</summary>
    public TimeSpan Drain { get; init; }

    /// <summary>The port of the address at which the node shows its metrics, and nobody else's requests come in; 0 for none.</summary>
    public int ManagementPort { get; init; }

    /// <summary>Whether requests are traced. It costs each call between nodes, and within one, some microseconds.</summary>
    public bool Traced { get; init; }

    /// <summary>Displays at once; as many wait, and further ones are refused.</summary>
    public int DisplaysMax { get; init; } = 1_024;

    /// <summary>Writes at once, and reads of the store at once; as many of each wait, and further ones are refused.</summary>
    public int WritesMax { get; init; } = 256;

    /// <summary>Feeds at once; further ones are refused.</summary>
    public int FeedsMax { get; init; } = 4;

    /// <summary>How long a node that starts is not ready at most, while its partitions are loaded.</summary>
    public TimeSpan WarmUpMax { get; init; } = TimeSpan.FromMinutes(5);

    public bool Demo => DemoResidents > 0;
}
