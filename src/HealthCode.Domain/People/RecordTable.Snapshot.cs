using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace HealthCode.Domain;

// A table as bytes: whole people, one after the other, in parts of some megabytes each. What lies in memory is copied as it
// is, without the room that it has to grow and in the order of the rows, so that a place need not be stored and no two
// people can lie in each other. The index is built again.
//
//   part     0  4  48 43 52 54, "HCRT"
//            4  4  version of this layout: 1
//            8  4  which part it is, from 0
//           12  4  how many parts there are
//           16  4  how many people are in this part
//           20  …  the people
//
//   person   0 16  person, as PersonId writes itself
//           16 16  key; zeros for none
//           32  4  words of the facts, f; 0 when a decision has nothing to read
//           36  4  words of the history, h; 0 for somebody of whom a key is all there is
//           40  4f facts: FactsBlock
//            …  4h history: HistoryBlock, with room for its facts and no more
//
// All numbers are little-endian and not negative. The entry of a block is RecordEntry as it lies in memory. Somebody who
// reads older bytes finds the version changed whenever one of these three is. Damage is for the one who keeps the bytes to
// find, by a checksum; what gets past it is refused here as far as it could lead a reader astray, and no further.
public sealed partial class RecordTable
{
    /// <summary>The layout that is written. Another one is not read.</summary>
    public const int SnapshotVersion = 1;

    /// <summary>Bytes of a part at most, unless one person alone needs more.</summary>
    public const int PartBytesMax = 4 << 20;

    private const uint Magic = 0x5452_4348;
    private const int PartHeadBytes = 20;
    private const int PersonHeadBytes = 40;

    /// <summary>Writes all of it as bytes of their own, which later changes do not touch.</summary>
    /// <exception cref="InvalidOperationException">Somebody was <see cref="Add">added</see> without a history.</exception>
    public IReadOnlyList<ReadOnlyMemory<byte>> WriteParts(int partBytesMax = PartBytesMax)
    {
        ThrowIfBigEndian();
        var parts = new List<byte[]>();
        var first = 0;
        do
        {
            var (end, bytes) = (first, (long)PartHeadBytes);
            while (end < count && (bytes + BytesOf(end) <= partBytesMax || end == first))
                bytes += BytesOf(end++);
            parts.Add(WritePart(parts.Count, first, end, checked((int)bytes)));
            first = end;
        }
        while (first < count);
        foreach (var part in parts)
            BinaryPrimitives.WriteInt32LittleEndian(part.AsSpan(12), parts.Count);
        return [.. parts.Select(part => new ReadOnlyMemory<byte>(part))];
    }

    private long BytesOf(int row) => PersonHeadBytes + (sizeof(int) * ((long)FactWordsOf(row) + HistoryWordsOf(row)));

    private int FactWordsOf(int row) => factPlaces[row] == RecordSlabs.None ? 0 : (int)FactsBlock.LengthOf(factSlabs.At(factPlaces[row]));

    private int HistoryWordsOf(int row)
    {
        if (PlaceOf(historyPlaces, row) == RecordSlabs.None)
            return factPlaces[row] == RecordSlabs.None ? 0 : throw new InvalidOperationException("Somebody was added without a history.");
        return HistoryAt(row).TrimmedLength;
    }

    private byte[] WritePart(int number, int first, int end, int bytes)
    {
        var part = new byte[bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(part, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(part.AsSpan(4), SnapshotVersion);
        BinaryPrimitives.WriteInt32LittleEndian(part.AsSpan(8), number);
        BinaryPrimitives.WriteInt32LittleEndian(part.AsSpan(16), end - first);
        var to = part.AsSpan(PartHeadBytes);
        for (var row = first; row < end; row++)
            to = to[WritePerson(row, to)..];
        return part;
    }

    private int WritePerson(int row, Span<byte> to)
    {
        var (factWords, historyWords) = (FactWordsOf(row), HistoryWordsOf(row));
        people[row].WriteTo(to);
        KeyAt(row).CopyTo(to[16..]);
        BinaryPrimitives.WriteInt32LittleEndian(to[32..], factWords);
        BinaryPrimitives.WriteInt32LittleEndian(to[36..], historyWords);
        var blocks = MemoryMarshal.Cast<byte, int>(to.Slice(PersonHeadBytes, (factWords + historyWords) * sizeof(int)));
        if (factWords > 0)
            factSlabs.At(factPlaces[row])[..factWords].CopyTo(blocks);
        if (historyWords > 0)
            HistoryAt(row).TrimTo(blocks[factWords..]);
        return PersonHeadBytes + ((factWords + historyWords) * sizeof(int));
    }

    /// <summary>The table that <see cref="WriteParts"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is not that: another version, a part too few or twice, or damaged.</exception>
    public static RecordTable ReadFrom(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        ThrowIfBigEndian();
        var people = 0L;
        for (var number = 0; number < parts.Count; number++)
            people += CheckHead(parts[number].Span, number, parts.Count);
        if (parts.Count == 0 || people > int.MaxValue)
            throw Damaged("its parts are not all there");
        var table = new RecordTable((int)people);
        table.ReserveColumn(ref table.historyPlaces);
        foreach (var part in parts)
            table.ReadPart(part.Span);
        table.CheckPeople();
        return table;
    }

    private static int CheckHead(ReadOnlySpan<byte> part, int number, int of)
    {
        if (part.Length < PartHeadBytes || BinaryPrimitives.ReadUInt32LittleEndian(part) != Magic)
            throw Damaged("it is none");
        if (BinaryPrimitives.ReadInt32LittleEndian(part[4..]) is var version && version != SnapshotVersion)
            throw Damaged($"its version is {version}, and only {SnapshotVersion} is known");
        if (BinaryPrimitives.ReadInt32LittleEndian(part[8..]) != number || BinaryPrimitives.ReadInt32LittleEndian(part[12..]) != of)
            throw Damaged("its parts are not all there, or not in their order");
        var people = BinaryPrimitives.ReadInt32LittleEndian(part[16..]);
        return people >= 0 && people <= (part.Length - PartHeadBytes) / PersonHeadBytes ? people : throw Damaged("it is cut off");
    }

    private void ReadPart(ReadOnlySpan<byte> part)
    {
        var from = part[PartHeadBytes..];
        for (var left = BinaryPrimitives.ReadInt32LittleEndian(part[16..]); left > 0; left--)
            from = from[ReadPerson(from)..];
        if (!from.IsEmpty)
            throw Damaged("there is more than its people");
    }

    private int ReadPerson(ReadOnlySpan<byte> from)
    {
        if (from.Length < PersonHeadBytes)
            throw Damaged("it is cut off");
        var (factWords, historyWords) = (BinaryPrimitives.ReadInt32LittleEndian(from[32..]), BinaryPrimitives.ReadInt32LittleEndian(from[36..]));
        var length = PersonHeadBytes + (((long)factWords + historyWords) * sizeof(int));
        if (factWords < 0 || historyWords < 0 || length > from.Length)
            throw Damaged("it is cut off");
        var row = AddRow(PersonId.FromBytes(from));
        ReadKey(row, from.Slice(16, KeySize), isAll: historyWords == 0);
        var blocks = MemoryMarshal.Cast<byte, int>(from[PersonHeadBytes..(int)length]);
        if (factWords > 0)
            factPlaces[row] = Copy(factSlabs, blocks[..factWords]);
        if (historyWords > 0)
            historyPlaces[row] = Copy(historySlabs, blocks[factWords..]);
        CheckBlocks(row, factWords, historyWords);
        return (int)length;
    }

    private void ReadKey(int row, ReadOnlySpan<byte> key, bool isAll)
    {
        if (key.ContainsAnyExcept((byte)0))
        {
            if (keys.Length == 0)
                keys = new byte[people.Length * KeySize];
            key.CopyTo(keys.AsSpan(row * KeySize));
        }
        else if (isAll)
            throw Damaged("somebody has neither a fact nor a key");
    }

    private static uint Copy(RecordSlabs slabs, ReadOnlySpan<int> block)
    {
        var place = slabs.Reserve(block.Length);
        block.CopyTo(slabs.At(place));
        return place;
    }

    private void CheckBlocks(int row, int factWords, int historyWords)
    {
        if (factWords > 0 && (historyWords == 0 || !FactsBlock.IsSound(factSlabs.At(factPlaces[row])[..factWords])))
            throw Damaged("what a decision reads does not add up");
        if (historyWords == 0)
            return;
        if (!HistoryBlock.IsSound(historySlabs.At(historyPlaces[row])[..historyWords], this[row]))
            throw Damaged("a person's facts do not add up");
        FactCount += HistoryAt(row).Count;
    }

    private void CheckPeople()
    {
        index = NewIndex();
        for (var row = 0; row < count; row++)
        {
            if (RowOf(people[row]) >= 0)
                throw Damaged("somebody is in it twice");
            Place(index, row);
        }
    }

    private static InvalidDataException Damaged(string because) => new($"The snapshot cannot be read: {because}.");

    // The slabs are copied as they are. Every machine that .NET supports and anybody would run this on agrees with the layout.
    private static void ThrowIfBigEndian()
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Snapshots are little-endian.");
    }
}
