using System.Collections.Concurrent;

namespace HealthCode.Storage;

/// <summary>Snapshots that last as long as their process: for tests and simulations.</summary>
public sealed class MemorySnapshotStore : ISnapshotStore
{
    private readonly ConcurrentDictionary<string, StoredSnapshot> snapshots = [];

    public Task<bool> WriteAsync(
        string stream, long sequence, int format, IReadOnlyList<ReadOnlyMemory<byte>> parts, CancellationToken cancellation)
    {
        StoredSnapshot.Check(parts);
        cancellation.ThrowIfCancellationRequested();
        var written = new StoredSnapshot(sequence, format, [.. parts.Select(part => new ReadOnlyMemory<byte>(part.ToArray()))]);
        return Task.FromResult(snapshots.AddOrUpdate(stream, written, (_, known) => known.Sequence > sequence ? known : written) == written);
    }

    public Task<StoredSnapshot?> ReadAsync(string stream, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult(snapshots.GetValueOrDefault(stream));
    }

    public Task DeleteAsync(string stream, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        snapshots.TryRemove(stream, out _);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
