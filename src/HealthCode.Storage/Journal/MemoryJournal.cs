using System.Runtime.CompilerServices;

namespace HealthCode.Storage;

/// <summary>A journal that lasts as long as its process: for tests and simulations, with the same promises until then.</summary>
public sealed class MemoryJournal : IJournal
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, List<JournalBatch>> streams = [];
    private bool closed;

    public ValueTask AppendAsync(string stream, long sequence, IReadOnlyList<NewBatch> batches, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfZero(batches?.Count ?? 0, nameof(batches));
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
        {
            if (closed)
                throw new JournalUnavailableException("The journal is closed.");
            var known = streams.GetValueOrDefault(stream);
            if ((known?.Count ?? 0) != sequence)
                throw new StaleWriterException(stream, sequence);
            if (known is null)
                streams.Add(stream, known = []);
            foreach (var batch in batches!)
                known.Add(Link(stream, known, batch));
        }
        return ValueTask.CompletedTask;
    }

    public async IAsyncEnumerable<JournalBatch> ReadStreamAsync(
        string stream, long fromSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        JournalBatch[] found;
        lock (gate)
            found = streams.TryGetValue(stream, out var known) ? [.. known.Skip((int)Math.Clamp(fromSequence, 0, int.MaxValue))] : [];
        foreach (var batch in found)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return batch;
        }
        await Task.CompletedTask;
    }

    public Task<IReadOnlyDictionary<string, JournalHead>> ReadHeadsAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
            return Task.FromResult<IReadOnlyDictionary<string, JournalHead>>(
                streams.ToDictionary(stream => stream.Key, stream => new JournalHead(stream.Value.Count, stream.Value[^1].Chain)));
    }

    public Task<long> EraseAsync(Segment segment, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(segment, Segment.Permanent);
        cancellation.ThrowIfCancellationRequested();
        var erased = 0L;
        lock (gate)
        {
            foreach (var batches in streams.Values)
            {
                for (var index = 0; index < batches.Count; index++)
                {
                    if (batches[index].Segment != segment || batches[index].IsErased)
                        continue;
                    batches[index] = batches[index] with { Bytes = default, IsErased = true };
                    erased++;
                }
            }
        }
        return Task.FromResult(erased);
    }

    public ValueTask DisposeAsync()
    {
        lock (gate)
            closed = true;
        return ValueTask.CompletedTask;
    }

    private static JournalBatch Link(string stream, List<JournalBatch> before, NewBatch batch)
    {
        var checksum = batch.Checksum;
        var chain = before.Count == 0 ? JournalChain.Start : before[^1].Chain;
        return new JournalBatch(stream, before.Count, batch.Segment, batch.Bytes.ToArray(), batch.ErasedChecksum is not null)
        {
            Checksum = checksum, Chain = chain.Next(stream, before.Count, batch.Segment, checksum),
        };
    }
}
