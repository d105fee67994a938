namespace HealthCode.Domain;

/// <summary>A calendar day in China, counted from 2020-01-01. Rules that say "for 14 days" count these.</summary>
/// <remarks>
/// China keeps one time zone, UTC+8, and no daylight saving (since 1991), so a day is arithmetic and needs no tables.
/// </remarks>
public readonly record struct Day(int Value) : IComparable<Day>
{
    private const int UtcOffsetMinutes = 8 * 60;

    public static Day Of(Minute minute) =>
        new((int)Math.Floor((minute.Value + (double)UtcOffsetMinutes) / Minute.PerDay));

    public static Day Of(DateOnly date) => new(date.DayNumber - FirstDayNumber);

    /// <summary>Midnight in China at the start of this day. The first day of 2020 is cut at its UTC midnight.</summary>
    public Minute Start => new(Math.Max(0, (Value * Minute.PerDay) - UtcOffsetMinutes));

    public Day Plus(int days) => new(Value + days);

    public DateOnly ToDateOnly() => DateOnly.FromDayNumber(Value + FirstDayNumber);

    public int CompareTo(Day other) => Value.CompareTo(other.Value);

    public static bool operator <(Day a, Day b) => a.Value < b.Value;
    public static bool operator >(Day a, Day b) => a.Value > b.Value;
    public static bool operator <=(Day a, Day b) => a.Value <= b.Value;
    public static bool operator >=(Day a, Day b) => a.Value >= b.Value;

    public override string ToString() => ToDateOnly().ToString("yyyy-MM-dd", null);

    private static readonly int FirstDayNumber = new DateOnly(2020, 1, 1).DayNumber;
}
