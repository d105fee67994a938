using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Keys that last as long as their process: for tests and simulations.</summary>
public sealed class MemoryKeyStore : IKeyStore
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, SortedDictionary<(string Id, int Generation), StoredKey>> scopes = [];

    public Task<IReadOnlyList<StoredKey>> ReadAsync(string scope, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
            return Task.FromResult<IReadOnlyList<StoredKey>>(scopes.TryGetValue(scope, out var keys) ? [.. keys.Values] : []);
    }

    public async Task<IReadOnlyList<StoredKey>> FindAsync(string scope, IReadOnlyList<byte[]> ids, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var wanted = ids.Select(Convert.ToHexString).ToHashSet();
        return [.. (await ReadAsync(scope, cancellation).ConfigureAwait(false)).Where(key => wanted.Contains(Convert.ToHexString(key.Id)))];
    }

    public Task<IReadOnlyList<StoredKey>> AddAsync(string scope, IReadOnlyList<StoredKey> keys, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(keys);
        cancellation.ThrowIfCancellationRequested();
        var there = new StoredKey[keys.Count];
        lock (gate)
        {
            if (!scopes.TryGetValue(scope, out var known))
                scopes.Add(scope, known = new(OrdinalOrder));
            for (var index = 0; index < there.Length; index++)
            {
                var key = keys[index];
                known.TryAdd((Convert.ToHexString(key.Id), key.Generation), key);
                there[index] = known[(Convert.ToHexString(key.Id), key.Generation)];
            }
        }
        return Task.FromResult<IReadOnlyList<StoredKey>>(there);
    }

    public Task DestroyAsync(IReadOnlyList<KeyRange> keys, long at, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(keys);
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
        {
            foreach (var (scope, id, upTo) in keys)
            {
                if (!scopes.TryGetValue(scope, out var known))
                    continue;
                foreach (var (place, key) in known.Where(key => !key.Value.IsDestroyed && key.Key.Generation <= upTo && key.Value.Id.AsSpan().SequenceEqual(id)).ToList())
                    known[place] = key with { Wrapped = null, DestroyedAt = at };
            }
        }
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static readonly Comparer<(string Id, int Generation)> OrdinalOrder = Comparer<(string Id, int Generation)>.Create(
        (a, b) => string.CompareOrdinal(a.Id, b.Id) is var byId && byId != 0 ? byId : a.Generation.CompareTo(b.Generation));
}
