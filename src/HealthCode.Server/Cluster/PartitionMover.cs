using HealthCode.Server.Hosting;
using HealthCode.Server.People;
using Orleans.Core.Internal;
using Orleans.Runtime;

namespace HealthCode.Server.Cluster;

/// <summary>
/// Keeps each partition where it is placed when nodes have come or gone: gives those away that are another's now, and loads
/// those that are this node's and that nobody has, so that the first to ask need not wait for it.
/// </summary>
internal sealed partial class PartitionMover(
    NodeLease lease, RegionOptions region, ISiloStatusOracle silos, ILocalSiloDetails self, IGrainFactory grains, TimeProvider time,
    ILogger<PartitionMover> log) : BackgroundService
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
            if (now.Count > 0 && now.SetEquals(known))
                await SettleAsync(now, stoppingToken);
            known = now;
        }
    }

    private HashSet<SiloAddress> NodesNow() => [.. silos.GetApproximateSiloStatuses(onlyActive: true).Keys];

    private async Task SettleAsync(HashSet<SiloAddress> nodes, CancellationToken cancellation)
    {
        var here = lease.Taken.ToHashSet();
        var (given, loaded) = (0, 0);
        for (var partition = 0; partition < region.Partitions; partition++)
        {
            var isOurs = PartitionPlacement.NodeOf(partition, nodes).Equals(self.SiloAddress);
            if (isOurs == here.Contains(partition) || !await TrySettleAsync(partition, isOurs, cancellation))
                continue;
            (given, loaded) = isOurs ? (given, loaded + 1) : (given + 1, loaded);
            await Task.Delay(Pause, time, cancellation);
        }
        if (given + loaded > 0)
            Settled(log, given, loaded);
    }

    // One that cannot be moved now, as the store or its node does not answer, is tried again at the next turn.
    private async Task<bool> TrySettleAsync(int partition, bool isOurs, CancellationToken cancellation)
    {
        var grain = grains.GetGrain<IPersonPartitionGrain>(partition);
        try
        {
            // It goes when its running calls are done; the next call places it anew.
            if (!isOurs)
                await grain.AsReference<IGrainManagementExtension>().DeactivateOnIdle(cancellation);
            await grain.Wake().WaitAsync(cancellation);
            return true;
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested)
        {
            NotSettled(log, partition, failure.Message);
            return false;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Given} partitions were given to other nodes, and {Loaded} loaded that are this one's.")]
    private static partial void Settled(ILogger log, int given, int loaded);

    [LoggerMessage(2, LogLevel.Warning, "Partition {Partition} could not be settled yet: {Problem}")]
    private static partial void NotSettled(ILogger log, int partition, string problem);
}
