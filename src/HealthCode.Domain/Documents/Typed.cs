using System.Text;

namespace HealthCode.Domain;

/// <summary>What people and their keyboards do to numbers, undone.</summary>
internal static class Typed
{
    /// <summary>Full-width forms (Chinese keyboards) become half-width; everything else stays.</summary>
    public static char HalfWidth(char c) => c switch
    {
        >= '\uFF01' and <= '\uFF5E' => (char)(c - 0xFEE0),
        '\u3000' => ' ',
        _ => c,
    };

    /// <summary>Half-width, upper case, without spaces, hyphens, brackets and invisible characters.</summary>
    public static string Compact(string text)
    {
        var compact = new StringBuilder(text.Length);
        foreach (var typed in text)
        {
            var c = HalfWidth(typed);
            if (!IsFiller(c))
                compact.Append(char.IsAsciiLetterLower(c) ? (char)(c - 'a' + 'A') : c);
        }
        return compact.ToString();
    }

    public static bool AllDigits(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('0', '9');

    public static bool AllLetters(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('A', 'Z');

    // Hyphens and dashes of all lengths, the minus sign, and the marks that come along when a number is copied.
    private static bool IsFiller(char c) => char.IsWhiteSpace(c) || c is '-' or '(' or ')'
        or (>= '\u2010' and <= '\u2015') or '\u2212' or (>= '\u200B' and <= '\u200F')
        or (>= '\u202A' and <= '\u202E') or '\uFEFF';
}
