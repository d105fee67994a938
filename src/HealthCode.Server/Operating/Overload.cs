using System.Threading.RateLimiting;
using HealthCode.Api;
using HealthCode.Server.Hosting;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;

namespace HealthCode.Server.Operating;

/// <summary>What a request asks of a node, in the order in which it is given up: a display last.</summary>
internal enum Load
{
    /// <summary>Answered from what the process has in memory or has cached, the same for everybody; never refused.</summary>
    Light,

    /// <summary>Answered from resident state.</summary>
    Display,

    /// <summary>Has to ask the store before it is answered.</summary>
    Read,

    /// <summary>Has to be durable before it is answered.</summary>
    Write,

    /// <summary>Brings many facts and takes minutes.</summary>
    Feed,
}

/// <summary>An endpoint whose load is another than its method tells.</summary>
internal sealed record LoadIs(Load Load);

/// <summary>Bounds for what a node does at once, so that what it cannot do is refused early and cheaply, and the rest is answered soon.</summary>
/// <remarks>
/// <code>
///                 at once      wait      then
///   displays        1,024     1,024      503 overloaded, Retry-After 2
///   reads             256       256      503 overloaded, Retry-After 5
///   writes            256       256      503 overloaded, Retry-After 5
///   feeds               4         0      503 overloaded, Retry-After 30
/// </code>
/// Each has its own, so a flood of writes, or a store that hardly answers, leaves the displays theirs. A write waits for the disk, some milliseconds, and goes to
/// it with all others that wait: 256 at once are some ten thousands a second, more than the journal takes one by one. A display
/// waits for nothing but a core; what waits beyond this would be answered after its phone has given up.
/// </remarks>
internal static class Overload
{
    public static TRoute WithLoad<TRoute>(this TRoute route, Load load) where TRoute : IEndpointConventionBuilder => route.WithMetadata(new LoadIs(load));

    public static void LimitLoad(this RateLimiterOptions limiter, RegionOptions region) =>
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, Load>(http => LoadOf(http) switch
        {
            Load.Display => AtOnce(Load.Display, region.DisplaysMax, region.DisplaysMax),
            Load.Read => AtOnce(Load.Read, region.WritesMax, region.WritesMax),
            Load.Write => AtOnce(Load.Write, region.WritesMax, region.WritesMax),
            Load.Feed => AtOnce(Load.Feed, region.FeedsMax, 0),
            _ => RateLimitPartition.GetNoLimiter(Load.Light),
        });

    /// <summary>The answer to a request that there is no room for.</summary>
    public static Task RefuseAsync(HttpContext http)
    {
        var load = LoadOf(http);
        Instruments.Shed.Add(1, new KeyValuePair<string, object?>("load", load.ToString().ToLowerInvariant()));
        return http.RefuseAsync(Refusals.Overloaded, retryAfterSeconds: load switch { Load.Display => 2, Load.Feed => 30, _ => 5 });
    }

    /// <summary>By what the endpoint says of itself, else by its method.</summary>
    internal static Load LoadOf(HttpContext http)
    {
        if (http.GetEndpoint() is not { } endpoint || !http.Request.Path.StartsWithSegments("/v1"))
            return Load.Light;
        if (endpoint.Metadata.GetMetadata<LoadIs>() is { } said)
            return said.Load;
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
            return Load.Write;
        // What everybody may read is in memory; what is behind a sign-in and no display is in the store.
        return endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null ? Load.Read : Load.Light;
    }

    private static RateLimitPartition<Load> AtOnce(Load load, int most, int waiting) => RateLimitPartition.GetConcurrencyLimiter(load, _ => new()
    {
        PermitLimit = most, QueueLimit = waiting, QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });
}
