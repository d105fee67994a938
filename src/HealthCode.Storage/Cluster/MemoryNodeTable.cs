namespace HealthCode.Storage;

/// <summary>The node table in memory: for several nodes in one process, as tests and the simulation have them.</summary>
public sealed class MemoryNodeTable(TimeProvider time, TimeSpan lease) : INodeTable
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Node> nodes = [];
    private readonly Dictionary<int, Owner> owners = [];

    private sealed class Node
    {
        public DateTimeOffset RenewedAt { get; set; }
        public Dictionary<string, long> Seen { get; } = [];
    }

    private sealed class Owner
    {
        public string? Node { get; set; }
        public List<string> Former { get; } = [];
    }

    public Task JoinAsync(string node, CancellationToken cancellation) => Do(() =>
    {
        nodes[node] = new Node { RenewedAt = time.GetUtcNow() };
        return true;
    });

    public Task<NodeRenewal> RenewAsync(string node, IReadOnlyDictionary<string, long> seen, CancellationToken cancellation) => Do(() =>
    {
        var isContinuous = IsLive(node);
        if (!nodes.TryGetValue(node, out var known))
            nodes.Add(node, known = new Node());
        known.RenewedAt = time.GetUtcNow();
        foreach (var (name, revision) in seen)
            known.Seen[name] = revision;
        return new NodeRenewal(isContinuous, [.. owners.Where(owner => owner.Value.Former.Contains(node)).Select(owner => owner.Key).Order()]);
    });

    public Task LeaveAsync(string node, CancellationToken cancellation) => Do(() =>
    {
        foreach (var owner in owners.Values)
            Forget(owner, node);
        return nodes.Remove(node);
    });

    public Task<IReadOnlyList<string>> LiveAsync(CancellationToken cancellation) =>
        Do<IReadOnlyList<string>>(() => [.. nodes.Keys.Where(IsLive).Order(StringComparer.Ordinal)]);

    public Task<bool> HaveAllSeenAsync(string name, long revision, CancellationToken cancellation) => Do(
        () => nodes.Where(node => IsLive(node.Key)).All(node => node.Value.Seen.TryGetValue(name, out var seen) && seen >= revision));

    public Task<IReadOnlyList<string>> TakeAsync(string node, int partition, CancellationToken cancellation) => Do(() =>
    {
        if (!owners.TryGetValue(partition, out var owner))
            owners.Add(partition, owner = new Owner());
        if (owner.Node is { } before && before != node)
            owner.Former.Add(before);
        owner.Former.Remove(node);
        owner.Node = node;
        return FormerOf(owner);
    });

    public Task<IReadOnlyList<string>?> FormerOwnersAsync(string node, int partition, CancellationToken cancellation) => Do(
        () => owners.TryGetValue(partition, out var owner) && owner.Node == node ? FormerOf(owner) : null);

    public Task ReleaseAsync(string node, IReadOnlyCollection<int> partitions, CancellationToken cancellation) => Do(() =>
    {
        foreach (var partition in partitions)
        {
            if (owners.TryGetValue(partition, out var owner))
                Forget(owner, node);
        }
        return true;
    });

    public Task<IReadOnlyList<int>> OwnedAsync(string node, CancellationToken cancellation) => Do<IReadOnlyList<int>>(
        () => [.. owners.Where(owner => owner.Value.Node == node).Select(owner => owner.Key).Order()]);

    // Whose lease has run out is taken off for good: coming back, it finds out that it is no owner.
    private IReadOnlyList<string> FormerOf(Owner owner)
    {
        owner.Former.RemoveAll(former => !IsLive(former));
        return [.. owner.Former.Order(StringComparer.Ordinal)];
    }

    private static void Forget(Owner owner, string node)
    {
        owner.Former.Remove(node);
        if (owner.Node == node)
            owner.Node = null;
    }

    private bool IsLive(string node) => nodes.TryGetValue(node, out var known) && time.GetUtcNow() - known.RenewedAt < lease;

    private Task<T> Do<T>(Func<T> work)
    {
        lock (gate)
            return Task.FromResult(work());
    }
}
