namespace HealthCode.Domain;

/// <summary>
/// An administrative division, from province to residents' committee: 2, 4, 6, 9 or 12 digits (GB/T 2260-2007 to the
/// county, GB/T 10114-2003 to the township, then the statistics bureau's three digits), kept padded to 12.
/// </summary>
/// <remarks>The default (0) is no area.</remarks>
public readonly record struct AreaCode(long Value) : IComparable<AreaCode>
{
    private const int Digits = 12;

    public bool IsNone => Value == 0;

    /// <summary>How many leading digits mean something: 2, 4, 6, 9 or 12; 0 for none.</summary>
    public int Depth => Value switch
    {
        0 => 0,
        _ when Value % 10_000_000_000 == 0 => 2,
        _ when Value % 100_000_000 == 0 => 4,
        _ when Value % 1_000_000 == 0 => 6,
        _ when Value % 1_000 == 0 => 9,
        _ => 12,
    };

    /// <summary>Whether <paramref name="other"/> is this area or lies in it.</summary>
    public bool Contains(AreaCode other)
    {
        var scale = Depth switch { 2 => 10_000_000_000, 4 => 100_000_000, 6 => 1_000_000, 9 => 1_000, 12 => 1, _ => 0L };
        return scale != 0 && other.Value / scale == Value / scale;
    }

    /// <summary>The next larger area; the default for a province.</summary>
    public AreaCode Parent => Depth switch
    {
        12 => new(Value / 1_000 * 1_000),
        9 => new(Value / 1_000_000 * 1_000_000),
        6 => new(Value / 100_000_000 * 100_000_000),
        4 => new(Value / 10_000_000_000 * 10_000_000_000),
        _ => default,
    };

    /// <summary>Reads 2, 4, 6, 9 or 12 digits. Whether such a division exists is not asked: abolished ones live on.</summary>
    public static bool TryParse(string? text, out AreaCode area)
    {
        area = default;
        if (text is not { Length: 2 or 4 or 6 or 9 or 12 } || text[0] == '0')
            return false;
        long value = 0;
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            value = (value * 10) + (c - '0');
        }
        for (var i = text.Length; i < Digits; i++)
            value *= 10;
        area = new AreaCode(value);
        return true;
    }

    public int CompareTo(AreaCode other) => Value.CompareTo(other.Value);

    /// <summary>The digits that mean something, but never fewer than the six of GB/T 2260.</summary>
    public override string ToString() =>
        IsNone ? "" : Value.ToString("D12", null)[..Math.Max(6, Depth)];
}
