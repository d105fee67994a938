using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Append-only batches of evidence in streams: the only truth. What it acknowledged survives a killed process.</summary>
public interface IJournal : IAsyncDisposable
{
    /// <summary>
    /// Appends batches with the sequences <paramref name="sequence"/>, <paramref name="sequence"/> + 1, … of a stream, all
    /// of them or none. Returns when they are durable. Does not keep the buffers after it has returned.
    /// </summary>
    /// <param name="sequence">The first batch's place in its stream, from 0 without gaps; it is how a stale writer is found out.</param>
    /// <param name="batches">At least one.</param>
    /// <exception cref="StaleWriterException">The stream does not end just before <paramref name="sequence"/>. Nothing was written.</exception>
    /// <exception cref="JournalUnavailableException">The batches may or may not be durable. Append them again with the same
    /// sequence: if they were, the writer learns so by <see cref="StaleWriterException"/>.</exception>
    /// <exception cref="OperationCanceledException">Nothing was written.</exception>
    /// <remarks>
    /// Cancelling works while the append waits for room. From then on its answer is awaited whatever happens, so that a
    /// caller always knows, and its buffers are never read after it has returned.
    /// </remarks>
    ValueTask AppendAsync(string stream, long sequence, IReadOnlyList<NewBatch> batches, CancellationToken cancellation);

    /// <summary>The batches of a stream in their order, at least as far as it reaches when the reading begins.</summary>
    /// <exception cref="JournalDamagedException">A batch is not what was written, or is gone. Those before it were given.</exception>
    /// <exception cref="JournalUnavailableException">The store does not answer.</exception>
    IAsyncEnumerable<JournalBatch> ReadStreamAsync(string stream, long fromSequence, CancellationToken cancellation);

    /// <summary>Where each stream ends. Streams that nothing was ever appended to are not in it.</summary>
    /// <exception cref="JournalDamagedException">The store itself is, so that the streams cannot be told.</exception>
    /// <exception cref="JournalUnavailableException">The store does not answer.</exception>
    Task<IReadOnlyDictionary<string, JournalHead>> ReadHeadsAsync(CancellationToken cancellation);

    /// <summary>
    /// Erases the bytes of all batches of a segment whose time is over. Their rows stay, with checksums and chain, so that
    /// what stands after them can still be verified.
    /// </summary>
    /// <returns>How many batches were erased now; those that were erased before do not count.</returns>
    /// <exception cref="ArgumentException">The segment is permanent.</exception>
    /// <exception cref="JournalUnavailableException">Some may be erased and others not: call it again.</exception>
    Task<long> EraseAsync(Segment segment, CancellationToken cancellation);
}

/// <summary>One batch to append: opaque bytes, and the segment that decides how long they are kept.</summary>
public readonly record struct NewBatch(Segment Segment, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>For a restore, of a batch that was erased before it: the checksum of the bytes that are no more. Null for all others.</summary>
    internal long? ErasedChecksum { get; init; }

    internal long Checksum => ErasedChecksum ?? JournalChain.ChecksumOf(Bytes.Span);
}

/// <summary>One batch as it was appended; without its bytes when its segment was erased since.</summary>
public sealed record JournalBatch(string Stream, long Sequence, Segment Segment, ReadOnlyMemory<byte> Bytes, bool IsErased = false)
{
    /// <summary>Of the bytes as they were appended, also when they are erased. See <see cref="JournalChain.ChecksumOf"/>.</summary>
    public long Checksum { get; init; }

    /// <summary>The stream's chain up to and with this batch.</summary>
    public JournalChain Chain { get; init; }
}

/// <summary>Where a stream ends: the sequence that its next batch must have, and the chain over all before it.</summary>
public readonly record struct JournalHead(long NextSequence, JournalChain Chain);

public static class JournalExtensions
{
    /// <summary>Appends one batch that is kept for ever; for streams about no person.</summary>
    public static ValueTask AppendAsync(
        this IJournal journal, string stream, long sequence, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(journal);
        return journal.AppendAsync(stream, sequence, [new NewBatch(Segment.Permanent, bytes)], cancellation);
    }
}

/// <summary>Another writer has the stream; this one knows less than the journal and must step down.</summary>
public sealed class StaleWriterException(string stream, long sequence)
    : Exception($"Stream {stream} does not end just before {sequence}: another writer has it.");

/// <summary>The append may not be durable. The journal may work again at the next attempt.</summary>
public sealed class JournalUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A batch differs from what was written.</summary>
public sealed class JournalDamagedException(string stream, long sequence, string what)
    : Exception($"Batch {sequence} of stream {stream} is damaged: {what}.")
{
    public string Stream { get; } = stream;

    public long Sequence { get; } = sequence;

    /// <summary>The damage without its place.</summary>
    public string What { get; } = what;

    /// <summary>Where the stream can be read again behind the damage; null when nothing stands there.</summary>
    public long? ReadableFrom { get; init; }
}

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
