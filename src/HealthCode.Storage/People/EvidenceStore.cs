using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Batch of evidence that was opened again.</summary>
/// <param name="Facts">What can still be read; a deleted person's facts are not among them, nor those of an unknown kind.</param>
/// <param name="Unknown">How many are of a kind that only a newer program knows.</param>
public sealed record EvidenceBatch(long Sequence, Segment Segment, IReadOnlyList<Evidence> Facts, int Unknown)
{
    /// <summary>How many are of people who were deleted.</summary>
    public int Closed { get; init; }
}

/// <summary>A region's evidence as it is kept: sealed in the journal, with its keys and its snapshots elsewhere.</summary>
public sealed class EvidenceStore(IJournal journal, IKeyStore keys, ISnapshotStore snapshots, KeyWrap wrap)
{
    internal const string SegmentScope = "segments", SnapshotScope = "snapshots";

    private readonly ConcurrentDictionary<Segment, byte[]> segmentKeys = new();

    public IJournal Journal => journal;

    internal ISnapshotStore Snapshots => snapshots;

    internal IKeyStore Keys => keys;

    internal KeyWrap Wrap => wrap;

    /// <summary>All keys that the people of a stream have or had.</summary>
    public async Task<PersonKeys> ReadPersonKeysAsync(string stream, CancellationToken cancellation) =>
        new(await keys.ReadAsync(stream, cancellation).ConfigureAwait(false), wrap);

    /// <summary>The batches of a stream, opened, for whoever follows the journal.</summary>
    /// <exception cref="JournalDamagedException">A batch is not what was written, or is gone, or a key is.</exception>
    public async IAsyncEnumerable<EvidenceBatch> ReadAsync(
        string stream, long fromSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var people = await ReadPersonKeysAsync(stream, cancellation).ConfigureAwait(false);
        await foreach (var batch in journal.ReadStreamAsync(stream, fromSequence, cancellation).ConfigureAwait(false))
        {
            // Somebody's key may have been made after the reading began.
            if (await OpenAsync(batch, people, cancellation).ConfigureAwait(false) is not { } opened)
            {
                people = await ReadPersonKeysAsync(stream, cancellation).ConfigureAwait(false);
                opened = await OpenAsync(batch, people, cancellation).ConfigureAwait(false) ?? throw KeyGone(batch);
            }
            yield return opened;
        }
    }

    /// <summary>One batch of a stream, opened with keys that its partition has at hand.</summary>
    /// <exception cref="JournalUnavailableException">The store does not answer.</exception>
    internal async Task<EvidenceBatch> ReadOneAsync(string stream, long sequence, FindKey keyOf, CancellationToken cancellation)
    {
        await foreach (var batch in journal.ReadStreamAsync(stream, sequence, cancellation).ConfigureAwait(false))
            return await OpenAsync(batch, keyOf, cancellation).ConfigureAwait(false) ?? throw KeyGone(batch);
        throw new JournalDamagedException(stream, sequence, "it is missing");
    }

    /// <summary>The key of a segment, made when it is not there yet.</summary>
    /// <exception cref="InvalidOperationException">Its time is over: its key was destroyed.</exception>
    internal async ValueTask<byte[]> SegmentKeyAsync(Segment segment, CancellationToken cancellation)
    {
        if (segmentKeys.TryGetValue(segment, out var known))
            return known;
        var added = await keys.AddAsync(SegmentScope, [new StoredKey(IdOf(segment), 0, wrap.Wrap(KeyWrap.NewKey()))], cancellation).ConfigureAwait(false);
        return segmentKeys[segment] = wrap.Unwrap(
            added[0].Wrapped ?? throw new InvalidOperationException($"Segment {segment.Value} is over: nothing can be added to it."));
    }

    /// <returns>The facts, each body still under its person's key; null when the segment's time is over.</returns>
    internal async ValueTask<List<SealedFact>?> OpenSegmentAsync(JournalBatch batch, CancellationToken cancellation) =>
        await KeyOfAsync(batch, cancellation).ConfigureAwait(false) is { } key ? EvidenceSeal.Open(batch, key) : null;

    /// <returns>Null when the segment's time is over.</returns>
    internal async ValueTask<byte[]?> KeyOfAsync(JournalBatch batch, CancellationToken cancellation)
    {
        if (batch.IsErased)
            return null;
        if (!segmentKeys.TryGetValue(batch.Segment, out var key))
        {
            var stored = (await keys.ReadAsync(SegmentScope, cancellation).ConfigureAwait(false))
                .FirstOrDefault(other => other.Id.AsSpan().SequenceEqual(IdOf(batch.Segment))) ?? throw KeyGone(batch);
            if (stored.Wrapped is null)
                return null;
            key = segmentKeys[batch.Segment] = wrap.Unwrap(stored.Wrapped);
        }
        return key;
    }

    /// <summary>Ends a segment: its key is destroyed, then its bytes are erased. To end it twice is no harm.</summary>
    /// <returns>How many batches were erased.</returns>
    public async Task<long> EraseAsync(Segment segment, DateTimeOffset now, CancellationToken cancellation)
    {
        // A segment without evidence has no key; its tombstone keeps late evidence out of it.
        await keys.AddAsync(SegmentScope, [new StoredKey(IdOf(segment), 0, wrap.Wrap(KeyWrap.NewKey()))], cancellation).ConfigureAwait(false);
        await keys.DestroyAsync([new(SegmentScope, IdOf(segment), 0)], now.ToUnixTimeSeconds(), cancellation).ConfigureAwait(false);
        segmentKeys.TryRemove(segment, out _);
        return await journal.EraseAsync(segment, cancellation).ConfigureAwait(false);
    }

    /// <summary>The segments that have a key, or had one.</summary>
    public async Task<IReadOnlyList<(Segment Segment, bool IsOver)>> ReadSegmentsAsync(CancellationToken cancellation) =>
        [.. (await keys.ReadAsync(SegmentScope, cancellation).ConfigureAwait(false))
            .Select(key => (SegmentOf(key.Id), key.Wrapped is null))
            .OrderBy(segment => segment.Item1.Value)];

    internal static byte[] IdOf(PersonId person)
    {
        var id = new byte[PersonId.Size];
        person.WriteTo(id);
        return id;
    }

    internal static JournalDamagedException KeyGone(JournalBatch batch) => new(
        batch.Stream, batch.Sequence, "a key that it is sealed under is not in the key store, destroyed or not: restore the keys that belong to this data");

    internal static Segment SegmentOf(byte[] id) => new(BinaryPrimitives.ReadInt32BigEndian(id));

    private static byte[] IdOf(Segment segment)
    {
        var id = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(id, segment.Value);
        return id;
    }

    /// <summary>As <see cref="PersonKeys.TryFind"/>.</summary>
    internal delegate bool FindKey(PersonId person, byte generation, out UInt128? key);

    internal ValueTask<EvidenceBatch?> OpenAsync(JournalBatch batch, PersonKeys people, CancellationToken cancellation) =>
        OpenAsync(batch, people.TryFind, cancellation);

    /// <returns>Null when a key is missing altogether.</returns>
    private async ValueTask<EvidenceBatch?> OpenAsync(JournalBatch batch, FindKey keyOf, CancellationToken cancellation)
    {
        if (EvidenceSeal.IsFence(batch.Bytes.Span) || EvidenceSeal.IsDeletion(batch.Bytes.Span) || batch.IsErased)
            return new EvidenceBatch(batch.Sequence, batch.Segment, [], 0);
        if (!EvidenceSeal.IsSealed(batch.Bytes.Span))
            return new EvidenceBatch(batch.Sequence, batch.Segment, EvidenceCodec.Decode(batch), 0);
        var (facts, unknown, closed, cipher) = (new List<Evidence>(), 0, 0, new PersonCipher());
        foreach (var fact in await OpenSegmentAsync(batch, cancellation).ConfigureAwait(false) ?? [])
        {
            if (!keyOf(fact.Person, fact.Generation, out var key))
                return null;
            if (key is null)
                closed++;
            else if (fact.Read(key.Value, batch.Sequence, cipher) is { } evidence)
                facts.Add(evidence);
            else
                unknown++;
        }
        return new EvidenceBatch(batch.Sequence, batch.Segment, facts, unknown) { Closed = closed };
    }
}

/// <summary>The keys of the people of one stream, as they were when they were read.</summary>
public sealed class PersonKeys
{
    // The current key of a person is of the greatest generation; the others were destroyed.
    private readonly Dictionary<PersonId, (byte Generation, UInt128? Key)> newest;

    internal PersonKeys(IReadOnlyList<StoredKey> stored, KeyWrap wrap)
    {
        newest = new(stored.Count);
        foreach (var key in stored)
        {
            var person = PersonId.FromBytes(key.Id);
            if (!newest.TryGetValue(person, out var known) || known.Generation <= key.Generation)
                newest[person] = ((byte)key.Generation, key.Wrapped is null ? null : KeyOf(wrap.Unwrap(key.Wrapped)));
        }
    }

    /// <returns>The person's newest key, null in it when that was destroyed; null when they never had one.</returns>
    internal (byte Generation, UInt128? Key)? Newest(PersonId person) => newest.TryGetValue(person, out var known) ? known : null;

    /// <returns>False when no such key was ever made here.</returns>
    /// <param name="key">Null when it was destroyed.</param>
    public bool TryFind(PersonId person, byte generation, out UInt128? key)
    {
        key = null;
        if (!newest.TryGetValue(person, out var known) || generation > known.Generation)
            return false;
        key = generation == known.Generation ? known.Key : null;
        return true;
    }

    internal static UInt128 KeyOf(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt128BigEndian(bytes);
}
