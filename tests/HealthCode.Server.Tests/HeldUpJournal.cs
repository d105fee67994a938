using System.Runtime.CompilerServices;
using HealthCode.Storage;

namespace HealthCode.Server.Tests;

/// <summary>A journal whose disk answers when the test says so.</summary>
internal sealed class HeldUpJournal(IJournal journal, Func<Task> disk, Func<string, Task>? reading = null) : IJournal
{
    public async ValueTask AppendAsync(string stream, long sequence, IReadOnlyList<NewBatch> batches, CancellationToken cancellation)
    {
        await disk();
        await journal.AppendAsync(stream, sequence, batches, cancellation);
    }

    public async IAsyncEnumerable<JournalBatch> ReadStreamAsync(
        string stream, long fromSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (reading is not null)
            await reading(stream);
        await foreach (var batch in journal.ReadStreamAsync(stream, fromSequence, cancellation))
            yield return batch;
    }

    public Task<IReadOnlyDictionary<string, JournalHead>> ReadHeadsAsync(CancellationToken cancellation) => journal.ReadHeadsAsync(cancellation);

    public Task<long> EraseAsync(Segment segment, CancellationToken cancellation) => journal.EraseAsync(segment, cancellation);

    // Its owner closes it.
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
