using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>How long which evidence is kept. What is older than its class allows is erased, a week at a time.</summary>
/// <remarks>
/// A person's deletion ends all of it at once, whatever its class. The days are the region's own choice: no rule of the
/// field fixes them (field notes, 9), and the longest look-back of a published edition is 28 days.
/// </remarks>
/// <param name="ShortDays">Where people were, what they reported, tests, passes. At least <see cref="ShortDaysMin"/>.</param>
/// <param name="LongDays">Diagnoses, orders, contacts, other regions' words. Not shorter than the short ones.</param>
public sealed record Retention(int ShortDays = 60, int LongDays = 730)
{
    /// <summary>Twice the longest look-back of a published edition: what a rule may still ask is never erased.</summary>
    public const int ShortDaysMin = 56;

    /// <summary>A hundred years: beyond, a week's number would not fit.</summary>
    public const int DaysMax = 36_500;

    /// <summary>
    /// A residence lasts until the next, a dose counts for good, and a correction must outlive whatever it corrects; so
    /// these are kept until the person is deleted.
    /// </summary>
    public static RetentionClass ClassOf(Evidence evidence)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        return evidence switch
        {
            Stay { Until.IsNever: true } or Vaccination or Correction => RetentionClass.Standing,
            Diagnosis or Order or Release or Contact or Recognition => RetentionClass.Long,
            _ => RetentionClass.Short,
        };
    }

    public static Segment SegmentOf(Evidence evidence)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        return Segment.Of(ClassOf(evidence), evidence.Received);
    }

    /// <summary>Whether all of a segment's evidence is older than its class is kept.</summary>
    public bool IsOver(Segment segment, Minute now) => EndOf(segment) <= now;

    /// <summary>The first minute at which it is kept no longer; never when only a deletion ends it.</summary>
    public Minute EndOf(Segment segment) => segment.Class switch
    {
        RetentionClass.Short => segment.End.PlusDays(ShortDays),
        RetentionClass.Long => segment.End.PlusDays(LongDays),
        _ => Minute.Never,
    };
}
