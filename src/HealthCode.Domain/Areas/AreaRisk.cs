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
public sealed record AreaRisk(Guid Id, AreaCode Area, RiskLevel Level, Minute From, Minute Until, string Reason, string SetBy, Minute SetAt)
{
    /// <summary>Whether <paramref name="other"/> says the same of the same period, whoever said it and when.</summary>
    public bool SaysSameAs(AreaRisk other) =>
        (Id, Area, Level, From, Until, Reason) == (other.Id, other.Area, other.Level, other.From, other.Until, other.Reason);
}
