namespace HealthCode.Domain;

/// <summary>The records of a partition's people in flat memory: what is known of each fact, and what a decision reads.</summary>
/// <remarks>
/// Folding the same evidence in any order gives the same as a <see cref="PersonRecord"/>, which keeps the evidence itself.
/// Here a person has one row, and up to two blocks of words in slabs that the garbage collector does not look into:
/// <code>
///   row       id 16, key 16 once one is set, two places of 4 each; 4 to 8 more in an index by id
///   facts     16, 4 a negative test, 20 an entry: <see cref="FactsBlock"/>
///   history   20, 17 a fact, and the evidence of the few that a rule may name: <see cref="HistoryBlock"/>
/// </code>
/// What is asked all the time is answered without allocation. A visit or a normal report is written in place; any other
/// fact writes the person's blocks anew, and what they leave behind is compacted when it is a quarter of all. Spans that were
/// handed out are good until the next change. One thread changes it at a time, and nobody reads meanwhile.
/// </remarks>
public sealed partial class RecordTable
{
    /// <summary>Bytes of a key.</summary>
    public const int KeySize = 16;

    /// <summary>Bytes of encoded evidence at most.</summary>
    public const int EncodedMax = ushort.MaxValue;

    private const int RowsMin = 16;

    private readonly RecordSlabs factSlabs = new();
    private readonly RecordSlabs historySlabs = new();
    private readonly RecordDraft draft = new();

    // The rows, by column; those that nobody asked for are not there.
    private PersonId[] people;
    private uint[] factPlaces;
    private uint[] historyPlaces = [];
    private byte[] keys = [];
    private int count;

    // By a person's hash: the row and one more, or 0. Open addressing, the next free one after it. Null until it is asked for.
    private int[]? index;

    /// <param name="expected">How many people there will be, about.</param>
    public RecordTable(int expected = 0) => (people, factPlaces) = (new PersonId[expected], NoPlaces(expected));

    /// <summary>People with a fact or a key.</summary>
    public int Count => count;

    /// <summary>Facts of all people, also withdrawn ones and corrections.</summary>
    public long FactCount { get; private set; }

    /// <summary>Bytes that all of it takes, with what is reserved.</summary>
    public long Bytes => factSlabs.Bytes + historySlabs.Bytes + ((long)people.Length * PersonId.Size)
        + ((long)(factPlaces.Length + historyPlaces.Length + (index?.Length ?? 0)) * sizeof(int)) + keys.Length;

    /// <param name="row">0 to <see cref="Count"/>, in no order; removing somebody gives their number to another.</param>
    public PersonId PersonAt(int row) => row < count ? people[row] : throw new ArgumentOutOfRangeException(nameof(row));

    /// <summary>What a decision reads of the person with this number.</summary>
    public RecordFacts this[int row]
    {
        get
        {
            var place = factPlaces[row];
            if (place == RecordSlabs.None)
                return default;
            return FactsBlock.Read(factSlabs.At(place));
        }
    }

    /// <summary>What a decision reads; empty for somebody of whom nothing is known.</summary>
    public RecordFacts Find(PersonId person) => RowOf(person) is >= 0 and var row ? this[row] : default;

    public bool Contains(PersonId person) => RowOf(person) >= 0;

    /// <summary>How many facts there are of a person. It grows with each fold, as <see cref="PersonRecord.Version"/> does.</summary>
    public int FactCountOf(PersonId person) => TryFindHistory(person, out var history) ? history.Count : 0;

    /// <summary>Whether a fact is there, and in which batch of the journal it stands.</summary>
    public bool Knows(PersonId person, EvidenceId id, out long sequence)
    {
        sequence = -1;
        if (!TryFindHistory(person, out var history) || history.Ids[..history.Count].IndexOf(id.Value) is not (>= 0 and var fact))
            return false;
        sequence = history.Sequences[fact];
        return true;
    }

    /// <summary>In which batches of the journal this person's facts stand: each once, ascending.</summary>
    public IReadOnlyList<long> ReadSequences(PersonId person)
    {
        if (!TryFindHistory(person, out var history))
            return [];
        var sequences = new SortedSet<long>();
        foreach (var sequence in history.Sequences[..history.Count])
            sequences.Add(sequence);
        return [.. sequences];
    }

    /// <summary>The fact behind an entry of <see cref="Find"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such entry.</exception>
    public KeptEvidence EvidenceOf(PersonId person, int entry)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(entry);
        return TryFindHistory(person, out var history) ? Kept(history, history.FactBehind(entry))
            : throw new ArgumentOutOfRangeException(nameof(entry), entry, "Nothing is known of the person.");
    }

    /// <summary>
    /// The last test that stands, of any result. Its evidence is empty if it was an older negative one and became the last
    /// because a later one was withdrawn or erased: then the journal has it, in the batch that is named.
    /// </summary>
    public KeptEvidence LastTest(PersonId person) =>
        TryFindHistory(person, out var history) && history.LastTest() is >= 0 and var fact ? Kept(history, fact) : KeptEvidence.None;

    private static KeptEvidence Kept(HistoryBlock history, int fact) =>
        new(new EvidenceId(history.Ids[fact]), history.Sequences[fact], history.KeptOf(fact));

    /// <summary>Adds the facts of somebody new, without a history: for deciding whole populations. Such a person cannot be folded into.</summary>
    /// <exception cref="InvalidOperationException">The table is full: it holds sixteen gigabytes of records.</exception>
    public void Add(PersonId person, RecordFacts facts)
    {
        var place = factSlabs.Reserve(FactsBlock.WordsFor(facts.Entries.Length, facts.NegativeTests.Length));
        FactsBlock.Write(factSlabs.At(place), facts);
        var row = AddRow(person);
        factPlaces[row] = place;
    }

    /// <summary>Takes a fact in. A fact that is already there changes nothing.</summary>
    /// <param name="sequence">In which batch of the journal it stands: 0 to 2^32 - 1.</param>
    /// <param name="encoded">The fact in bytes, which mean nothing here. They are copied if a rule may name the fact.</param>
    /// <returns>Whether it was new.</returns>
    /// <exception cref="ArgumentException">The sequence or the bytes are beyond what can be kept; nothing has changed.</exception>
    /// <exception cref="OverflowException">The person's facts fill more than eight gigabytes; nothing has changed.</exception>
    /// <exception cref="InvalidOperationException">The table is full, or the person was <see cref="Add">added</see>; nothing has changed.</exception>
    public bool Fold(Evidence evidence, long sequence, ReadOnlySpan<byte> encoded)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentOutOfRangeException.ThrowIfNegative(sequence);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sequence, uint.MaxValue);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(encoded.Length, EncodedMax, nameof(encoded));
        var row = RowOf(evidence.Person);
        var mark = RecordMark.Of(evidence);
        if (row < 0 || PlaceOf(historyPlaces, row) == RecordSlabs.None)
            FoldFirst(row, evidence, (uint)sequence, mark, encoded);
        else if (!FoldInto(row, evidence, (uint)sequence, mark, encoded))
            return false;
        FactCount++;
        CompactIfWasteful();
        return true;
    }

    private void FoldFirst(int row, Evidence evidence, uint sequence, byte mark, ReadOnlySpan<byte> encoded)
    {
        if (row >= 0 && factPlaces[row] != RecordSlabs.None)
            throw new InvalidOperationException("The person was added without a history.");
        draft.Clear();
        draft.Insert(evidence, sequence, mark, encoded.Length);
        Write(row, evidence.Person, default, encoded);
    }

    private bool FoldInto(int row, Evidence evidence, uint sequence, byte mark, ReadOnlySpan<byte> encoded)
    {
        var history = HistoryAt(row);
        if (history.Ids[..history.Count].Contains(evidence.Id.Value))
            return false;
        if (FoldInPlace(row, history, evidence, sequence, mark))
            return true;
        draft.Load(history, this[row]);
        draft.Insert(evidence, sequence, mark, encoded.Length);
        Write(row, evidence.Person, history, encoded);
        return true;
    }

    // By far the most facts are visits and normal reports: they add a line to the history, and a report a bit to the days.
    private bool FoldInPlace(int row, HistoryBlock history, Evidence evidence, uint sequence, byte mark)
    {
        var isReport = evidence.Kind == EvidenceKind.Declaration && RecordMark.IsPlain(mark);
        if (!isReport && evidence.Kind != EvidenceKind.Visit)
            return false;
        var isWithdrawn = history.IsCorrected(evidence.Id.Value);
        var isCounted = isReport && !isWithdrawn;
        if (isCounted && !MayBeCounted(row, Day.Of(evidence.Happened)))
            return false;
        if (history.Count == history.Capacity)
            history = Enlarge(row, history);
        history.Insert(
            history.IndexFor(evidence.Happened.Value, evidence.Id.Value), evidence.Id.Value, sequence, evidence.Happened.Value,
            RecordMark.With(mark, isWithdrawn, kept: false));
        if (isCounted)
        {
            var facts = factSlabs.At(factPlaces[row]);
            FactsBlock.WriteReports(facts, FactsBlock.ReportsOf(facts).With(Day.Of(evidence.Happened), isNormal: true));
        }
        return true;
    }

    // From the second reported day on, and after the first day of 2020, it is the same in which order days are counted.
    private bool MayBeCounted(int row, Day day) =>
        day.Value > 0 && factPlaces[row] is var place && place != RecordSlabs.None && FactsBlock.ReportsOf(factSlabs.At(place)).Any;

    private HistoryBlock Enlarge(int row, HistoryBlock history)
    {
        var capacity = HistoryBlock.CapacityToGrowTo(history.Count);
        var words = HistoryBlock.WordsFor(capacity, history.TargetCount, history.AsideCount, history.KeptBytes);
        var (old, place) = (historyPlaces[row], historySlabs.Reserve(words));
        var larger = HistoryBlock.Begin(
            historySlabs.At(place), history.Count, capacity, history.TargetCount, history.AsideCount, history.KeptBytes);
        history.CopyTo(larger);
        historyPlaces[row] = place;
        historySlabs.Release(old, (int)history.Length);
        return larger;
    }

    /// <summary>Writes the draft as the person's blocks, in the place of those that there are.</summary>
    /// <param name="row">The person's; negative for somebody new.</param>
    private void Write(int row, PersonId person, HistoryBlock old, ReadOnlySpan<byte> encoded)
    {
        draft.Derive();
        var capacity = HistoryBlock.CapacityToGrowTo(draft.Count);
        var (historyWords, factWords) = (draft.HistoryWords(capacity), draft.HasNoFacts ? 0 : draft.FactsWords);
        var oldFacts = row < 0 ? RecordSlabs.None : factPlaces[row];
        var oldFactWords = oldFacts == RecordSlabs.None ? 0 : (int)FactsBlock.LengthOf(factSlabs.At(oldFacts));

        // Whatever can fail comes before anything is changed.
        var history = historySlabs.Reserve(historyWords);
        var facts = factWords == 0 ? RecordSlabs.None : factWords == oldFactWords ? oldFacts : factSlabs.Reserve(factWords);
        if (row < 0)
            row = AddRow(person);
        ReserveColumn(ref historyPlaces);

        draft.WriteHistory(historySlabs.At(history), capacity, old.IsNone ? default : old.Kept, encoded);
        if (facts != RecordSlabs.None)
            FactsBlock.Write(factSlabs.At(facts), draft.Facts);
        if (!old.IsNone)
            historySlabs.Release(historyPlaces[row], (int)old.Length);
        if (oldFacts != facts && oldFacts != RecordSlabs.None)
            factSlabs.Release(oldFacts, oldFactWords);
        (historyPlaces[row], factPlaces[row]) = (history, facts);
    }

    /// <summary>Forgets a person altogether, with their key.</summary>
    /// <returns>Whether anything was known.</returns>
    public bool Remove(PersonId person)
    {
        if (RowOf(person) is not (>= 0 and var row))
            return false;
        RemoveRow(row);
        CompactIfWasteful();
        return true;
    }

    /// <summary>Drops all facts of the batches that retention erased, as if they had never been; a person of whom none is left is forgotten.</summary>
    /// <param name="erased">Whether the batch of this sequence was erased.</param>
    /// <returns>How many facts there were.</returns>
    public int Forget(Func<long, bool> erased)
    {
        ArgumentNullException.ThrowIfNull(erased);
        var dropped = 0;
        // From the end, because the last takes the place of one that goes.
        for (var row = Math.Min(count, historyPlaces.Length) - 1; row >= 0; row--)
        {
            if (historyPlaces[row] != RecordSlabs.None && HasAny(HistoryAt(row), erased))
                dropped += Forget(row, erased);
        }
        return dropped;
    }

    private static bool HasAny(HistoryBlock history, Func<long, bool> erased)
    {
        foreach (var sequence in history.Sequences[..history.Count])
        {
            if (erased(sequence))
                return true;
        }
        return false;
    }

    private int Forget(int row, Func<long, bool> erased)
    {
        var history = HistoryAt(row);
        draft.Load(history, this[row]);
        var dropped = draft.Drop(erased);
        if (draft.Count == 0)
            RemoveRow(row);
        else
        {
            Write(row, people[row], history, default);
            FactCount -= dropped;
        }
        CompactIfWasteful();
        return dropped;
    }

    /// <summary>The bytes that were set for a person; they mean nothing here.</summary>
    public bool TryGetKey(PersonId person, out ReadOnlySpan<byte> key)
    {
        key = RowOf(person) is >= 0 and var row ? KeyAt(row) : default;
        return !key.IsEmpty;
    }

    /// <summary>Keeps bytes for a person of whom nothing else need be known yet. They go when the person goes.</summary>
    /// <param name="key">16 bytes, not all of them zero.</param>
    public void SetKey(PersonId person, ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySize, nameof(key));
        if (!key.ContainsAnyExcept((byte)0))
            throw new ArgumentException("A key of nothing but zeros stands for none.", nameof(key));
        var row = RowOf(person) is >= 0 and var known ? known : AddRow(person);
        if (keys.Length < people.Length * KeySize)
            Array.Resize(ref keys, people.Length * KeySize);
        key.CopyTo(keys.AsSpan(row * KeySize));
    }

    private ReadOnlySpan<byte> KeyAt(int row) =>
        (row + 1) * KeySize <= keys.Length && keys.AsSpan(row * KeySize, KeySize) is var key && key.ContainsAnyExcept((byte)0) ? key : default;

    private bool TryFindHistory(PersonId person, out HistoryBlock history)
    {
        history = RowOf(person) is >= 0 and var row && PlaceOf(historyPlaces, row) != RecordSlabs.None ? HistoryAt(row) : default;
        return !history.IsNone;
    }

    private HistoryBlock HistoryAt(int row) => new(historySlabs.At(historyPlaces[row]));

    private static uint PlaceOf(uint[] places, int row) => row < places.Length ? places[row] : RecordSlabs.None;

    private void CompactIfWasteful()
    {
        if (historySlabs.IsWasteful)
            historySlabs.Compact(historyPlaces.AsSpan(0, Math.Min(count, historyPlaces.Length)), block => (int)new HistoryBlock(block).Length);
        if (factSlabs.IsWasteful)
            factSlabs.Compact(factPlaces.AsSpan(0, count), block => (int)FactsBlock.LengthOf(block));
    }

    private int AddRow(PersonId person)
    {
        if (count == people.Length)
        {
            Array.Resize(ref people, checked(Math.Max(RowsMin, count + (count / 4))));
            if (keys.Length > 0)
                Array.Resize(ref keys, checked(people.Length * KeySize));
        }
        ReserveColumn(ref factPlaces);
        if (historyPlaces.Length > 0)
            ReserveColumn(ref historyPlaces);
        var row = count++;
        (people[row], factPlaces[row]) = (person, RecordSlabs.None);
        if (index is not null)
            AddToIndex(row);
        return row;
    }

    private static uint[] NoPlaces(int rows)
    {
        var places = new uint[rows];
        Array.Fill(places, RecordSlabs.None);
        return places;
    }

    private void ReserveColumn(ref uint[] column)
    {
        if (column.Length >= people.Length)
            return;
        var before = column.Length;
        Array.Resize(ref column, people.Length);
        column.AsSpan(before).Fill(RecordSlabs.None);
    }

    private void RemoveRow(int row)
    {
        if (PlaceOf(historyPlaces, row) is var history && history != RecordSlabs.None)
        {
            FactCount -= HistoryAt(row).Count;
            historySlabs.Release(history, (int)HistoryAt(row).Length);
        }
        if (factPlaces[row] is var facts && facts != RecordSlabs.None)
            factSlabs.Release(facts, (int)FactsBlock.LengthOf(factSlabs.At(facts)));
        RemoveFromIndex(row);
        MoveLastTo(row);
    }

    private void MoveLastTo(int row)
    {
        var last = --count;
        if (row != last)
        {
            index![SlotOf(last)] = row + 1;
            (people[row], factPlaces[row]) = (people[last], factPlaces[last]);
        }
        (people[last], factPlaces[last]) = (default, RecordSlabs.None);
        if (historyPlaces.Length > 0)
            (historyPlaces[row], historyPlaces[last]) = (row == last ? RecordSlabs.None : historyPlaces[last], RecordSlabs.None);
        if (keys.Length > 0)
        {
            keys.AsSpan(last * KeySize, KeySize).CopyTo(keys.AsSpan(row * KeySize));
            keys.AsSpan(last * KeySize, KeySize).Clear();
        }
    }
}

/// <summary>A fact whose evidence is kept beside the record. Its bytes are good until the table changes.</summary>
public readonly ref struct KeptEvidence(EvidenceId id, long sequence, ReadOnlySpan<byte> encoded)
{
    public static KeptEvidence None => new(default, -1, default);

    public EvidenceId Id { get; } = id;

    /// <summary>In which batch of the journal it stands; -1 for none.</summary>
    public long Sequence { get; } = sequence;

    /// <summary>What came with the fold, byte for byte.</summary>
    public ReadOnlySpan<byte> Encoded { get; } = encoded;

    public bool IsNone => Sequence < 0;
}
