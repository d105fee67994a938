namespace HealthCode.Storage;

/// <summary>The state of a stream's reader at some sequence, so that a start costs what is new and not what ever was.</summary>
/// <remarks>A snapshot is worth nothing by itself: one that is gone or damaged costs a reading of the journal.</remarks>
public interface ISnapshotStore : IAsyncDisposable
{
    /// <summary>Replaces the stream's snapshot, all of it or nothing, and never one of a later sequence.</summary>
    /// <param name="sequence">The stream's batches before this one are in the snapshot.</param>
    /// <param name="format">What the parts mean, to those who wrote them.</param>
    /// <param name="parts">At most 4 MiB each. They are not kept after this has returned.</param>
    /// <returns>Whether it was written: false when there is one of a later sequence.</returns>
    /// <exception cref="ArgumentException">A part is too large.</exception>
    /// <exception cref="JournalUnavailableException">It may or may not have been written.</exception>
    Task<bool> WriteAsync(string stream, long sequence, int format, IReadOnlyList<ReadOnlyMemory<byte>> parts, CancellationToken cancellation);

    /// <returns>Null when the stream has none.</returns>
    /// <exception cref="SnapshotDamagedException">It is not what was written.</exception>
    /// <exception cref="JournalUnavailableException">The store does not answer.</exception>
    Task<StoredSnapshot?> ReadAsync(string stream, CancellationToken cancellation);

    /// <summary>Removes the stream's snapshot, if there is one.</summary>
    /// <exception cref="JournalUnavailableException">It may or may not be gone.</exception>
    Task DeleteAsync(string stream, CancellationToken cancellation);
}

/// <summary>A snapshot as it was written.</summary>
public sealed record StoredSnapshot(long Sequence, int Format, IReadOnlyList<ReadOnlyMemory<byte>> Parts)
{
    /// <summary>Bytes that a part may have at most.</summary>
    public const int PartSizeMax = 4 << 20;

    internal static void Check(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Any(part => part.Length > PartSizeMax))
            throw new ArgumentException($"A part of a snapshot has more than {PartSizeMax} bytes.", nameof(parts));
    }
}

/// <summary>A snapshot differs from what was written. The journal has what it held.</summary>
public sealed class SnapshotDamagedException(string stream, string what) : Exception($"The snapshot of stream {stream} is damaged: {what}.");
