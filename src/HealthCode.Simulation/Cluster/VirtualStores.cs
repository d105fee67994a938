using System.Runtime.CompilerServices;
using HealthCode.Storage;

namespace HealthCode.Simulation;

/// <summary>The stores as one process reaches them: over a network that delays, loses requests, and loses answers.</summary>
/// <remarks>
/// Behind it are the real stores in memory, which outlive every process. Whether a lost message was a request, and nothing
/// happened, or an answer, and it did, cannot be told by who sent it: that is what the contracts call unavailable.
/// </remarks>
internal sealed class VirtualStores(VirtualWorld world, VirtualProcess process, SharedStores shared) : IJournal, IKeyStore, ISnapshotStore
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    async ValueTask IJournal.AppendAsync(string stream, long sequence, IReadOnlyList<NewBatch> batches, CancellationToken cancellation)
    {
        // What the caller does with its buffers afterwards must not show.
        NewBatch[] copies = [.. batches.Select(batch => batch with { Bytes = batch.Bytes.ToArray() })];
        await CallAsync(async () =>
        {
            await shared.Journal.AppendAsync(stream, sequence, copies, CancellationToken.None);
            return true;
        }).ConfigureAwait(false);
    }

    async IAsyncEnumerable<JournalBatch> IJournal.ReadStreamAsync(
        string stream, long fromSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var batch in await CallAsync(() => SharedStores.ToListAsync(shared.Journal.ReadStreamAsync(stream, fromSequence, default))).ConfigureAwait(false))
            yield return batch;
    }

    Task<IReadOnlyDictionary<string, JournalHead>> IJournal.ReadHeadsAsync(CancellationToken cancellation) =>
        CallAsync(() => shared.Journal.ReadHeadsAsync(default));

    Task<long> IJournal.EraseAsync(Segment segment, CancellationToken cancellation) => CallAsync(() => shared.Journal.EraseAsync(segment, default));

    Task<IReadOnlyList<StoredKey>> IKeyStore.ReadAsync(string scope, CancellationToken cancellation) =>
        CallAsync(() => shared.Keys.ReadAsync(scope, default));

    Task<IReadOnlyList<StoredKey>> IKeyStore.FindAsync(string scope, IReadOnlyList<byte[]> ids, CancellationToken cancellation) =>
        CallAsync(() => shared.Keys.FindAsync(scope, ids, default));

    Task<IReadOnlyList<StoredKey>> IKeyStore.AddAsync(string scope, IReadOnlyList<StoredKey> keys, CancellationToken cancellation) =>
        CallAsync(() => shared.Keys.AddAsync(scope, keys, default));

    Task IKeyStore.DestroyAsync(IReadOnlyList<KeyRange> keys, long at, CancellationToken cancellation) => CallAsync(async () =>
    {
        await shared.Keys.DestroyAsync(keys, at, default);
        return true;
    });

    Task<bool> ISnapshotStore.WriteAsync(
        string stream, long sequence, int format, IReadOnlyList<ReadOnlyMemory<byte>> parts, CancellationToken cancellation) =>
        CallAsync(() => shared.Snapshots.WriteAsync(stream, sequence, format, parts, default));

    Task<StoredSnapshot?> ISnapshotStore.ReadAsync(string stream, CancellationToken cancellation) => CallAsync(async () =>
        await shared.Snapshots.ReadAsync(stream, default) is { } snapshot && world.Chance(0.1) ? Damaged(snapshot) : await shared.Snapshots.ReadAsync(stream, default));

    Task ISnapshotStore.DeleteAsync(string stream, CancellationToken cancellation) => CallAsync(async () =>
    {
        await shared.Snapshots.DeleteAsync(stream, default);
        return true;
    });

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;

    private StoredSnapshot Damaged(StoredSnapshot snapshot)
    {
        shared.SnapshotsDamaged++;
        byte[][] parts = [.. snapshot.Parts.Select(part => part.ToArray())];
        var part = parts[world.Random.Next(parts.Length)];
        part[world.Random.Next(part.Length)] ^= (byte)(1 << world.Random.Next(8));
        return snapshot with { Parts = [.. parts.Select(bytes => (ReadOnlyMemory<byte>)bytes)] };
    }

    private Task<T> CallAsync<T>(Func<Task<T>> atStore)
    {
        var answer = new TaskCompletionSource<T>();
        if (world.Chance(shared.LossShare))
        {
            FailLater(answer);
            return answer.Task;
        }
        world.After(world.Delay(), () =>
        {
            // The stores in memory answer at once: what happens there is one step.
            var done = atStore();
            if (world.Chance(shared.LossShare))
                FailLater(answer);
            else
                world.After(world.Delay(), () => process.Answer(() => Complete(answer, done)));
        });
        return answer.Task;
    }

    private void FailLater<T>(TaskCompletionSource<T> answer) => world.After(Patience, () => process.Answer(
        () => answer.SetException(new JournalUnavailableException("The store did not answer in time."))));

    private static void Complete<T>(TaskCompletionSource<T> answer, Task<T> done)
    {
        if (!done.IsCompleted)
            throw new InvalidOperationException("A store in memory made somebody wait.");
        if (done.IsFaulted)
            answer.SetException(done.Exception!.InnerException!);
        else
            answer.SetResult(done.Result);
    }
}

/// <summary>What outlives every process of a simulated cluster.</summary>
internal sealed class SharedStores : IAsyncDisposable
{
    public MemoryJournal Journal { get; } = new();

    public MemoryKeyStore Keys { get; } = new();

    public MemorySnapshotStore Snapshots { get; } = new();

    public KeyWrap Wrap { get; } = new(new byte[32]);

    /// <summary>How many requests get lost, and how many answers; none once the run is to come to rest.</summary>
    public double LossShare { get; set; } = 0.01;

    public int SnapshotsDamaged { get; set; }

    public EvidenceStore Evidence(VirtualStores reached) => new(reached, reached, reached, Wrap);

    public EvidenceStore Evidence() => new(Journal, Keys, Snapshots, Wrap);

    /// <summary>Where a stream ends now, for who sees everything.</summary>
    public long NextSequence(string stream) =>
        Journal.ReadHeadsAsync(default).GetAwaiter().GetResult().TryGetValue(stream, out var head) ? head.NextSequence : 0;

    public static async Task<List<T>> ToListAsync<T>(IAsyncEnumerable<T> items)
    {
        var list = new List<T>();
        await foreach (var item in items)
            list.Add(item);
        return list;
    }

    public async ValueTask DisposeAsync()
    {
        await Journal.DisposeAsync();
        await Keys.DisposeAsync();
        await Snapshots.DisposeAsync();
        Wrap.Dispose();
    }
}
