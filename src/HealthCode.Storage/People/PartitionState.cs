using System.Buffers.Binary;
using System.Runtime.InteropServices;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>What a partition keeps in memory, and what its snapshot holds: records, keys, and where in the stream it is.</summary>
internal sealed class PartitionState
{
    private readonly List<ushort> segments;
    private readonly Dictionary<PersonId, byte> generations;

    public PartitionState() : this(new RecordTable(), [], [], 0)
    {
    }

    public PartitionState(
        RecordTable records, List<ushort> segments, Dictionary<PersonId, byte> generations, long unknown) =>
        (Records, this.segments, this.generations, Unknown) = (records, segments, generations, unknown);

    public RecordTable Records { get; }

    public long NextSequence => segments.Count;

    /// <summary>Facts that were read and are of a kind that only a newer program knows.</summary>
    public long Unknown { get; set; }

    /// <summary>The segment of each batch, in two bytes: class in the upper two bits, week in the others (until the year 2334).</summary>
    public ReadOnlySpan<ushort> Segments => CollectionsMarshal.AsSpan(segments);

    /// <summary>Those whose key is not their first.</summary>
    public IReadOnlyDictionary<PersonId, byte> Generations => generations;

    public byte GenerationOf(PersonId person) => generations.GetValueOrDefault(person);

    public bool TryGetKey(PersonId person, out UInt128 key)
    {
        var found = Records.TryGetKey(person, out var bytes);
        key = found ? PersonKeys.KeyOf(bytes) : default;
        return found;
    }

    /// <summary>The key that opens a person's fact. Whoever lives here has theirs resident, so what is not is closed for good: null.</summary>
    public bool FindKey(PersonId person, byte generation, out UInt128? key)
    {
        key = TryGetKey(person, out var resident) && GenerationOf(person) == generation ? resident : null;
        return true;
    }

    public void SetKey(PersonId person, byte generation, UInt128 key)
    {
        Span<byte> bytes = stackalloc byte[RecordTable.KeySize];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, key);
        Records.SetKey(person, bytes);
        if (generation > 0)
            generations[person] = generation;
    }

    /// <summary>The next batch of the stream is dealt with.</summary>
    public void Skip(Segment segment) => segments.Add(Packed(segment));

    public void Remove(PersonId person)
    {
        Records.Remove(person);
        generations.Remove(person);
    }

    /// <summary>
    /// People whose deletion is on the record, and the newest generation of theirs that it destroys: it is to be done before
    /// anything else is sealed for them.
    /// </summary>
    public Dictionary<PersonId, byte> ToDestroy { get; } = [];

    public int Forget(Retention retention, Minute now)
    {
        var over = new HashSet<ushort>(segments.Distinct().Where(packed => retention.IsOver(Unpacked(packed), now)));
        return over.Count == 0 ? 0 : Records.Forget(sequence => over.Contains(segments[(int)sequence]));
    }

    private static ushort Packed(Segment segment) => (ushort)(((int)segment.Class << 14) | segment.Week);

    private static Segment Unpacked(ushort packed) => new((packed >> 14) * 10_000 + (packed & 0x3fff));
}

/// <summary>Folds the batches of a stream into a state, in their order.</summary>
internal sealed class PartitionReader(EvidenceStore store, string stream, PartitionState state)
{
    private readonly PersonCipher cipher = new();
    private PersonKeys? keys;

    public async ValueTask TakeAsync(JournalBatch batch, CancellationToken cancellation)
    {
        if (!batch.IsErased && !EvidenceSeal.IsFence(batch.Bytes.Span))
        {
            if (EvidenceSeal.IsSealed(batch.Bytes.Span))
                await TakeSealedAsync(batch, cancellation);
            else if (EvidenceSeal.IsDeletion(batch.Bytes.Span))
                await TakeDeletionAsync(batch, cancellation);
            else
                TakeOpen(batch);
        }
        state.Skip(batch.Segment);
    }

    private void TakeOpen(JournalBatch batch)
    {
        foreach (var evidence in EvidenceCodec.Decode(batch))
            state.Records.Fold(evidence, batch.Sequence, EvidenceCodec.EncodeFact(evidence));
    }

    private async ValueTask TakeDeletionAsync(JournalBatch batch, CancellationToken cancellation)
    {
        if (await store.KeyOfAsync(batch, cancellation) is not { } key)
            return;
        var (person, generation) = EvidenceSeal.OpenDeletion(batch, key);
        state.Remove(person);
        // One that was destroyed since the keys were read is destroyed once more, which is no harm.
        if (await FindKeyAsync(person, generation, cancellation) is (true, not null))
            state.ToDestroy[person] = generation;
    }

    private async ValueTask TakeSealedAsync(JournalBatch batch, CancellationToken cancellation)
    {
        foreach (var fact in await store.OpenSegmentAsync(batch, cancellation) ?? [])
        {
            if (await KeyOfAsync(fact, batch, cancellation) is not { } key)
                continue;
            if (fact.Read(key, batch.Sequence, cipher) is { } evidence)
                state.Records.Fold(evidence, batch.Sequence, fact.Body.Span);
            else
                state.Unknown++;
        }
    }

    // Those whom the snapshot knows have their keys there. For others all keys are read, once.
    private async ValueTask<UInt128?> KeyOfAsync(SealedFact fact, JournalBatch batch, CancellationToken cancellation)
    {
        if (state.TryGetKey(fact.Person, out var resident) && state.GenerationOf(fact.Person) == fact.Generation)
            return resident;
        if (await FindKeyAsync(fact.Person, fact.Generation, cancellation) is not (true, var key))
            throw EvidenceStore.KeyGone(batch);
        if (key is { } known)
            state.SetKey(fact.Person, fact.Generation, known);
        return key;
    }

    // Keys that were made after the reading are found by another one.
    private async ValueTask<(bool Found, UInt128? Key)> FindKeyAsync(PersonId person, byte generation, CancellationToken cancellation)
    {
        if (keys is not null && keys.TryFind(person, generation, out var known))
            return (true, known);
        keys = await store.ReadPersonKeysAsync(stream, cancellation);
        return (keys.TryFind(person, generation, out known), known);
    }
}
