using HealthCode.Server.Cluster;
using HealthCode.Storage;

namespace HealthCode.Server.Operating;

/// <summary>Lets the instruments read this node's lease.</summary>
internal sealed class LeaseWatch(INodeLease lease, TimeProvider time) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Instruments.WatchLease(() => (lease.IsHeld, lease.IsHeld ? 0 : (time.GetUtcNow() - lease.AsOf).TotalSeconds));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
