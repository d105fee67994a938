using System.Collections.Concurrent;
using HealthCode.Api;

namespace HealthCode.Server.Sources;

/// <summary>The feeds that this node is taking in.</summary>
internal sealed class RunningFeeds
{
    private readonly ConcurrentDictionary<EvidenceFeed, byte> feeds = new();

    /// <summary>The longest running first.</summary>
    public IReadOnlyList<FeedProgress> All => [.. feeds.Keys.Select(feed => feed.Progress).OrderBy(progress => progress.StartedAt)];

    /// <summary>Lists a feed until what this returns is disposed of.</summary>
    public IDisposable Add(EvidenceFeed feed)
    {
        feeds[feed] = 0;
        return new Listed(() => feeds.TryRemove(feed, out _));
    }

    private sealed class Listed(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
