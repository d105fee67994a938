namespace HealthCode.Server.Hosting;

internal static class Ticks
{
    /// <summary>Waits for the next tick.</summary>
    /// <returns>False when it is told to stop, also by a host that is thrown away without having been stopped.</returns>
    public static async Task<bool> NextAsync(this PeriodicTimer timer, CancellationToken stopping)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stopping);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
