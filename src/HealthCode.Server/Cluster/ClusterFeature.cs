using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using HealthCode.Server.Hosting;
using HealthCode.Storage;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Serialization;

namespace HealthCode.Server.Cluster;

/// <summary>One process on its own, or one node of several that share a database.</summary>
internal static class ClusterFeature
{
    /// <summary>Register it before Orleans: what was registered last stops first, and the lease must outlive the silo.</summary>
    public static IServiceCollection AddCluster(this IServiceCollection services, RegionOptions region)
    {
        services.AddSingleton<Draining>().AddHostedService(provider => provider.GetRequiredService<Draining>());
        services.AddHealthChecks().AddCheck<Draining>("leaving").AddCheck<LeaseHealth>("lease");
        if (!region.Store.IsPostgres)
            return services.AddSingleton<INodeLease, SoleNode>().AddSingleton<IPartitionOwnership, SoleOwnership>();
        return services
            .AddSingleton<INodeTable>(provider => new PostgresNodeTable(provider.GetRequiredService<RegionStores>().Database!, NodeLease.LengthDefault))
            .AddSingleton(provider => new NodeLease(
                provider.GetRequiredService<INodeTable>(), LifeOf(region), provider.GetServices<INodeView>(), provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<NodeLease>>()))
            .AddSingleton<INodeLease>(provider => provider.GetRequiredService<NodeLease>())
            .AddSingleton<IPartitionOwnership>(provider => provider.GetRequiredService<NodeLease>())
            .AddHostedService(provider => provider.GetRequiredService<NodeLease>());
    }

    public static void UseCluster(this ISiloBuilder silo, RegionOptions region)
    {
        if (region.Traced)
            silo.AddActivityPropagation();
        silo.Services.AddPlacementDirector<PartitionPlacement, PartitionPlacementDirector>();
        // Who lives is counted by the machine's clock. A region's clock may be set ahead, and Orleans notes by the machine's when a
        // silo began: one that joins would look as if it had been at it for days, and would declare itself dead.
        silo.Services.AddKeyedSingleton(TimeProviderNames.Membership, TimeProvider.System);
        // What a partition refuses reaches a caller on another node as what it is, and is answered or tried again by that.
        silo.Services.Configure<ExceptionSerializationOptions>(exceptions => exceptions.SupportedNamespacePrefixes.Add(nameof(HealthCode)));
        if (!region.Store.IsPostgres)
        {
            // Two regions may run on one machine; the silo's port is nobody's business while it is alone.
            silo.UseLocalhostClustering(siloPort: FreePort(), gatewayPort: 0, serviceId: "healthcode", clusterId: "healthcode");
            return;
        }
        var address = IPAddress.Parse(region.Advertise);
        var port = region.SiloPort == 0 ? FreePort() : region.SiloPort;
        silo.Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = ("healthcode", region.Store.Database));
        silo.Configure<SiloOptions>(options => options.SiloName = region.Node ?? $"{address}:{port}");
        silo.ConfigureEndpoints(address, port, gatewayPort: 0, listenOnAnyHostAddress: !IPAddress.IsLoopback(address));
        silo.Services.AddSingleton<IMembershipTable>(provider =>
            new PostgresMembershipTable(provider.GetRequiredService<RegionStores>().Database!, region.Store.Database));
        silo.Configure<ClusterMembershipOptions>(Configure);
        // A call that waits for a dead node fails soon enough to be tried again while somebody waits for the answer.
        silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = ResponseTimeout);
        silo.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = ResponseTimeout);
#pragma warning disable ORLEANSEXP003 // Experimental in name: what they do wrong costs time, and never an acknowledged fact.
        // With the directory spread by strong agreement, a lost node does not make the others forget where partitions are.
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        // It would hold a dead node's grains back for a while, lest there be two: that is what our own table of owners is for.
        silo.Configure<GrainDirectoryOptions>(directory => directory.RangeLeaseDuration = TimeSpan.Zero);
        silo.Services.AddHostedService<PartitionMover>();
    }

    /// <summary>Calls between nodes that take longer have failed.</summary>
    public static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(4);

    // A killed node misses three probes: it is dead to the others after about two seconds. Two votes suffice, or one of two nodes
    // alone: Orleans asks for no more than half of those that live, rounded up.
    private static void Configure(ClusterMembershipOptions membership)
    {
        membership.ProbeTimeout = TimeSpan.FromMilliseconds(600);
        membership.MinProbeTimeout = TimeSpan.FromMilliseconds(500);
        membership.MaxProbeTimeout = TimeSpan.FromMilliseconds(1_000);
        membership.NumMissedProbesLimit = 3;
        membership.NumVotesForDeathDeclaration = 2;
        membership.EnableIndirectProbes = false;
        membership.ExtendProbeTimeoutDuringDegradation = false;
        membership.TableRefreshTimeout = TimeSpan.FromSeconds(2);
        membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(2);
        membership.DefunctSiloExpiration = TimeSpan.FromDays(1);
        membership.DefunctSiloCleanupPeriod = TimeSpan.FromHours(1);
    }

    // A restart under the same name is another life: what the former one had, it had.
    private static string LifeOf(RegionOptions region) =>
        $"{region.Node ?? Environment.MachineName}#{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
