namespace HealthCode.Tokens;

/// <summary>Base45 (RFC 9285): bytes in the 45 characters that a QR code packs two to eleven bits.</summary>
/// <remarks>Two bytes become three characters, a last single byte two, the least significant first.</remarks>
public static class Base45
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        var text = new char[(bytes.Length / 2 * 3) + (bytes.Length % 2 * 2)];
        var at = 0;
        for (var i = 0; i + 1 < bytes.Length; i += 2, at += 3)
            Write((bytes[i] << 8) | bytes[i + 1], text.AsSpan(at, 3));
        if (bytes.Length % 2 == 1)
            Write(bytes[^1], text.AsSpan(at, 2));
        return new string(text);
    }

    /// <summary>Reads what <see cref="Encode"/> writes and nothing else, so there is one text for the same bytes.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];
        if (text.Length % 3 == 1)
            return false;

        var result = new byte[(text.Length / 3 * 2) + (text.Length % 3 / 2)];
        var at = 0;
        for (var i = 0; i < text.Length; i += 3)
        {
            var group = text.Slice(i, Math.Min(3, text.Length - i));
            var value = ValueOf(group);
            if (value < 0 || value > (group.Length == 3 ? ushort.MaxValue : byte.MaxValue))
                return false;
            if (group.Length == 3)
                result[at++] = (byte)(value >> 8);
            result[at++] = (byte)value;
        }
        bytes = result;
        return true;
    }

    private static void Write(int value, Span<char> group)
    {
        for (var i = 0; i < group.Length; i++, value /= 45)
            group[i] = Alphabet[value % 45];
    }

    /// <summary>The number that two or three characters stand for; -1 when one is not of the alphabet.</summary>
    private static int ValueOf(ReadOnlySpan<char> group)
    {
        var value = 0;
        for (var i = group.Length - 1; i >= 0; i--)
        {
            var digit = Alphabet.IndexOf(group[i], StringComparison.Ordinal);
            if (digit < 0)
                return -1;
            value = (value * 45) + digit;
        }
        return value;
    }
}
