using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace HealthCode.Domain;

/// <summary>The stable name of one fact about one person, in eight bytes. Unique among that person's facts.</summary>
/// <remarks>
/// It is derived from the source's own key for the fact, so the same fact sent twice is the same evidence. A person has
/// some thousands of facts at most, so 64 bits leave a collision to one in 10^12.
/// </remarks>
public readonly record struct EvidenceId(ulong Value) : IComparable<EvidenceId>
{
    /// <param name="source">Who keeps the key, e.g. <c>report</c> or <c>scan</c>.</param>
    /// <param name="key">The source's own key for the fact.</param>
    public static EvidenceId From(string source, string key)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{source}\n{key}"), hash);
        return new EvidenceId(BinaryPrimitives.ReadUInt64BigEndian(hash));
    }

    public int CompareTo(EvidenceId other) => Value.CompareTo(other.Value);

    /// <summary>16 lower-case hex digits.</summary>
    public override string ToString() => Value.ToString("x16", null);

    public static bool TryParse(string? text, out EvidenceId id)
    {
        id = default;
        if (text is not { Length: 16 } || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, null, out var value))
            return false;
        id = new EvidenceId(value);
        return true;
    }
}
