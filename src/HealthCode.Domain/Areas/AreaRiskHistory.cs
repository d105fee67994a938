namespace HealthCode.Domain;

/// <summary>
/// Every change of the area risks that there ever was. It answers two questions that are not the same: what was at risk
/// on a day, and what was known of it on another. Immutable, like what it gives.
/// </summary>
/// <remarks>A decision of last year is made again with what was known then, or it would not be the same decision.</remarks>
public sealed class AreaRiskHistory
{
    public static readonly AreaRiskHistory None = new([], AreaRisks.None);

    private readonly AreaRisk[] changes;

    private AreaRiskHistory(AreaRisk[] changes, AreaRisks now) => (this.changes, Now) = (changes, now);

    /// <summary>As known now.</summary>
    public AreaRisks Now { get; }

    /// <summary>Every change in the order in which it was set.</summary>
    public IReadOnlyList<AreaRisk> Changes => changes;

    /// <summary>And these changes, the later of which were set later.</summary>
    public AreaRiskHistory With(IReadOnlyCollection<AreaRisk> more)
    {
        ArgumentNullException.ThrowIfNull(more);
        return more.Count == 0 ? this : new AreaRiskHistory([.. changes, .. more], Now.With(more));
    }

    /// <summary>As known at <paramref name="moment"/>: without what was set later, even about earlier days.</summary>
    public AreaRisks AsKnownAt(Minute moment) => AreaRisks.None.With([.. changes.Where(change => change.SetAt <= moment)]);

    /// <summary>The changes that concern <paramref name="area"/>, set on itself or on an area that it lies in, newest first.</summary>
    public IEnumerable<AreaRisk> Of(AreaCode area) => changes.Where(change => change.Area.Contains(area)).Reverse();
}
