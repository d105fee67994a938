using HealthCode.Server.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace HealthCode.Server.Cluster;

/// <summary>
/// Leaving without a loss: asked to stop, the node first says that it is not ready and goes on answering for a while, so
/// that whoever spreads the requests sends it no new ones; then its running requests finish, its partitions go, its silo
/// leaves, and at last its lease ends.
/// </summary>
internal sealed class Draining(RegionOptions region) : IHostedLifecycleService, IHealthCheck
{
    private volatile bool isLeaving;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(isLeaving ? HealthCheckResult.Unhealthy("The node is leaving.") : HealthCheckResult.Healthy());

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        isLeaving = true;
        await Task.Delay(region.Drain, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Whether all that was acknowledged is shown here. When not, displays go on and say as of when, so it is degraded and no worse.</summary>
internal sealed class LeaseHealth(INodeLease lease) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(lease.IsHeld
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"The node's lease has run out; it answers as of {lease.AsOf:O}."));
}
