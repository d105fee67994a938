namespace HealthCode.Domain;

/// <summary>Every rule of the edition with how it stands: what a person, or a court, may ask of a colour.</summary>
public sealed record Explanation(PersonId Person, Minute At, PlanEdition Edition, Decision Decision, IReadOnlyList<RuleFinding> Rules)
{
    public IEnumerable<RuleFinding> Reasons => Rules.Where(rule => rule.Holds).OrderByDescending(rule => rule.Rule.Colour);

    /// <summary>The doubtful stays that a question is asked about, each with the rules that it would hold.</summary>
    public IEnumerable<(Stay Stay, IReadOnlyList<RuleFinding> Under)> Questions => Rules.Where(rule => rule.Asked is not null)
        .GroupBy(rule => rule.Asked!).Select(group => (group.Key, (IReadOnlyList<RuleFinding>)[.. group]));

    /// <summary>Spelled out from the same arguments as the decision, only when it is asked for.</summary>
    public static Explanation Of(PersonRecord record, AreaRisks areas, Policy policy, Minute now)
    {
        ArgumentNullException.ThrowIfNull(record);
        return Of(record.Person, record.Facts, record.EvidenceOf, areas, policy, now);
    }

    /// <summary>The same of a record in flat memory, which keeps evidence as bytes only.</summary>
    /// <param name="evidenceOf">The fact behind an entry of <paramref name="record"/>; asked for those only that are shown.</param>
    public static Explanation Of(
        PersonId person, in RecordFacts record, Func<int, Evidence> evidenceOf, AreaRisks areas, Policy policy, Minute now)
    {
        ArgumentNullException.ThrowIfNull(evidenceOf);
        ArgumentNullException.ThrowIfNull(policy);
        var rules = new List<RuleFinding>(policy.Edition.Rules.Count);
        foreach (var rule in policy.Edition.Rules)
            rules.Add(FindingOf(rule, new Evaluation(policy, record, areas, now), evidenceOf));
        return new(person, now, policy.Edition, policy.Decide(record, areas, now), rules);
    }

    private static RuleFinding FindingOf(Rule rule, Evaluation evaluation, Func<int, Evidence> evidenceOf)
    {
        var finding = evaluation.Find(rule);
        var endings = new List<EndingProgress>(rule.Ends.Length);
        if (finding.Since.Value > 0)
        {
            foreach (var ending in rule.Ends)
                endings.Add(evaluation.ProgressOf(ending, finding.Since));
        }
        return new RuleFinding(
            rule, finding.Holds, finding.Entry >= 0 ? evidenceOf(finding.Entry) : null, finding.Since, finding.Until, endings,
            finding.Asked >= 0 ? (Stay)evidenceOf(finding.Asked) : null, finding.AskedUntil);
    }
}

/// <summary>How one rule stands for one person.</summary>
/// <param name="Evidence">What held it last, whether it has ended or not; null when nothing ever did, or when reports were missed.</param>
/// <param name="Since">The moment from which its endings count; the default when nothing ever held it.</param>
/// <param name="Until">When it ends by itself; <see cref="Minute.Never"/> when only evidence ends it.</param>
/// <param name="Endings">How far each of its endings has come, in the rule's order; empty when nothing ever held it.</param>
/// <param name="Asked">The doubtful stay that the person is asked about; else null.</param>
/// <param name="AskedUntil">When it is asked no more, if nobody answers.</param>
public sealed record RuleFinding(
    Rule Rule, bool Holds, Evidence? Evidence, Minute Since, Minute Until, IReadOnlyList<EndingProgress> Endings, Stay? Asked,
    Minute AskedUntil)
{
    /// <summary>
    /// The day on which the rule ends if the person does all that is theirs to do and nothing else happens; null when it
    /// does not hold, or waits for somebody else.
    /// </summary>
    public Day? EarliestEnd(Minute now)
    {
        if (!Holds)
            return null;
        Day? earliest = Until.IsNever ? null : Day.Of(Until);
        foreach (var ending in Endings)
        {
            if (ending.EarliestDay(Since, now) is { } day && (earliest is null || day < earliest.Value))
                earliest = day;
        }
        return earliest;
    }
}
