using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>A partition's state as sealed bytes, so that a start costs what is new and not what ever was.</summary>
/// <remarks>
/// All parts are sealed with one key, AES-128-GCM, <c>nonce 12 | tag 16 | bytes</c>; with each go stream, sequence, and
/// which part of how many it is. The key is destroyed when a person of the partition is deleted, so that no copy of a
/// snapshot tells of them. Opened, and one after the other:
///
/// <code>
///   head    0 kinds known 1   1 nothing 1   2 facts of unknown kinds 8   10 later keys 4   14 batches 4
///           18 … later keys: person 16 generation 1   … batches: class and week 2 each
///   table   as <see cref="RecordTable"/> writes it, from a new part on
/// </code>
///
/// Numbers are little-endian. One that cannot be used, for whatever reason, costs a reading of the journal and no more.
/// </remarks>
internal static class PartitionSnapshot
{
    public const int Format = 1;

    private const int NonceSize = 12, TagSize = 16, HeadSize = 18, LaterKeySize = PersonId.Size + 1;

    /// <summary>What this program can read of evidence. One that can read more must not believe a snapshot that left facts out.</summary>
    private static readonly byte KindsKnown = (byte)Enum.GetValues<EvidenceKind>().Max();

    public static byte[] IdOf(string stream) => Encoding.UTF8.GetBytes(stream);

    /// <returns>The state, an empty one when there is no snapshot that can be used; and why it could not be.</returns>
    public static async Task<(PartitionState State, string? Problem)> ReadAsync(EvidenceStore store, string stream, CancellationToken cancellation)
    {
        try
        {
            if (await store.Snapshots.ReadAsync(stream, cancellation).ConfigureAwait(false) is not { } stored)
                return (new(), null);
            if (stored.Format != Format)
                return (new(), $"its format is {stored.Format}, and only {Format} is known");
            if (await KeyAsync(store, stream, cancellation).ConfigureAwait(false) is not { Wrapped: { } wrapped })
                return (new(), "its key was destroyed with a person's");
            var state = Read(Open(stored, stream, store.Wrap.Unwrap(wrapped)), out var kindsKnown);
            if (state.NextSequence != stored.Sequence)
                return (new(), $"it holds {state.NextSequence} batches, and not {stored.Sequence}");
            return state.Unknown > 0 && kindsKnown < KindsKnown
                ? (new(), "it was written by a program that did not know all kinds of evidence")
                : (state, null);
        }
        catch (Exception failure) when (failure is SnapshotDamagedException or InvalidDataException or CryptographicException)
        {
            return (new(), failure.Message);
        }
    }

    /// <summary>Copies the state before it returns for the first time, and writes the copy.</summary>
    public static async Task WriteAsync(EvidenceStore store, string stream, PartitionState state, CancellationToken cancellation)
    {
        var (sequence, plain) = (state.NextSequence, Write(state));
        var key = store.Wrap.Unwrap(await MakeKeyAsync(store, stream, cancellation).ConfigureAwait(false));
        var parts = new List<ReadOnlyMemory<byte>>(plain.Count);
        foreach (var part in plain)
            parts.Add(Seal(part.Span, key, PlaceOf(stream, sequence, parts.Count, plain.Count)));
        await store.Snapshots.WriteAsync(stream, sequence, Format, parts, cancellation).ConfigureAwait(false);
    }

    public static async Task<StoredKey?> KeyAsync(EvidenceStore store, string stream, CancellationToken cancellation) =>
        (await store.Keys.ReadAsync(EvidenceStore.SnapshotScope, cancellation).ConfigureAwait(false))
            .Where(key => key.Id.AsSpan().SequenceEqual(IdOf(stream))).MaxBy(key => key.Generation);

    // The key goes on until a deletion destroys it; then the next has the next generation.
    private static async Task<byte[]> MakeKeyAsync(EvidenceStore store, string stream, CancellationToken cancellation)
    {
        var known = await KeyAsync(store, stream, cancellation).ConfigureAwait(false);
        if (known?.Wrapped is { } wrapped)
            return wrapped;
        var added = await store.Keys.AddAsync(
            EvidenceStore.SnapshotScope, [new StoredKey(IdOf(stream), known?.Generation + 1 ?? 0, store.Wrap.Wrap(KeyWrap.NewKey()))],
            cancellation).ConfigureAwait(false);
        return added[0].Wrapped ?? throw new JournalUnavailableException("The snapshot's key was destroyed while it was made.");
    }

    private static List<ReadOnlyMemory<byte>> Write(PartitionState state)
    {
        var later = state.Generations;
        var segments = state.Segments;
        var head = new byte[HeadSize + (later.Count * LaterKeySize) + (segments.Length * sizeof(ushort))];
        head[0] = KindsKnown;
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(2), state.Unknown);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(10), later.Count);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(14), segments.Length);
        var to = head.AsSpan(HeadSize);
        foreach (var (person, generation) in later)
        {
            person.WriteTo(to);
            to[PersonId.Size] = generation;
            to = to[LaterKeySize..];
        }
        MemoryMarshal.AsBytes(segments).CopyTo(to);
        return [.. Chunks(head), .. state.Records.WriteParts(PartSizeMax)];
    }

    private static PartitionState Read(List<ReadOnlyMemory<byte>> parts, out byte kindsKnown)
    {
        if (parts.Count == 0 || parts[0].Length < HeadSize)
            throw new InvalidDataException("it has no head");
        var first = parts[0].Span;
        kindsKnown = first[0];
        var unknown = BinaryPrimitives.ReadInt64LittleEndian(first[2..]);
        var (later, batches) = (BinaryPrimitives.ReadInt32LittleEndian(first[10..]), BinaryPrimitives.ReadInt32LittleEndian(first[14..]));
        var size = HeadSize + ((long)later * LaterKeySize) + ((long)batches * sizeof(ushort));
        var headParts = (int)((size + PartSizeMax - 1) / PartSizeMax);
        if (later < 0 || batches < 0 || headParts > parts.Count)
            throw new InvalidDataException("its head is longer than it is");
        var head = parts[..headParts].SelectMany(part => part.ToArray()).ToArray();
        if (head.Length != size)
            throw new InvalidDataException("its head has another length than it says");

        var rest = head.AsSpan(HeadSize);
        var generations = new Dictionary<PersonId, byte>(later);
        for (; later > 0; later--, rest = rest[LaterKeySize..])
            generations[PersonId.FromBytes(rest)] = rest[PersonId.Size];
        return new PartitionState(
            RecordTable.ReadFrom(parts[headParts..]), [.. MemoryMarshal.Cast<byte, ushort>(rest)], generations, unknown);
    }

    // A part grows by its seal.
    private const int PartSizeMax = StoredSnapshot.PartSizeMax - NonceSize - TagSize;

    private static IEnumerable<ReadOnlyMemory<byte>> Chunks(byte[] bytes)
    {
        for (var at = 0; at < bytes.Length; at += PartSizeMax)
            yield return bytes.AsMemory(at, Math.Min(PartSizeMax, bytes.Length - at));
    }

    private static byte[] Seal(ReadOnlySpan<byte> plain, byte[] key, byte[] place)
    {
        var part = new byte[NonceSize + TagSize + plain.Length];
        RandomNumberGenerator.Fill(part.AsSpan(0, NonceSize));
        using var box = new AesGcm(key, TagSize);
        box.Encrypt(part.AsSpan(0, NonceSize), plain, part.AsSpan(NonceSize + TagSize), part.AsSpan(NonceSize, TagSize), place);
        return part;
    }

    private static List<ReadOnlyMemory<byte>> Open(StoredSnapshot stored, string stream, byte[] key)
    {
        using var box = new AesGcm(key, TagSize);
        var plain = new List<ReadOnlyMemory<byte>>(stored.Parts.Count);
        foreach (var part in stored.Parts)
        {
            if (part.Length < NonceSize + TagSize)
                throw new InvalidDataException("a part is too short");
            var opened = GC.AllocateUninitializedArray<byte>(part.Length - NonceSize - TagSize);
            var sealed_ = part.Span;
            box.Decrypt(
                sealed_[..NonceSize], sealed_[(NonceSize + TagSize)..], sealed_.Slice(NonceSize, TagSize), opened,
                PlaceOf(stream, stored.Sequence, plain.Count, stored.Parts.Count));
            plain.Add(opened);
        }
        return plain;
    }

    private static byte[] PlaceOf(string stream, long sequence, int part, int parts) =>
        Encoding.UTF8.GetBytes($"{stream}\n{sequence}\n{part}/{parts}");
}
