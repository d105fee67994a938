using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace HealthCode.Tokens;

/// <summary>The name of a signing key: the first eight bytes of the SHA-256 of its SubjectPublicKeyInfo.</summary>
/// <remarks>Anyone who has the public key can compute it, so a key set cannot give a key another's name.</remarks>
public readonly record struct KeyId(ulong Value)
{
    public const int Size = 8;

    public static KeyId Of(ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return FromBytes(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
    }

    public static KeyId FromBytes(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt64BigEndian(bytes));

    public void WriteTo(Span<byte> destination) => BinaryPrimitives.WriteUInt64BigEndian(destination, Value);

    /// <summary>16 lower-case hex digits.</summary>
    public override string ToString() => Value.ToString("x16", null);

    public static bool TryParse(string? text, out KeyId key)
    {
        key = default;
        if (text is not { Length: 16 } || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, null, out var value))
            return false;
        key = new KeyId(value);
        return true;
    }
}
