using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace HealthCode.Storage;

/// <summary>What ties the batches of a stream together: a value over a batch and all that came before it.</summary>
/// <remarks>
/// A row that is removed, moved, or given another segment breaks the chain at its successor, and a flipped bit in the bytes does
/// not fit the checksum that the chain holds. Bytes that are erased leave it whole, because it covers their checksum and
/// not them.
///
/// <code>
///   checksum = SHA-256(bytes)[0..8]
///   chain    = SHA-256(chain before (16) · stream (UTF-8) · 0 · sequence (8) · segment (4) · checksum (8))[0..16]    big-endian
/// </code>
///
/// The chain before the first batch is zero. It finds accidents and clumsy changes; who can rewrite the whole stream can
/// rewrite its chain, which is why a backup notes where the streams ended.
/// </remarks>
public readonly record struct JournalChain(UInt128 Value)
{
    public const int Size = 16;

    /// <summary>Before the first batch.</summary>
    public static readonly JournalChain Start;

    /// <summary>The chain with one batch more.</summary>
    public JournalChain Next(string stream, long sequence, Segment segment, long checksum)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var name = Encoding.UTF8.GetByteCount(stream);
        Span<byte> bytes = stackalloc byte[Size + name + 1 + 8 + 4 + 8];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        Encoding.UTF8.GetBytes(stream, bytes[Size..]);
        var rest = bytes[(Size + name)..];
        rest[0] = 0;
        BinaryPrimitives.WriteInt64BigEndian(rest[1..], sequence);
        BinaryPrimitives.WriteInt32BigEndian(rest[9..], segment.Value);
        BinaryPrimitives.WriteInt64BigEndian(rest[13..], checksum);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return FromBytes(hash[..Size]);
    }

    /// <summary>Eight bytes of SHA-256.</summary>
    public static long ChecksumOf(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return BinaryPrimitives.ReadInt64BigEndian(hash);
    }

    /// <exception cref="ArgumentException">These are not 16 bytes.</exception>
    public static JournalChain FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length == Size
        ? new(BinaryPrimitives.ReadUInt128BigEndian(bytes))
        : throw new ArgumentException($"A chain has {Size} bytes, not {bytes.Length}.", nameof(bytes));

    public byte[] ToBytes()
    {
        var bytes = new byte[Size];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return bytes;
    }

    public override string ToString() => Value.ToString("x32", null);
}
