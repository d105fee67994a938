namespace HealthCode.Domain;

/// <summary>Every rule of the edition with how it stands: what a person, or a court, may ask of a colour.</summary>
public sealed record Explanation(PersonId Person, Minute At, PlanEdition Edition, Decision Decision, IReadOnlyList<RuleFinding> Rules)
{
    public IEnumerable<RuleFinding> Reasons => Rules.Where(rule => rule.Finding.Holds).OrderByDescending(rule => rule.Rule.Colour);

    /// <summary>Spelled out from the same arguments as the decision, only when it is asked for.</summary>
    public static Explanation Of(PersonRecord record, AreaRisks areas, PlanEdition edition, Minute now) => new(
        record.Person, now, edition, Policy.Decide(record.Standing, areas, edition, now),
        [.. edition.Rules.Select(rule => new RuleFinding(rule, Policy.Find(rule, record.Standing, areas, edition, now)))]);
}

public sealed record RuleFinding(Rule Rule, Finding Finding);
