using System.Runtime.InteropServices;

namespace HealthCode.Domain;

/// <summary>What rules read of many people, one after the other in flat memory: for deciding a whole population at once.</summary>
/// <remarks>
/// Records are written once and not changed. One lies in a slab of four-byte words:
/// <code>
///   word 0      how many entries (low 16 bits), the kinds among them (high 16 bits)
///   word 1      how many negative tests (low 16 bits), last day with a report (high 16 bits: until 2199)
///   word 2-3    which of the 64 days were normal
///   …           one word for each negative test, five for each entry
/// </code>
/// and costs, beside that, its person's 16 bytes and the 4 of its place: 36 bytes and 4 a test and 20 an entry.
/// </remarks>
public sealed class RecordTable
{
    private const int HeadWords = 4;
    private const int EntryWords = 5;
    private const int SlabBits = 16;
    private const int SlabWords = 1 << SlabBits;

    private readonly List<int[]> slabs = [];
    private readonly List<PersonId> people;
    private readonly List<int> places;
    private int used = SlabWords;

    /// <param name="expected">How many people there will be, about.</param>
    public RecordTable(int expected = 0) => (people, places) = (new(expected), new(expected));

    public int Count => people.Count;

    /// <summary>Bytes that all of it takes, with what is reserved.</summary>
    public long Bytes => ((long)slabs.Count * SlabWords * sizeof(int)) + ((long)people.Capacity * PersonId.Size) + ((long)places.Capacity * sizeof(int));

    public PersonId PersonAt(int index) => people[index];

    /// <exception cref="InvalidOperationException">The table is full: it holds eight gigabytes of records.</exception>
    public void Add(PersonId person, RecordFacts facts)
    {
        var words = HeadWords + facts.NegativeTests.Length + (facts.Entries.Length * EntryWords);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(facts.Entries.Length, ushort.MaxValue, nameof(facts));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(facts.NegativeTests.Length, ushort.MaxValue, nameof(facts));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(words, SlabWords, nameof(facts));
        var place = Reserve(words);
        var to = slabs[^1].AsSpan((int)(place & (SlabWords - 1)), words);
        to[0] = facts.Entries.Length | (int)(facts.Kinds << 16);
        to[1] = facts.NegativeTests.Length | (facts.Reports.Last.Value << 16);
        (to[2], to[3]) = ((int)(uint)facts.Reports.Normal, (int)(uint)(facts.Reports.Normal >> 32));
        MemoryMarshal.Cast<Minute, int>(facts.NegativeTests).CopyTo(to[HeadWords..]);
        MemoryMarshal.Cast<RecordEntry, int>(facts.Entries).CopyTo(to[(HeadWords + facts.NegativeTests.Length)..]);
        people.Add(person);
        places.Add((int)(uint)place);
    }

    public RecordFacts this[int index]
    {
        get
        {
            var place = (uint)places[index];
            var words = new ReadOnlySpan<int>(slabs[(int)(place >> SlabBits)])[(int)(place & (SlabWords - 1))..];
            var (entries, kinds, tests) = (words[0] & 0xffff, (uint)words[0] >> 16, words[1] & 0xffff);
            var reports = new ReportDays(new Day(words[1] >>> 16), (uint)words[2] | ((ulong)(uint)words[3] << 32));
            return new RecordFacts(
                MemoryMarshal.Cast<int, RecordEntry>(words.Slice(HeadWords + tests, entries * EntryWords)),
                MemoryMarshal.Cast<int, Minute>(words.Slice(HeadWords, tests)), reports, kinds);
        }
    }

    // A record never crosses from one slab into the next.
    private uint Reserve(int words)
    {
        if (used + words > SlabWords)
        {
            if (slabs.Count == 1 << (32 - SlabBits - 1))
                throw new InvalidOperationException("The table is full.");
            slabs.Add(GC.AllocateUninitializedArray<int>(SlabWords));
            used = 0;
        }
        var place = ((uint)(slabs.Count - 1) << SlabBits) | (uint)used;
        used += words;
        return place;
    }
}
