using System.Globalization;

namespace HealthCode.Domain;

/// <summary>
/// The layout of GB 11643-1999: six digits of the county, eight of the birth date, three of sequence (odd for men), one
/// check character. The county is not looked up: codes of abolished counties live on in people's numbers.
/// </summary>
public static class CitizenNumber
{
    public const int Length = 18;

    internal const int OldLength = 15;

    internal static readonly DateOnly FirstBirthDate = new(1880, 1, 1);

    /// <summary>The check character of 17 digits: ISO 7064 MOD 11-2, where X stands for ten.</summary>
    public static char CheckCharacter(ReadOnlySpan<char> digits)
    {
        var remainder = 0;
        foreach (var digit in digits)
            remainder = (remainder + (digit - '0')) * 2 % 11;
        var check = (12 - remainder) % 11;
        return check == 10 ? 'X' : (char)('0' + check);
    }

    /// <summary>Writes a number out. The parts are trusted.</summary>
    public static string Compose(int county, DateOnly birthDate, int sequence)
    {
        var digits = string.Create(CultureInfo.InvariantCulture, $"{county:D6}{birthDate:yyyyMMdd}{sequence:D3}");
        return digits + CheckCharacter(digits);
    }

    /// <summary>The form of 15 digits (two of the year, no check), written as one of 18. It was given out until 1999.</summary>
    internal static string Lengthen(ReadOnlySpan<char> old)
    {
        var digits = string.Concat(old[..6], "19", old[6..]);
        return digits + CheckCharacter(digits);
    }

    internal static bool IsShaped(ReadOnlySpan<char> number) =>
        number.Length == Length && number[0] != '0' && Typed.AllDigits(number[..17])
        && (char.IsAsciiDigit(number[17]) || number[17] == 'X');

    internal static bool TryBirthDate(ReadOnlySpan<char> number, DateOnly today, out DateOnly birthDate) =>
        DateOnly.TryParseExact(number.Slice(6, 8), "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None,
            out birthDate)
        && birthDate >= FirstBirthDate && birthDate <= today;

    internal static bool IsChecked(ReadOnlySpan<char> number) => number[17] == CheckCharacter(number[..17]);

    /// <summary>Whether the address is Hong Kong, Macao or Taiwan as a whole: then it is a residence permit.</summary>
    internal static bool IsResidencePermit(ReadOnlySpan<char> number) => number[..6] is "810000" or "820000" or "830000";
}
