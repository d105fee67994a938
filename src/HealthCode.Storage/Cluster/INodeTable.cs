namespace HealthCode.Storage;

/// <summary>Which nodes of a region are alive, what each has learnt, and which of them has which partition.</summary>
/// <remarks>
/// A node holds a lease that it renews; all times are those of the table's own clock. A node whose lease has run out
/// counts as gone, though it may only sleep: when it wakes it finds its lease interrupted, learns what it missed before it
/// answers again, and steps down from what others took meanwhile.
/// <para>
/// Taking a partition needs nobody's consent. But whoever had it before may still answer from what it knows, so it stays
/// listed as a former owner until it has stepped down (and said so) or its lease has run out, and until then the new owner
/// acknowledges nothing. Of three who take it one after the other the last waits for both others.
/// </para>
/// <para>Its methods throw <see cref="JournalUnavailableException"/> when the table does not answer.</para>
/// </remarks>
public interface INodeTable
{
    /// <summary>Lists a node as alive that has seen nothing yet, so that every change waits for it from now on.</summary>
    /// <param name="node">Names one life of one process: it is never used again.</param>
    Task JoinAsync(string node, CancellationToken cancellation);

    /// <summary>Renews the lease and writes what the node has seen: a revision for each name. What it had seen stays seen.</summary>
    Task<NodeRenewal> RenewAsync(string node, IReadOnlyDictionary<string, long> seen, CancellationToken cancellation);

    /// <summary>The node is gone, and with it all it had; nobody waits for it.</summary>
    Task LeaveAsync(string node, CancellationToken cancellation);

    /// <summary>The nodes whose leases run, by name.</summary>
    Task<IReadOnlyList<string>> LiveAsync(CancellationToken cancellation);

    /// <summary>Whether every live node has seen at least this revision.</summary>
    Task<bool> HaveAllSeenAsync(string name, long revision, CancellationToken cancellation);

    /// <summary>Makes the node the owner, whoever was it before.</summary>
    /// <returns>Who may still answer in the partition's name: each that had it before, has not released it, and lives.</returns>
    Task<IReadOnlyList<string>> TakeAsync(string node, int partition, CancellationToken cancellation);

    /// <summary>Who of those that had the partition before may still answer. Empty for ever once it was empty.</summary>
    /// <returns>Null when the node is not the owner any more.</returns>
    Task<IReadOnlyList<string>?> FormerOwnersAsync(string node, int partition, CancellationToken cancellation);

    /// <summary>The node answers no more for these partitions, as their owner or a former one.</summary>
    Task ReleaseAsync(string node, IReadOnlyCollection<int> partitions, CancellationToken cancellation);

    /// <summary>The partitions that the node owns, in their order.</summary>
    Task<IReadOnlyList<int>> OwnedAsync(string node, CancellationToken cancellation);
}

/// <summary>What a node learns when it renews its lease.</summary>
/// <param name="IsContinuous">The lease had not run out since the last renewal.</param>
/// <param name="Lost">
/// Partitions that others took and for which they wait: step down from them, then release them. Those that others took
/// while the lease had run out are not among them; ask <see cref="INodeTable.OwnedAsync"/> then.
/// </param>
public sealed record NodeRenewal(bool IsContinuous, IReadOnlyList<int> Lost);
