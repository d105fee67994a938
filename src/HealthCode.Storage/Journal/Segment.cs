using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>How long a kind of evidence is kept. Its numbers are stored.</summary>
public enum RetentionClass : byte
{
    /// <summary>For ever: about no person (area risks, editions).</summary>
    Permanent = 0,

    /// <summary>Until its person is deleted.</summary>
    Standing = 1,

    /// <summary>The shorter of two periods after it was received.</summary>
    Short = 2,

    /// <summary>The longer of two periods after it was received.</summary>
    Long = 3,
}

/// <summary>What one retention period covers: a class of evidence, received in one week. It is erased as a whole.</summary>
/// <remarks>
/// Stored as one number: class × 10,000 + the week since Monday 2020-01-06 (UTC). The default is <see cref="Permanent"/>,
/// which has no week.
/// </remarks>
public readonly record struct Segment(int Value)
{
    private const int ClassFactor = 10_000, MinutesPerWeek = 7 * Minute.PerDay;

    // 2020-01-01 was a Wednesday.
    private const int FirstMonday = 5 * Minute.PerDay;

    public static readonly Segment Permanent;

    /// <summary>The segment of what was received at a moment. The days before the first Monday count to its week.</summary>
    public static Segment Of(RetentionClass retention, Minute received) => retention == RetentionClass.Permanent
        ? Permanent
        : new((int)retention * ClassFactor + Math.Clamp((received.Value - FirstMonday) / MinutesPerWeek, 0, ClassFactor - 1));

    public RetentionClass Class => (RetentionClass)(Value / ClassFactor);

    /// <summary>Whole weeks since Monday 2020-01-06; 0 when permanent.</summary>
    public int Week => Value % ClassFactor;

    /// <summary>The first minute that belongs to it.</summary>
    public Minute FirstMinute => Week == 0 ? default : new(FirstMonday + Week * MinutesPerWeek);

    /// <summary>The first minute that belongs to it no more: from then on it does not grow. Never when permanent.</summary>
    public Minute End => Class == RetentionClass.Permanent ? Minute.Never : new(FirstMonday + (Week + 1) * MinutesPerWeek);

    public override string ToString() => Class == RetentionClass.Permanent ? "permanent" : $"{Class} {FirstMinute.ToDateTimeOffset():yyyy-MM-dd}";
}
