using System.Buffers.Binary;
using System.Globalization;

namespace HealthCode.Domain;

/// <summary>One person in one region: 128 bits of an HMAC over document type and normalised number.</summary>
/// <remarks>
/// Any feed row finds its person without a look-up, even before that person registered. Nobody without the region's
/// secret can go from a number to an identifier or try numbers out; see <see cref="IdentityDocument.PersonIn"/>.
/// </remarks>
public readonly record struct PersonId(ulong High, ulong Low)
{
    public const int Size = 16;

    public static PersonId FromBytes(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    /// <summary>Which of <paramref name="partitions"/> keeps this person. The count is fixed when a region is created.</summary>
    public int PartitionOf(int partitions) => (int)(High % (uint)partitions);

    /// <summary>32 lower-case hex digits.</summary>
    public override string ToString() => $"{High:x16}{Low:x16}";

    public static bool TryParse(string? text, out PersonId person)
    {
        person = default;
        if (text is not { Length: 32 }
            || !ulong.TryParse(text.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, null, out var high)
            || !ulong.TryParse(text.AsSpan(16), NumberStyles.AllowHexSpecifier, null, out var low))
            return false;
        person = new PersonId(high, low);
        return true;
    }
}
