using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Append-only batches of evidence in streams: the only truth. What it acknowledged survives a killed process.</summary>
public interface IJournal : IAsyncDisposable
{
    /// <summary>Appends one batch. Returns when it is durable. Does not keep the buffer after it has returned.</summary>
    /// <param name="sequence">The batch's place in its stream, from 0 without gaps; it is how a stale writer is found out.</param>
    /// <returns>The batch's position among all batches, which only grows.</returns>
    /// <exception cref="StaleWriterException">The stream does not end just before <paramref name="sequence"/>. Nothing was written.</exception>
    /// <exception cref="JournalUnavailableException">The batch may or may not be durable. Append it again with the same
    /// sequence: if it was, the writer learns so by <see cref="StaleWriterException"/>.</exception>
    /// <exception cref="OperationCanceledException">Nothing was written.</exception>
    /// <remarks>
    /// Cancelling works while the append waits for room. From then on its answer is awaited whatever happens, so that a
    /// caller always knows, and its buffer is never read after it has returned.
    /// </remarks>
    ValueTask<long> AppendAsync(string stream, long sequence, ReadOnlyMemory<byte> batch, CancellationToken cancellation);

    /// <summary>The batches of a stream in their order, at least as far as it reaches when the reading begins.</summary>
    /// <exception cref="JournalDamagedException">A batch is not what was written, or is gone. Those before it were given.</exception>
    IAsyncEnumerable<JournalBatch> ReadStreamAsync(string stream, long fromSequence, CancellationToken cancellation);

    /// <summary>The batches of all streams by position, for readers that follow the journal.</summary>
    /// <exception cref="JournalDamagedException">A batch is not what was written, or is gone. Those before it were given.</exception>
    IAsyncEnumerable<JournalBatch> ReadAllAsync(long afterPosition, CancellationToken cancellation);
}

/// <summary>One batch as it was appended.</summary>
public sealed record JournalBatch(long Position, string Stream, long Sequence, ReadOnlyMemory<byte> Bytes);

/// <summary>Another writer has the stream; this one knows less than the journal and must step down.</summary>
public sealed class StaleWriterException(string stream, long sequence)
    : Exception($"Stream {stream} does not end just before {sequence}: another writer has it.");

/// <summary>The append may not be durable. The journal may work again at the next attempt.</summary>
public sealed class JournalUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A batch differs from what was written.</summary>
public sealed class JournalDamagedException(string stream, long sequence, string what)
    : Exception($"Batch {sequence} of stream {stream} is damaged: {what}.");

/// <summary>How streams are named.</summary>
public static class JournalStreams
{
    /// <summary>The changes of area risks.</summary>
    public const string Areas = "areas";

    /// <summary>The life of the plan's editions: approved, withdrawn.</summary>
    public const string Plans = "plans";

    /// <summary>The stream of one partition of people.</summary>
    public static string Of(int partition) => $"people/{partition:D4}";

    public static string Of(PersonId person, int partitions) => Of(person.PartitionOf(partitions));
}
