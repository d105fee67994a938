using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HealthCode.Domain;

/// <summary>What a decision reads of one person, as a block of words.</summary>
/// <remarks>
/// <code>
///   word 0      bits 0-14 the kinds among the entries, from kind 1 on; bit 15 wide; bits 16-31 how many entries
///   word 1      bits 0-20 last day with a report; bits 21-31 how many negative tests
///   word 2-3    which of the 64 days were normal
///   word 4-5    only if wide: how many entries, how many negative tests; the counts above are 0 then
///   …           one word for each negative test, five for each entry
/// </code>
/// 16 bytes, 4 a test and 20 an entry. The last day of all minutes, in the year 6103, fits.
/// </remarks>
internal static class FactsBlock
{
    public const int HeadWords = 4;
    public const int EntryWords = 5;
    private const int WideHeadWords = 6;
    private const int Wide = 1 << 15;
    private const int EntriesMax = ushort.MaxValue;
    private const int TestsMax = (1 << (32 - DayBits)) - 1;
    private const int DayBits = 21;
    private const int DayMask = (1 << DayBits) - 1;

    /// <exception cref="OverflowException">No array is so long.</exception>
    public static int WordsFor(int entries, int tests) => checked(HeadWordsFor(entries, tests) + tests + (entries * EntryWords));

    private static int HeadWordsFor(int entries, int tests) => entries <= EntriesMax && tests <= TestsMax ? HeadWords : WideHeadWords;

    /// <summary>How long the block is that begins here. A damaged one may say anything: more than an array holds, or less than its head.</summary>
    public static long LengthOf(ReadOnlySpan<int> block)
    {
        var (entries, tests) = CountsOf(block);
        return (IsWide(block) ? WideHeadWords : HeadWords) + (long)tests + ((long)entries * EntryWords);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RecordFacts Read(ReadOnlySpan<int> block)
    {
        var (head, entries, tests) = (HeadWords, (int)((uint)block[0] >> 16), block[1] >>> DayBits);
        if (IsWide(block))
            (head, entries, tests) = (WideHeadWords, block[4], block[5]);
        return new RecordFacts(
            MemoryMarshal.Cast<int, RecordEntry>(block.Slice(head + tests, entries * EntryWords)),
            MemoryMarshal.Cast<int, Minute>(block.Slice(head, tests)), ReportsOf(block), ((uint)block[0] & (Wide - 1)) << 1);
    }

    /// <param name="block">As long as <see cref="WordsFor"/> says.</param>
    public static void Write(Span<int> block, in RecordFacts facts)
    {
        var (entries, tests) = (facts.Entries.Length, facts.NegativeTests.Length);
        var head = HeadWordsFor(entries, tests);
        var isWide = head == WideHeadWords;
        block[0] = (int)(facts.Kinds >> 1) | (isWide ? Wide : entries << 16);
        block[1] = isWide ? 0 : tests << DayBits;
        if (isWide)
            (block[4], block[5]) = (entries, tests);
        WriteReports(block, facts.Reports);
        MemoryMarshal.Cast<Minute, int>(facts.NegativeTests).CopyTo(block[head..]);
        MemoryMarshal.Cast<RecordEntry, int>(facts.Entries).CopyTo(block[(head + tests)..]);
    }

    public static ReportDays ReportsOf(ReadOnlySpan<int> block) =>
        new(new Day(block[1] & DayMask), (uint)block[2] | ((ulong)(uint)block[3] << 32));

    public static void WriteReports(Span<int> block, ReportDays reports)
    {
        block[1] = (block[1] & ~DayMask) | reports.Last.Value;
        (block[2], block[3]) = ((int)(uint)reports.Normal, (int)(uint)(reports.Normal >> 32));
    }

    private static bool IsWide(ReadOnlySpan<int> block) => (block[0] & Wide) != 0;

    private static (int Entries, int Tests) CountsOf(ReadOnlySpan<int> block) =>
        IsWide(block) ? (block[4], block[5]) : ((int)((uint)block[0] >> 16), block[1] >>> DayBits);

    /// <summary>Whether bytes that came from outside are such a block, and nothing in it can lead a reader astray.</summary>
    public static bool IsSound(ReadOnlySpan<int> block)
    {
        if (block.Length < HeadWords || (IsWide(block) && block.Length < WideHeadWords))
            return false;
        var (entries, tests) = CountsOf(block);
        if (entries < 0 || tests < 0 || LengthOf(block) != block.Length)
            return false;
        var facts = Read(block);
        var kinds = 0u;
        foreach (ref readonly var entry in facts.Entries)
        {
            if (entry.Kind is < EvidenceKind.Declaration or > EvidenceKind.Pass)
                return false;
            kinds |= RecordEntry.Bit(entry.Kind);
        }
        return kinds == facts.Kinds;
    }
}

/// <summary>What is known of each fact of a person beyond what a decision reads, as a block of words.</summary>
/// <remarks>
/// <code>
///   word 0      how many facts, n
///   word 1      for how many there is room, c: a multiple of four
///   word 2      how many targets, t
///   word 3      how many entries are set aside, a
///   word 4      bytes of kept evidence, b
///   …           8 bytes × c  ids, by moment and then by id, as all columns
///               4 bytes × c  sequences: in which batch of the journal the fact stands
///               4 bytes × c  minutes: when it happened
///               1 byte  × c  marks: what it is
///               8 bytes × t  what a correction corrects and an answer answers, for each of those in turn
///              20 bytes × a  the entries of facts that are withdrawn, and would be in the other block if they were not
///                       b    evidence for each mark that says so: two bytes its length, then itself; filled up to a word
/// </code>
/// 17 bytes a fact, and 20 for the person.
/// </remarks>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly ref struct HistoryBlock(Span<int> words)
{
    private const int HeadWords = 5;

    /// <summary>An id, a sequence and a minute; a quarter of a word more is the mark.</summary>
    private const int FactWords = 4;

    private readonly Span<int> words = words;

    public bool IsNone => words.IsEmpty;

    public int Count => words[0];

    public int Capacity => words[1];

    public int TargetCount => words[2];

    public int AsideCount => words[3];

    public int KeptBytes => words[4];

    public Span<ulong> Ids => MemoryMarshal.Cast<int, ulong>(words.Slice(HeadWords, 2 * Capacity));

    public Span<uint> Sequences => MemoryMarshal.Cast<int, uint>(words.Slice(HeadWords + (2 * Capacity), Capacity));

    public Span<int> Minutes => words.Slice(HeadWords + (3 * Capacity), Capacity);

    public Span<byte> Marks => MemoryMarshal.AsBytes(words.Slice(HeadWords + (4 * Capacity), Capacity / 4));

    private int TargetsAt => HeadWords + (FactWords * Capacity) + (Capacity / 4);

    public Span<ulong> Targets => MemoryMarshal.Cast<int, ulong>(words.Slice(TargetsAt, 2 * TargetCount));

    public Span<RecordEntry> Aside =>
        MemoryMarshal.Cast<int, RecordEntry>(words.Slice(TargetsAt + (2 * TargetCount), AsideCount * FactsBlock.EntryWords));

    public Span<byte> Kept =>
        MemoryMarshal.AsBytes(words[(TargetsAt + (2 * TargetCount) + (AsideCount * FactsBlock.EntryWords))..])[..KeptBytes];

    /// <summary>How long the block is; see <see cref="FactsBlock.LengthOf"/>.</summary>
    public long Length => LengthFor(Capacity, TargetCount, AsideCount, KeptBytes);

    /// <summary>The same without the room that nothing needs.</summary>
    public int TrimmedLength => WordsFor(CapacityFor(Count), TargetCount, AsideCount, KeptBytes);

    private static long LengthFor(long capacity, long targets, long aside, long keptBytes) =>
        HeadWords + (FactWords * capacity) + (capacity / 4) + (2 * targets) + (aside * FactsBlock.EntryWords) + ((keptBytes + 3) / 4);

    /// <exception cref="OverflowException">No array is so long.</exception>
    public static int WordsFor(int capacity, int targets, int aside, long keptBytes) => checked((int)LengthFor(capacity, targets, aside, keptBytes));

    /// <summary>Begins a block; the columns, and what is behind them, are the caller's to write.</summary>
    public static HistoryBlock Begin(Span<int> words, int count, int capacity, int targets, int aside, int keptBytes)
    {
        (words[0], words[1], words[2], words[3], words[4]) = (count, capacity, targets, aside, keptBytes);
        var block = new HistoryBlock(words);
        // What nobody wrote must not reach a snapshot.
        block.Ids[count..].Clear();
        block.Sequences[count..].Clear();
        block.Minutes[count..].Clear();
        block.Marks[count..].Clear();
        if (keptBytes % 4 != 0)
            words[(int)block.Length - 1] = 0;
        return block;
    }

    /// <summary>The room that so many facts need, and not a fact more.</summary>
    public static int CapacityFor(int count) => checked(count + 3) & ~3;

    /// <summary>Some room for facts to come: an eighth more, and never none.</summary>
    public static int CapacityToGrowTo(int count) => CapacityFor(checked(count + (count / 8) + 1));

    /// <summary>Where a fact of this moment and id stands or would stand.</summary>
    public int IndexFor(int minute, ulong id)
    {
        var minutes = Minutes;
        var index = Count;
        while (index > 0 && (minutes[index - 1] > minute || (minutes[index - 1] == minute && Ids[index - 1] > id)))
            index--;
        return index;
    }

    /// <summary>Whether a correction that is already here withdraws it.</summary>
    public bool IsCorrected(ulong id)
    {
        if (TargetCount == 0)
            return false;
        var marks = Marks;
        var target = 0;
        for (var index = 0; index < Count; index++)
        {
            if (RecordMark.HasTarget(marks[index]) && Targets[target++] == id && RecordMark.KindOf(marks[index]) == EvidenceKind.Correction)
                return true;
        }
        return false;
    }

    /// <summary>Adds a fact that has nothing but its columns, where there is room.</summary>
    public void Insert(int index, ulong id, uint sequence, int minute, byte mark)
    {
        var count = Count;
        Open(Ids, index, count) = id;
        Open(Sequences, index, count) = sequence;
        Open(Minutes, index, count) = minute;
        Open(Marks, index, count) = mark;
        words[0] = count + 1;
    }

    private static ref T Open<T>(Span<T> column, int index, int count)
    {
        if (index < count)
            column[index..count].CopyTo(column[(index + 1)..]);
        return ref column[index];
    }

    /// <param name="to">As long as <see cref="TrimmedLength"/> says.</param>
    public void TrimTo(Span<int> to)
    {
        if (Capacity == CapacityFor(Count))
            words[..to.Length].CopyTo(to);
        else
            CopyTo(Begin(to, Count, CapacityFor(Count), TargetCount, AsideCount, KeptBytes));
    }

    /// <summary>Copies all of it to a block that differs in its capacity only.</summary>
    public void CopyTo(HistoryBlock larger)
    {
        var count = Count;
        Ids[..count].CopyTo(larger.Ids);
        Sequences[..count].CopyTo(larger.Sequences);
        Minutes[..count].CopyTo(larger.Minutes);
        Marks[..count].CopyTo(larger.Marks);
        Targets.CopyTo(larger.Targets);
        Aside.CopyTo(larger.Aside);
        Kept.CopyTo(larger.Kept);
    }

    /// <summary>The kept evidence of a fact; empty when none is kept.</summary>
    public ReadOnlySpan<byte> KeptOf(int index)
    {
        var marks = Marks;
        var at = 0;
        if (!RecordMark.IsKept(marks[index]))
            return default;
        for (var before = 0; before < index; before++)
        {
            if (RecordMark.IsKept(marks[before]))
                at += sizeof(ushort) + LengthAt(at);
        }
        return Kept.Slice(at + sizeof(ushort), LengthAt(at));
    }

    private int LengthAt(int at) => MemoryMarshal.Read<ushort>(Kept[at..]);

    /// <summary>Which fact is behind an entry of the other block.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such entry.</exception>
    public int FactBehind(int entry)
    {
        var marks = Marks;
        var left = entry;
        for (var index = 0; index < Count; index++)
        {
            if (RecordMark.IsWithdrawn(marks[index]))
                continue;
            left -= RecordMark.EntriesOf(marks[index]);
            if (left < 0)
                return index;
        }
        throw new ArgumentOutOfRangeException(nameof(entry), entry, "The record has no such entry.");
    }

    /// <summary>Which fact is the last test that stands, of any result; -1 when there is none.</summary>
    public int LastTest()
    {
        var marks = Marks;
        var index = Count - 1;
        while (index >= 0 && (RecordMark.KindOf(marks[index]) != EvidenceKind.Test || RecordMark.IsWithdrawn(marks[index])))
            index--;
        return index;
    }

    /// <summary>Whether bytes that came from outside are such a block, and belong to that record.</summary>
    public static bool IsSound(Span<int> words, in RecordFacts facts)
    {
        if (words.Length < HeadWords)
            return false;
        var block = new HistoryBlock(words);
        var (count, capacity) = (block.Count, block.Capacity);
        return count > 0 && capacity >= count && capacity % 4 == 0 && block.TargetCount >= 0 && block.AsideCount >= 0 && block.KeptBytes >= 0
            && block.Length == words.Length && block.IsCoherent(facts);
    }

    private bool IsCoherent(in RecordFacts facts)
    {
        var (targets, aside, entries, tests, kept, keptLength) = (0, 0, 0, 0, 0L, Kept.Length);
        foreach (var mark in Marks[..Count])
        {
            if (RecordMark.KindOf(mark) == 0)
                return false;
            targets += RecordMark.HasTarget(mark) ? 1 : 0;
            if (RecordMark.IsWithdrawn(mark))
                aside += RecordMark.EntriesOf(mark);
            else
            {
                entries += RecordMark.EntriesOf(mark);
                tests += RecordMark.IsNegativeTest(mark) ? 1 : 0;
            }
            if (RecordMark.IsKept(mark))
            {
                if (kept + sizeof(ushort) > keptLength)
                    return false;
                kept += sizeof(ushort) + LengthAt((int)kept);
            }
        }
        return (targets, aside, entries, tests, kept) == (TargetCount, AsideCount, facts.Entries.Length, facts.NegativeTests.Length, keptLength);
    }
}

/// <summary>What a fact is, in one byte: all that is needed to derive a record again from the facts that are left.</summary>
/// <remarks>
/// <code>
///   bits 0-3   EvidenceKind
///   bit 4      plain: a report that is normal under every edition, or a negative test; it makes no entry
///   bit 5      an answer's: the person was there
///   bit 6      withdrawn by a correction
///   bit 7      its evidence is kept
/// </code>
/// </remarks>
internal static class RecordMark
{
    private const byte Kind = 0x0f, Plain = 0x10, WasThere = 0x20, Withdrawn = 0x40, Kept = 0x80;

    private const uint WithTarget = (1u << (int)EvidenceKind.Correction) | (1u << (int)EvidenceKind.Answer);
    private const uint WithoutEntry = WithTarget | (1u << (int)EvidenceKind.Visit);

    public static byte Of(Evidence evidence) => (byte)((int)evidence.Kind | evidence switch
    {
        Declaration declaration when RecordEntry.IsNormalUnderEveryEdition(declaration) => Plain,
        Test { Result: TestResult.Negative } => Plain,
        Answer { WasThere: true } => WasThere,
        _ => 0,
    });

    public static EvidenceKind KindOf(byte mark) => (EvidenceKind)(mark & Kind);

    public static bool IsPlain(byte mark) => (mark & Plain) != 0;

    public static bool IsNegativeTest(byte mark) => (mark & (Kind | Plain)) == ((int)EvidenceKind.Test | Plain);

    public static bool SaysWasThere(byte mark) => (mark & WasThere) != 0;

    public static bool IsWithdrawn(byte mark) => (mark & Withdrawn) != 0;

    public static bool IsKept(byte mark) => (mark & Kept) != 0;

    public static byte With(byte mark, bool withdrawn, bool kept) =>
        (byte)((mark & ~(Withdrawn | Kept)) | (withdrawn ? Withdrawn : 0) | (kept ? Kept : 0));

    public static bool HasTarget(byte mark) => (WithTarget & (1u << (mark & Kind))) != 0;

    /// <summary>How many entries such a fact makes while it stands.</summary>
    public static int EntriesOf(byte mark) =>
        IsPlain(mark) || (WithoutEntry & (1u << (mark & Kind))) != 0 ? 0 : KindOf(mark) == EvidenceKind.Journey ? 2 : 1;
}
