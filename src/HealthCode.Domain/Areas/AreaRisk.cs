namespace HealthCode.Domain;

/// <summary>The risk level of an area, in order of severity. The numbers are stored.</summary>
public enum RiskLevel : byte
{
    Low = 0,
    Medium = 1,
    High = 2,
}

/// <summary>One area's risk over a period, as somebody set it.</summary>
/// <param name="Until">First minute after the period; <see cref="Minute.Never"/> until it is ended.</param>
public sealed record AreaRisk(Guid Id, AreaCode Area, RiskLevel Level, Minute From, Minute Until, string Reason, string SetBy, Minute SetAt);

/// <summary>
/// The risk of every area in every period, as known now. Immutable: a change makes a new one, so a decision never sees
/// half of a change.
/// </summary>
public sealed class AreaRisks
{
    public static readonly AreaRisks None = new([]);

    private readonly AreaRisk[] risks;

    private AreaRisks(AreaRisk[] risks) => this.risks = risks;

    /// <summary>Changes whenever the contents do; a cached decision from another version may be stale.</summary>
    public int Version { get; private init; }

    public IReadOnlyList<AreaRisk> All => risks;

    /// <summary>Adds a period, or puts a changed one (same id) in the place of the old.</summary>
    public AreaRisks With(AreaRisk risk) =>
        new([.. risks.Where(other => other.Id != risk.Id), risk]) { Version = Version + 1 };

    /// <summary>The periods that hold in <paramref name="area"/>: its own, and those of the areas that it lies in.</summary>
    public RiskPeriods Of(AreaCode area) => new(risks, area);

    public AreaRisk? Find(Guid id) => Array.Find(risks, risk => risk.Id == id);

    /// <summary>
    /// The last minute (exclusive) at which a presence in <paramref name="area"/> from <paramref name="from"/> to
    /// <paramref name="until"/> overlapped a period of <paramref name="level"/> that had begun by <paramref name="now"/>;
    /// the default when it never did. Risk set on an area holds for all that lies in it.
    /// </summary>
    public Minute LastExposure(AreaCode area, Minute from, Minute until, RiskLevel level, Minute now)
    {
        var last = default(Minute);
        foreach (var risk in risks)
        {
            if (risk.Level != level || risk.From > now || !risk.Area.Contains(area))
                continue;
            var begin = Minute.Later(risk.From, from);
            var end = Minute.Earlier(Minute.Earlier(risk.Until, until), new Minute(now.Value + 1));
            if (begin < end)
                last = Minute.Later(last, end);
        }
        return last;
    }

    /// <summary>The next moment after <paramref name="now"/> at which a period begins or ends.</summary>
    public Minute NextChange(Minute now)
    {
        var next = Minute.Never;
        foreach (var risk in risks)
        {
            if (risk.From > now)
                next = Minute.Earlier(next, risk.From);
            if (risk.Until > now)
                next = Minute.Earlier(next, risk.Until);
        }
        return next;
    }
}

/// <summary>Walks over the risk periods of one area without allocating.</summary>
public ref struct RiskPeriods
{
    private readonly ReadOnlySpan<AreaRisk> risks;
    private readonly AreaCode area;
    private int index;

    internal RiskPeriods(ReadOnlySpan<AreaRisk> risks, AreaCode area)
    {
        this.risks = risks;
        this.area = area;
        index = -1;
    }

    public readonly AreaRisk Current => risks[index];

    public readonly RiskPeriods GetEnumerator() => this;

    public bool MoveNext()
    {
        while (++index < risks.Length)
        {
            if (risks[index].Area.Contains(area))
                return true;
        }
        return false;
    }
}
