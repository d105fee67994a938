using HealthCode.Server.People;
using Orleans.Core.Internal;
using Orleans.Runtime;

namespace HealthCode.Server.Cluster;

/// <summary>Gives partitions to a node that has joined: those that are placed there now, one after the other.</summary>
internal sealed partial class PartitionMover(
    NodeLease lease, ISiloStatusOracle silos, ILocalSiloDetails self, IGrainFactory grains, TimeProvider time, ILogger<PartitionMover> log) : BackgroundService
{
    /// <summary>The nodes must have stayed the same for so long: a cluster that is just starting is left alone.</summary>
    private static readonly TimeSpan CalmMin = TimeSpan.FromSeconds(5);

    /// <summary>Between two partitions, so that few people wait at once.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var known = NodesNow();
        using var timer = new PeriodicTimer(CalmMin, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var now = NodesNow();
            if (now.SetEquals(known))
                await MoveAsync(now, stoppingToken);
            known = now;
        }
    }

    private HashSet<SiloAddress> NodesNow() => [.. silos.GetApproximateSiloStatuses(onlyActive: true).Keys];

    private async Task MoveAsync(HashSet<SiloAddress> nodes, CancellationToken cancellation)
    {
        var moved = 0;
        foreach (var partition in lease.Taken)
        {
            if (nodes.Count == 0 || PartitionPlacement.NodeOf(partition, nodes).Equals(self.SiloAddress))
                continue;
            // It goes when its running calls are done; the next call places it anew.
            await grains.GetGrain<IPersonPartitionGrain>(partition).AsReference<IGrainManagementExtension>().DeactivateOnIdle(cancellation);
            moved++;
            await Task.Delay(Pause, time, cancellation);
        }
        if (moved > 0)
            Moved(log, moved);
    }

    [LoggerMessage(1, LogLevel.Information, "{Partitions} partitions were given to other nodes.")]
    private static partial void Moved(ILogger log, int partitions);
}
