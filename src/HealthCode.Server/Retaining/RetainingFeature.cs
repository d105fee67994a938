using HealthCode.Domain;
using HealthCode.Server.Hosting;
using HealthCode.Server.People;
using HealthCode.Storage;

namespace HealthCode.Server.Retaining;

/// <summary>Keeping evidence no longer than its class allows.</summary>
internal static class RetainingFeature
{
    public static IServiceCollection AddRetaining(this IServiceCollection services) => services
        .AddSingleton(provider => new SegmentEnds(provider.GetRequiredService<EvidenceStore>(), provider.GetRequiredService<Retention>()))
        .AddSingleton<SegmentEnding>().AddHostedService(provider => provider.GetRequiredService<SegmentEnding>());
}

/// <summary>Ends the weeks that are over, once an hour. Of several nodes one does it at a time, and the next finds nothing left.</summary>
internal sealed partial class SegmentEnding(
    RegionStores stores, SegmentEnds segments, IGrainFactory grains, RegionOptions region, TimeProvider time, ILogger<SegmentEnding> log) : BackgroundService
{
    public static readonly TimeSpan Every = TimeSpan.FromHours(1);

    private readonly PeriodicTimer hour = new(Every, time);

    public override void Dispose()
    {
        hour.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await hour.NextAsync(stoppingToken))
        {
            try
            {
                await EndAsync(stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                // The week is as over in an hour as it is now.
                NotEnded(log, failure);
            }
        }
    }

    public Task EndAsync(CancellationToken cancellation) => stores.AloneAsync("retention", EndAloneAsync, cancellation);

    private async Task EndAloneAsync(CancellationToken cancellation)
    {
        var ended = await segments.EndAsync(time.GetUtcNow(), cancellation);
        foreach (var (segment, batches) in ended)
            Ended(log, segment, batches);
        if (ended.Count == 0)
            return;
        // What partitions and their snapshots hold of it goes now, also where nobody has asked for a code for long.
        for (var partition = 0; partition < region.Partitions; partition++)
        {
            var number = partition;
            await Patience.TryAsync(time, () => grains.GetGrain<IPersonPartitionGrain>(number).Forget());
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The evidence of {Segment} is over: its key is destroyed, {Batches} batches are erased")]
    private static partial void Ended(ILogger log, Segment segment, long batches);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Evidence that is over could not be erased; it is tried again within the hour")]
    private static partial void NotEnded(ILogger log, Exception failure);
}
