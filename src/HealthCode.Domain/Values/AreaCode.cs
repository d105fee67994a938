namespace HealthCode.Domain;

/// <summary>
/// An area. Either an administrative division, from province to residents' committee: 2, 4, 6, 9 or 12 digits (GB/T
/// 2260-2007 to the county, GB/T 10114-2003 to the township, then the statistics bureau's three digits); or a free-form
/// area inside a residents' committee, numbered by the region itself: a compound (小区) of 15 digits, a building (楼栋) in
/// one of 18.
/// </summary>
/// <remarks>
/// <code>
///   Value of a division         33 01 06 001 002            padded to 12 digits, below 10^12
///   Value of a free-form area   33 01 06 001 002 003 004    padded to 18 digits, 10^17 and above
/// </code>
/// The values are in the journal, so that of a division stays what it was before there were free-form areas. The default
/// (0) is no area.
/// </remarks>
public readonly record struct AreaCode(long Value) : IComparable<AreaCode>
{
    private const int FreeDigits = 18;

    /// <summary>From here on a value is of a free-form area.</summary>
    private const long FreeFrom = 1_000_000_000_000;

    private const long FreeFactor = 1_000_000;

    public bool IsNone => Value == 0;

    /// <summary>A compound or a building: an area of the region's own numbering.</summary>
    public bool IsFree => Value >= FreeFrom;

    /// <summary>How many leading digits mean something: 2, 4, 6, 9, 12, 15 or 18; 0 for none.</summary>
    public int Depth => Value switch
    {
        0 => 0,
        >= FreeFrom => Value % 1_000 == 0 ? 15 : 18,
        _ when Value % 10_000_000_000 == 0 => 2,
        _ when Value % 100_000_000 == 0 => 4,
        _ when Value % 1_000_000 == 0 => 6,
        _ when Value % 1_000 == 0 => 9,
        _ => 12,
    };

    /// <summary>Whether <paramref name="other"/> is this area or lies in it.</summary>
    public bool Contains(AreaCode other)
    {
        var scale = Depth switch
        {
            2 => 10_000_000_000_000_000, 4 => 100_000_000_000_000, 6 => 1_000_000_000_000, 9 => 1_000_000_000,
            12 => 1_000_000, 15 => 1_000, 18 => 1, _ => 0L,
        };
        return scale != 0 && other.Padded / scale == Padded / scale;
    }

    /// <summary>The next larger area; the default for a province.</summary>
    public AreaCode Parent => Depth switch
    {
        18 => new(Value / 1_000 * 1_000),
        15 => new(Value / FreeFactor),
        12 => new(Value / 1_000 * 1_000),
        9 => new(Value / 1_000_000 * 1_000_000),
        6 => new(Value / 100_000_000 * 100_000_000),
        4 => new(Value / 10_000_000_000 * 10_000_000_000),
        _ => default,
    };

    /// <summary>The county that it lies in; a larger division is its own.</summary>
    public AreaCode County => new(IsFree ? Value / FreeFrom * 1_000_000 : Value / 1_000_000 * 1_000_000);

    /// <summary>The free-form area of this number just below: a compound of a residents' committee, a building of a compound.</summary>
    /// <param name="number">1 to 999.</param>
    /// <exception cref="InvalidOperationException">Nothing free-form lies just below an area of this depth.</exception>
    public AreaCode Below(int number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, 999);
        return Depth switch
        {
            12 => new((Value * FreeFactor) + (number * 1_000L)),
            15 => new(Value + number),
            _ => throw new InvalidOperationException($"{this} is neither a residents' committee nor a compound."),
        };
    }

    /// <summary>
    /// Reads 2, 4, 6, 9, 12, 15 or 18 digits. Whether such an area exists is not asked: abolished ones live on. A compound
    /// lies in a residents' committee and a building in a compound, so neither may be skipped.
    /// </summary>
    public static bool TryParse(string? text, out AreaCode area)
    {
        area = default;
        if (text is not { Length: 2 or 4 or 6 or 9 or 12 or 15 or 18 } || text[0] == '0')
            return false;
        long value = 0;
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            value = (value * 10) + (c - '0');
        }
        for (var i = text.Length; i < FreeDigits; i++)
            value *= 10;
        if (value % FreeFactor == 0)
            value /= FreeFactor;
        else if (value / FreeFactor % 1_000 == 0 || value / 1_000 % 1_000 == 0)
            return false;
        area = new AreaCode(value);
        return true;
    }

    public int CompareTo(AreaCode other) => Padded.CompareTo(other.Padded);

    /// <summary>The digits that mean something, but never fewer than the six of GB/T 2260.</summary>
    public override string ToString() =>
        IsNone ? "" : Value.ToString(IsFree ? "D18" : "D12", null)[..Math.Max(6, Depth)];

    /// <summary>All areas in 18 digits, so that one lies in another when the leading digits are the same.</summary>
    private long Padded => IsFree ? Value : Value * FreeFactor;
}
