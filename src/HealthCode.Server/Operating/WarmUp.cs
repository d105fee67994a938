using System.Diagnostics;
using HealthCode.Server.Hosting;
using HealthCode.Server.People;
using HealthCode.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace HealthCode.Server.Operating;

/// <summary>
/// Loads the partitions when a node starts, so that nobody waits for theirs: it asks each of them once, wherever it is or
/// comes to be. The node is ready when all have answered, or after a bounded time: one that cannot be loaded must not keep
/// the others from being shown.
/// </summary>
internal sealed partial class WarmUp(
    IGrainFactory grains, RegionOptions region, IHostApplicationLifetime lifetime, ILogger<WarmUp> log) : BackgroundService, IHealthCheck
{
    /// <summary>More at once would wait for each other at the store.</summary>
    private static readonly int AtOnce = Math.Max(4, 2 * Environment.ProcessorCount);

    /// <summary>After a failure, and twice as long after each further one: a partition may be damaged for days, and its log be read.</summary>
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromMilliseconds(500), TryAgainMax = TimeSpan.FromMinutes(1);

    private readonly long began = Stopwatch.GetTimestamp();
    private int loaded;

    /// <summary>Partitions that have answered.</summary>
    public int Loaded => Volatile.Read(ref loaded);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (Loaded == region.Partitions)
            return Task.FromResult(HealthCheckResult.Healthy());
        var progress = $"{Loaded} of {region.Partitions} partitions are loaded.";
        return Task.FromResult(Stopwatch.GetElapsedTime(began) < region.WarmUpMax
            ? HealthCheckResult.Unhealthy(progress) : HealthCheckResult.Degraded(progress));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var _ = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        await Parallel.ForAsync(0, region.Partitions, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stoppingToken }, LoadAsync);
        Done(log, region.Partitions, Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    private async ValueTask LoadAsync(int partition, CancellationToken cancellation)
    {
        for (var pause = TryAgainAfter; ; pause = pause * 2 < TryAgainMax ? pause * 2 : TryAgainMax)
        {
            try
            {
                await grains.GetGrain<IPersonPartitionGrain>(partition).Wake().WaitAsync(cancellation);
                Interlocked.Increment(ref loaded);
                return;
            }
            catch (Exception failure) when (failure is not OperationCanceledException || !cancellation.IsCancellationRequested)
            {
                NotLoaded(log, partition, failure.Message);
            }
            await Task.Delay(pause, cancellation);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "All {Partitions} partitions are loaded, {Seconds:F1} s after the start.")]
    private static partial void Done(ILogger log, int partitions, double seconds);

    [LoggerMessage(2, LogLevel.Warning, "Partition {Partition} could not be loaded yet: {Problem}")]
    private static partial void NotLoaded(ILogger log, int partition, string problem);
}

/// <summary>Whether the store answers. Displays go on without it, so it is degraded and no worse.</summary>
internal sealed class StoreHealth(RegionStores stores) : IHealthCheck
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(1);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var backOffice = await stores.BackOffice.CreateDbContextAsync(cancellationToken);
            return await backOffice.Database.CanConnectAsync(cancellationToken).WaitAsync(WaitMax, cancellationToken)
                ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded("The store does not answer.");
        }
        catch (TimeoutException)
        {
            return HealthCheckResult.Degraded("The store does not answer soon.");
        }
    }
}
