using System.Buffers.Binary;
using System.Security.Cryptography;
using HealthCode.Domain;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;

namespace HealthCode.Storage;

/// <summary>One fact as it stands in a batch: whose it is in the clear, what it says under the person's key.</summary>
/// <param name="Generation">Which key of the person: a person who was deleted and came again has another.</param>
internal readonly record struct SealedFact(PersonId Person, EvidenceId Id, byte Generation, Memory<byte> Body)
{
    /// <summary>Opens the body in place and reads it.</summary>
    /// <returns>Null for a kind that only a newer program knows.</returns>
    public Evidence? Read(UInt128 key, long sequence, PersonCipher cipher)
    {
        cipher.Apply(key, Id, sequence, Body.Span);
        return EvidenceCodec.DecodeFact(Person, Id, Body);
    }
}

/// <summary>A batch of evidence as the journal keeps it.</summary>
/// <remarks>
/// Sealed twice. Each fact under the key of its person, which is destroyed when the person is deleted; all of them
/// together under the key of their segment, which is destroyed when their time is over. Either makes every copy of the
/// bytes unreadable, in the journal and in its backups.
///
/// <code>
///   0 format (2)   1 nonce 12   13 tag 16   29 AES-128-GCM under the segment's key; with it: stream, sequence, segment
///       0 count 4   4 … facts:  person 16   id 8   generation 1   length 2   body, AES-128-CTR under the person's key
/// </code>
///
/// The counter block of a body is <c>id 8 | sequence 4 | counter 4</c>: a person has a fact of one id once, and a stream
/// a batch of one sequence once, so no counter block serves twice. The outer box authenticates the inner ones.
/// Numbers are little-endian. Batches of format 1, which began with CBOR's 0x82, were not sealed.
/// </remarks>
internal static class EvidenceSeal
{
    public const byte Format = 2;

    private const int NonceSize = 12, TagSize = 16, HeadSize = 1 + NonceSize + TagSize, FactHeadSize = PersonId.Size + 8 + 1 + 2;

    /// <summary>A fact whose body was put in in the clear, and the key that it goes under.</summary>
    public readonly record struct Sealing(SealedFact Fact, UInt128 Key);

    /// <summary>A batch without evidence: a new owner's word that the stream is theirs. Whoever else would append is stale from then on.</summary>
    public static ReadOnlyMemory<byte> Fence { get; } = new byte[] { FenceFormat };

    private const byte FenceFormat = 3;

    public static bool IsFence(ReadOnlySpan<byte> batch) => batch.Length == 1 && batch[0] == FenceFormat;

    /// <summary>
    /// A person's deletion, on the record before it is done: <c>format (4) | as above</c>, with <c>person 16 | generation 1</c>
    /// in the box. Whoever owns the stream next destroys their keys up to that generation, if that has not happened yet.
    /// </summary>
    public static bool IsDeletion(ReadOnlySpan<byte> batch) => batch.Length > 0 && batch[0] == DeletionFormat;

    private const byte DeletionFormat = 4;

    public static byte[] SealDeletion(
        string stream, long sequence, Segment segment, ReadOnlySpan<byte> segmentKey, PersonId person, byte generation)
    {
        var plain = new byte[PersonId.Size + 1];
        person.WriteTo(plain);
        plain[PersonId.Size] = generation;
        return Box(DeletionFormat, plain, segmentKey, Place(stream, sequence, segment));
    }

    /// <exception cref="JournalDamagedException">This is not what was sealed, or stood elsewhere.</exception>
    public static (PersonId Person, byte Generation) OpenDeletion(JournalBatch batch, ReadOnlySpan<byte> segmentKey)
    {
        var plain = Unbox(batch, segmentKey);
        return (PersonId.FromBytes(plain), plain[PersonId.Size]);
    }

    public static bool IsSealed(ReadOnlySpan<byte> batch) => batch.Length > 0 && batch[0] == Format;

    public static byte[] Seal(string stream, long sequence, Segment segment, ReadOnlySpan<byte> segmentKey, IReadOnlyList<Sealing> facts)
    {
        var size = 4;
        foreach (var sealing in facts)
            size += FactHeadSize + sealing.Fact.Body.Length;
        var plain = new byte[size];
        WriteFacts(plain, sequence, facts);
        return Box(Format, plain, segmentKey, Place(stream, sequence, segment));
    }

    /// <summary>The facts of a batch, each body still under its person's key.</summary>
    /// <exception cref="JournalDamagedException">This is not what was sealed, or stood elsewhere.</exception>
    public static List<SealedFact> Open(JournalBatch batch, ReadOnlySpan<byte> segmentKey) => ReadFacts(Unbox(batch, segmentKey), batch);

    private static byte[] Box(byte format, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> key, ReadOnlySpan<byte> place)
    {
        var batch = new byte[HeadSize + plain.Length];
        batch[0] = format;
        RandomNumberGenerator.Fill(batch.AsSpan(1, NonceSize));
        using var box = new AesGcm(key, TagSize);
        box.Encrypt(batch.AsSpan(1, NonceSize), plain, batch.AsSpan(HeadSize), batch.AsSpan(1 + NonceSize, TagSize), place);
        return batch;
    }

    private static byte[] Unbox(JournalBatch batch, ReadOnlySpan<byte> segmentKey)
    {
        var bytes = batch.Bytes.Span;
        if (bytes.Length < HeadSize + 4)
            throw new JournalDamagedException(batch.Stream, batch.Sequence, "it is too short to be sealed evidence");
        var plain = new byte[bytes.Length - HeadSize];
        try
        {
            using var box = new AesGcm(segmentKey, TagSize);
            box.Decrypt(
                bytes.Slice(1, NonceSize), bytes[HeadSize..], bytes.Slice(1 + NonceSize, TagSize), plain,
                Place(batch.Stream, batch.Sequence, batch.Segment));
        }
        catch (CryptographicException)
        {
            throw new JournalDamagedException(
                batch.Stream, batch.Sequence, "its seal does not open: it was changed, moved, or sealed under another region's keys");
        }
        return plain;
    }

    private static void WriteFacts(Span<byte> to, long sequence, IReadOnlyList<Sealing> facts)
    {
        var cipher = new PersonCipher();
        BinaryPrimitives.WriteInt32LittleEndian(to, facts.Count);
        to = to[4..];
        foreach (var (fact, key) in facts)
        {
            fact.Person.WriteTo(to);
            BinaryPrimitives.WriteUInt64LittleEndian(to[16..], fact.Id.Value);
            to[24] = fact.Generation;
            BinaryPrimitives.WriteUInt16LittleEndian(to[25..], checked((ushort)fact.Body.Length));
            var body = to.Slice(FactHeadSize, fact.Body.Length);
            fact.Body.Span.CopyTo(body);
            cipher.Apply(key, fact.Id, sequence, body);
            to = to[(FactHeadSize + body.Length)..];
        }
    }

    private static List<SealedFact> ReadFacts(Memory<byte> plain, JournalBatch batch)
    {
        var count = BinaryPrimitives.ReadInt32LittleEndian(plain.Span);
        var facts = new List<SealedFact>(count);
        var at = 4;
        for (var index = 0; index < count; index++)
        {
            var head = plain.Span.Slice(at, FactHeadSize);
            var length = BinaryPrimitives.ReadUInt16LittleEndian(head[25..]);
            facts.Add(new SealedFact(
                PersonId.FromBytes(head), new EvidenceId(BinaryPrimitives.ReadUInt64LittleEndian(head[16..])), head[24],
                plain.Slice(at + FactHeadSize, length)));
            at += FactHeadSize + length;
        }
        return at == plain.Length ? facts
            : throw new JournalDamagedException(batch.Stream, batch.Sequence, "its facts do not fill it");
    }

    private static byte[] Place(string stream, long sequence, Segment segment) =>
        System.Text.Encoding.UTF8.GetBytes($"{stream}\n{sequence}\n{segment.Value}");
}

/// <summary>AES-128 in counter mode under keys that change with every fact; one for each thread.</summary>
/// <remarks>
/// The library's block cipher, and the counter by hand: the platform's own ciphers cost two microseconds for a key that
/// is used once, and this a quarter of one.
/// </remarks>
internal sealed class PersonCipher
{
    private const int BlockSize = 16;

    private readonly IBlockCipher aes = Org.BouncyCastle.Crypto.AesUtilities.CreateEngine();

    /// <summary>Seals or opens in place: both are the same.</summary>
    public void Apply(UInt128 key, EvidenceId id, long sequence, Span<byte> body)
    {
        Span<byte> bytes = stackalloc byte[KeyWrap.KeySize];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, key);
        aes.Init(true, new KeyParameter(bytes));
        Span<byte> counter = stackalloc byte[BlockSize];
        Span<byte> stream = stackalloc byte[BlockSize];
        BinaryPrimitives.WriteUInt64LittleEndian(counter, id.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(counter[8..], (uint)sequence);
        for (var (at, block) = (0, 0); at < body.Length; at += BlockSize, block++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(counter[12..], block);
            aes.ProcessBlock(counter, stream);
            var part = body[at..Math.Min(at + BlockSize, body.Length)];
            for (var index = 0; index < part.Length; index++)
                part[index] ^= stream[index];
        }
    }
}
