using System.Collections.Concurrent;

namespace HealthCode.Tokens;

/// <summary>
/// Keys in the system's own form, made on demand and used by one thread at a time: neither ECDsa nor AesGcm promises to
/// bear two. As many are made as were ever used at once; their native memory goes with the pool.
/// </summary>
internal sealed class Pool<T>(Func<T> create)
    where T : class
{
    private readonly ConcurrentBag<T> idle = [];

    public T Take() => idle.TryTake(out var item) ? item : create();

    public void Return(T item) => idle.Add(item);
}
