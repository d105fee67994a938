using HealthCode.Storage;
using Orleans.Runtime;
using Orleans.Serialization;

namespace HealthCode.Server.People;

/// <summary>Calls to partitions that are tried again while a node is dying and its partitions find another one.</summary>
/// <remarks>A display changes nothing, and evidence has a stable id, so both may be sent twice.</remarks>
internal static class Patience
{
    /// <summary>How long after its first failure a call is still tried again: a killed node's partitions are elsewhere by then.</summary>
    public static readonly TimeSpan Max = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public static async Task<T> TryAsync<T>(TimeProvider time, Func<Task<T>> call)
    {
        long? firstFailure = null;
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception failure) when (IsPassing(failure) && (firstFailure is not { } since || time.GetElapsedTime(since) < Max))
            {
                firstFailure ??= time.GetTimestamp();
            }
            await Task.Delay(Pause);
        }
    }

    /// <summary>Whether another try may find the partition well: its node is gone, or it has moved. A full disk is not of these.</summary>
    internal static bool IsPassing(Exception failure) => failure switch
    {
        StaleWriterException or SiloUnavailableException or OrleansMessageRejectionException => true,
        // What comes from another node may have no type here.
        UnavailableExceptionFallbackException unknown => unknown.ExceptionType?.Contains(nameof(StaleWriterException), StringComparison.Ordinal) == true,
        // The node was gone, and nobody knew it yet.
        TimeoutException => true,
        _ => false,
    };
}
