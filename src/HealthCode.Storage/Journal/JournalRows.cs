namespace HealthCode.Storage;

/// <summary>One row as a store holds it, before it is believed.</summary>
/// <param name="Bytes">Null when they were erased.</param>
internal readonly record struct JournalRow(long Sequence, int Segment, byte[]? Bytes, long Checksum, byte[] Chain);

/// <summary>Follows a stream's rows and notices what is not as it was written: a gap, a flipped bit, a moved or altered row.</summary>
/// <param name="before">The chain before the first row; null when the row before it is gone, and the first is taken as it is.</param>
internal sealed class JournalRows(string stream, long from, JournalChain? before)
{
    private long due = from;
    private JournalChain? chain = before;

    /// <exception cref="JournalDamagedException">The row is not the one that was written here.</exception>
    public JournalBatch Check(JournalRow row)
    {
        if (row.Sequence != due)
            throw Damaged(due, Missing(due, row.Sequence), row.Sequence);
        var segment = new Segment(row.Segment);
        if (row.Bytes is null && segment == Segment.Permanent)
            throw Damaged(due, "its bytes are gone, and it was to be kept for ever", due + 1);
        if (row.Bytes is not null && JournalChain.ChecksumOf(row.Bytes) != row.Checksum)
            throw Damaged(due, "its checksum does not fit", due + 1);
        if (row.Chain is not { Length: JournalChain.Size })
            throw Damaged(due, "its chain is none", due + 1);
        var stored = JournalChain.FromBytes(row.Chain);
        if (chain is { } last && last.Next(stream, row.Sequence, segment, row.Checksum) != stored)
            throw Damaged(due, "it does not follow from the batches before it", due + 1);
        (due, chain) = (due + 1, stored);
        return new JournalBatch(stream, row.Sequence, segment, row.Bytes, row.Bytes is null) { Checksum = row.Checksum, Chain = stored };
    }

    /// <summary>Says that the batches from one sequence up to before another are not there.</summary>
    public static string Missing(long from, long end) => end == from + 1 ? "it is missing" : $"it is missing, and all up to {end - 1}";

    /// <summary>A row that could not even be read.</summary>
    public JournalDamagedException Unreadable(string what) => Damaged(due, what, due + 1);

    private JournalDamagedException Damaged(long sequence, string what, long readableFrom) =>
        new(stream, sequence, what) { ReadableFrom = readableFrom };
}
