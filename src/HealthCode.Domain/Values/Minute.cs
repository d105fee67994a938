namespace HealthCode.Domain;

/// <summary>A moment, counted in whole minutes since 2020-01-01T00:00Z, in four bytes.</summary>
/// <remarks>
/// A minute is fine enough for every rule, and half the size of a tick count; a partition keeps several for each of
/// its residents. The default is the first minute of 2020, which no evidence can carry, so an unset moment shows itself.
/// </remarks>
public readonly record struct Minute(int Value) : IComparable<Minute>
{
    private static readonly DateTimeOffset Epoch = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public const int PerDay = 24 * 60;

    /// <summary>Later than every moment: what never happens, or never ends, carries this.</summary>
    public static readonly Minute Never = new(int.MaxValue);

    /// <summary>The minute that <paramref name="moment"/> falls in. Moments before 2020 become the first minute.</summary>
    public static Minute Of(DateTimeOffset moment) =>
        new((int)Math.Clamp(Math.Floor((moment - Epoch).TotalMinutes), 0, int.MaxValue - 1));

    /// <summary>The start of this minute. <see cref="Never"/> has none; ask <see cref="IsNever"/> first.</summary>
    public DateTimeOffset ToDateTimeOffset() => Epoch.AddMinutes(Value);

    public bool IsNever => Value == int.MaxValue;

    public Minute Plus(TimeSpan span) => IsNever ? Never : Moved((long)span.TotalMinutes);

    public Minute PlusDays(int days) => IsNever ? Never : Moved((long)days * PerDay);

    // What would lie beyond the last minute is the last minute, and not the past.
    private Minute Moved(long minutes) => new((int)Math.Clamp(Value + minutes, 0, int.MaxValue - 1));

    public static Minute Earlier(Minute a, Minute b) => a.Value < b.Value ? a : b;

    public static Minute Later(Minute a, Minute b) => a.Value > b.Value ? a : b;

    public int CompareTo(Minute other) => Value.CompareTo(other.Value);

    public static bool operator <(Minute a, Minute b) => a.Value < b.Value;
    public static bool operator >(Minute a, Minute b) => a.Value > b.Value;
    public static bool operator <=(Minute a, Minute b) => a.Value <= b.Value;
    public static bool operator >=(Minute a, Minute b) => a.Value >= b.Value;

    public override string ToString() => IsNever ? "never" : ToDateTimeOffset().ToString("yyyy-MM-dd'T'HH:mm'Z'", null);
}
