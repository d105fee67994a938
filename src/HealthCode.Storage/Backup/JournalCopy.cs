using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace HealthCode.Storage;

/// <summary>The journal's rows in a backup: a file for each stream, which only grows.</summary>
/// <remarks>
/// A row is what the store has of it, little-endian; the chain ties it to those before it, so that a gap, a flipped bit or a
/// moved row is found as it is in the journal itself:
///
/// <code>
///   0 sequence 8   8 segment 4   12 checksum 8   20 chain 16   36 length 4 (-1: erased)   40 bytes
/// </code>
///
/// The manifest says how much of a file belongs to the backup. What a cut off one left behind that is overwritten by the next.
/// </remarks>
internal static class JournalCopy
{
    private const int HeadSize = 40, Erased = -1;

    /// <summary>Adds what a stream has since a backup.</summary>
    /// <param name="to">Where the stream ends in the backup that is being made.</param>
    /// <param name="since">Where it ended in the one before.</param>
    /// <exception cref="InvalidDataException">The stream is not the one that was copied before.</exception>
    /// <exception cref="JournalDamagedException">The journal is damaged: nothing of this goes into a backup.</exception>
    public static async Task<BackupStream> AppendAsync(
        IJournal journal, string stream, JournalHead to, BackupStream? since, string folder, Action<JournalBatch> copied, CancellationToken cancellation)
    {
        var (next, chain) = since?.Head ?? default;
        if (to.NextSequence < next || (to.NextSequence == next && to.Chain != chain))
            throw NotTheSame(stream, next);
        if (to.NextSequence == next)
            return since!;
        var file = Open(PathOf(folder, stream), since?.Length ?? 0);
        await using var _ = file.ConfigureAwait(false);
        await foreach (var batch in journal.ReadStreamAsync(stream, next, cancellation).ConfigureAwait(false))
        {
            chain = chain.Next(stream, batch.Sequence, batch.Segment, batch.Checksum);
            if (batch.Sequence != next || batch.Chain != chain)
                throw NotTheSame(stream, next);
            Write(file, batch);
            copied(batch);
            if (++next == to.NextSequence)
                break;
        }
        if (next != to.NextSequence)
            throw new JournalDamagedException(stream, next, JournalRows.Missing(next, to.NextSequence));
        file.Flush(flushToDisk: true);
        return new BackupStream(next, $"{chain}", file.Length);
    }

    /// <summary>The rows of a stream in a backup, in their order, each checked.</summary>
    /// <exception cref="JournalDamagedException">A row is not what was written, or is gone. Those before it were given.</exception>
    public static async IAsyncEnumerable<JournalBatch> ReadAsync(
        string folder, string stream, BackupStream noted, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var rows = new JournalRows(stream, 0, JournalChain.Start);
        var path = PathOf(folder, stream);
        if (!File.Exists(path))
            throw rows.Unreadable($"its file {path} is missing");
        var file = File.OpenRead(path);
        await using var _ = file.ConfigureAwait(false);
        var (next, head) = (0L, new byte[HeadSize]);
        for (; next < noted.NextSequence; next++)
        {
            cancellation.ThrowIfCancellationRequested();
            var batch = rows.Check(ReadRow(file, head, rows));
            if (next + 1 == noted.NextSequence && batch.Chain != noted.Head.Chain)
                throw rows.Unreadable("the stream up to here is not the one that the manifest notes");
            yield return batch;
        }
        if (file.Position != noted.Length)
            throw rows.Unreadable("its rows do not end where the manifest says");
    }

    private static JournalRow ReadRow(FileStream file, byte[] head, JournalRows rows)
    {
        var rest = file.Length - file.Position - HeadSize;
        if (rest < 0)
            throw rows.Unreadable("its file ends before it");
        file.ReadExactly(head);
        var length = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(36));
        if (length < Erased || length > rest)
            throw rows.Unreadable("its length does not fit its file");
        var bytes = length == Erased ? null : new byte[length];
        if (bytes is not null)
            file.ReadExactly(bytes);
        return new JournalRow(
            BinaryPrimitives.ReadInt64LittleEndian(head), BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(8)), bytes,
            BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(12)), head[20..36]);
    }

    private static void Write(FileStream file, JournalBatch batch)
    {
        Span<byte> head = stackalloc byte[HeadSize];
        BinaryPrimitives.WriteInt64LittleEndian(head, batch.Sequence);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], batch.Segment.Value);
        BinaryPrimitives.WriteInt64LittleEndian(head[12..], batch.Checksum);
        batch.Chain.ToBytes().CopyTo(head[20..]);
        BinaryPrimitives.WriteInt32LittleEndian(head[36..], batch.IsErased ? Erased : batch.Bytes.Length);
        file.Write(head);
        file.Write(batch.Bytes.Span);
    }

    private static FileStream Open(string path, long length)
    {
        OwnerOnly.CreateFile(path);
        var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, 1 << 16);
        if (file.Length < length)
        {
            file.Dispose();
            throw new InvalidDataException($"{path} is shorter than its backup says: back up to another folder.");
        }
        file.SetLength(length);
        file.Position = length;
        return file;
    }

    private static string PathOf(string folder, string stream) => Path.Combine(folder, Uri.EscapeDataString(stream));

    private static InvalidDataException NotTheSame(string stream, long sequence) => new(
        $"Stream {stream} is not the one that was backed up here before: it differs before batch {sequence}. Back up to another folder.");
}
