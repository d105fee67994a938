namespace HealthCode.Server.Cluster;

/// <summary>Something that every node keeps in memory, and that another node may change: area risks, editions, names, places.</summary>
internal interface INodeView
{
    /// <summary>Its name in the table of nodes.</summary>
    string Name { get; }

    /// <summary>The revision that is shown here; it only grows.</summary>
    long Seen { get; }

    /// <summary>Learns all that was changed before the call. May be called at any time, by several at once.</summary>
    /// <exception cref="HealthCode.Storage.JournalUnavailableException">The store does not answer.</exception>
    Task CatchUpAsync(CancellationToken cancellation);
}

/// <summary>What this node may rely on while the others go on changing things.</summary>
internal interface INodeLease
{
    /// <summary>
    /// Whether every change that was acknowledged before this moment is shown here. When not, an answer is true as of
    /// <see cref="AsOf"/> and must say so.
    /// </summary>
    bool IsHeld { get; }

    /// <summary>The last moment of which this node knows all that was acknowledged.</summary>
    DateTimeOffset AsOf { get; }

    /// <summary>
    /// Returns when every living node shows this revision of a view, this one included: a change may be acknowledged then. A node that
    /// does not answer is waited for until its lease has run out, some seconds.
    /// </summary>
    /// <exception cref="HealthCode.Storage.JournalUnavailableException">The store does not answer; the change may not be shown everywhere yet.</exception>
    Task ShownEverywhereAsync(string view, long revision, CancellationToken cancellation);
}

/// <summary>The lease of a process that is alone: nobody else changes anything.</summary>
internal sealed class SoleNode(TimeProvider time) : INodeLease
{
    public bool IsHeld => true;

    public DateTimeOffset AsOf => time.GetUtcNow();

    public Task ShownEverywhereAsync(string view, long revision, CancellationToken cancellation) => Task.CompletedTask;
}
