using System.Runtime.CompilerServices;

namespace HealthCode.Storage;

/// <summary>A journal that lasts as long as its process: for tests and simulations, with the same promises until then.</summary>
public sealed class MemoryJournal : IJournal
{
    private readonly Lock gate = new();
    private readonly List<JournalBatch> batches = [];
    private readonly Dictionary<string, long> next = [];
    private bool closed;

    public ValueTask<long> AppendAsync(string stream, long sequence, ReadOnlyMemory<byte> batch, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
        {
            if (closed)
                throw new JournalUnavailableException("The journal is closed.");
            if (next.GetValueOrDefault(stream) != sequence)
                throw new StaleWriterException(stream, sequence);
            next[stream] = sequence + 1;
            batches.Add(new JournalBatch(batches.Count + 1, stream, sequence, batch.ToArray()));
            return ValueTask.FromResult((long)batches.Count);
        }
    }

    public IAsyncEnumerable<JournalBatch> ReadStreamAsync(string stream, long fromSequence, CancellationToken cancellation) =>
        ReadAsync(batch => batch.Stream == stream && batch.Sequence >= fromSequence, cancellation);

    public IAsyncEnumerable<JournalBatch> ReadAllAsync(long afterPosition, CancellationToken cancellation) =>
        ReadAsync(batch => batch.Position > afterPosition, cancellation);

    public ValueTask DisposeAsync()
    {
        lock (gate)
            closed = true;
        return ValueTask.CompletedTask;
    }

    private async IAsyncEnumerable<JournalBatch> ReadAsync(
        Func<JournalBatch, bool> wanted, [EnumeratorCancellation] CancellationToken cancellation)
    {
        JournalBatch[] found;
        lock (gate)
            found = [.. batches.Where(wanted)];
        foreach (var batch in found)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return batch;
        }
        await Task.CompletedTask;
    }
}
