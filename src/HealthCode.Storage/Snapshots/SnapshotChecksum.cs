using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace HealthCode.Storage;

/// <summary>Says of a part of a snapshot that it is this part of this snapshot, as it was written.</summary>
internal static class SnapshotChecksum
{
    /// <summary>Eight bytes of SHA-256 over the part's place and its bytes.</summary>
    public static long Of(string stream, long sequence, int format, int part, ReadOnlySpan<byte> bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{stream}\n{sequence}\n{format}\n{part}\n"));
        hash.AppendData(bytes);
        return BinaryPrimitives.ReadInt64BigEndian(hash.GetHashAndReset());
    }

    /// <summary>Believes a snapshot as a store holds it, or says what is wrong with it.</summary>
    /// <exception cref="SnapshotDamagedException">It is not what was written.</exception>
    public static StoredSnapshot Check(
        string stream, long sequence, int format, int count, List<(int Part, byte[] Bytes, long Checksum)> parts)
    {
        if (parts.Count != count)
            throw new SnapshotDamagedException(stream, $"it has {parts.Count} parts and not {count}");
        var bytes = new ReadOnlyMemory<byte>[count];
        Parallel.For(0, count, index =>
        {
            if (parts[index].Part == index && Of(stream, sequence, format, index, parts[index].Bytes) == parts[index].Checksum)
                bytes[index] = parts[index].Bytes;
            else
                parts[index] = default;
        });
        var damaged = parts.FindIndex(part => part.Bytes is null);
        return damaged < 0
            ? new StoredSnapshot(sequence, format, bytes)
            : throw new SnapshotDamagedException(stream, $"the checksum of its part {damaged} does not fit");
    }
}
