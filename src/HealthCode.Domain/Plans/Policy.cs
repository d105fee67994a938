using System.Numerics;

namespace HealthCode.Domain;

/// <summary>What a person's evidence amounts to at one moment: the worst of the rules that hold.</summary>
/// <param name="Holding">One bit for each rule of the edition that holds, in the edition's order.</param>
/// <param name="Asking">One bit for each rule that only a doubtful stay speaks for: it asks a question and colours nobody.</param>
/// <param name="NextChange">When the decision may next change without new evidence. It may come to nothing, and never comes later.</param>
/// <param name="PassUntil">First minute after the running pass, where every rule that holds allows one; else the default.</param>
public readonly record struct Decision(Colour Colour, ulong Holding, ulong Asking, Minute NextChange, Minute PassUntil)
{
    public int ReasonCount => BitOperations.PopCount(Holding);
}

/// <summary>
/// An edition made ready to decide: the pure function from a record to a colour. The same record, areas and moment always
/// give the same decision. Immutable; one serves all threads.
/// </summary>
/// <remarks>
/// Most people have nothing against them, so the first question is always which kinds of evidence there are at all, and a
/// rule whose kinds are not among them costs one comparison.
/// </remarks>
public sealed class Policy
{
    /// <summary>The kind of what is no evidence: days on which nothing was reported.</summary>
    private const uint Silence = 1;

    private static readonly Decision Nothing = new(Colour.Green, 0, 0, Minute.Never, default);

    /// <summary>The code of a national plan: 100000, which is the prefix of nothing.</summary>
    private static readonly AreaCode China = new(100_000_000_000);

    private readonly Rule[] rules;
    private readonly uint[] kinds;
    private readonly uint anyKind;
    private readonly bool namesAreas;
    private readonly ulong passable;

    public Policy(PlanEdition edition)
    {
        ArgumentNullException.ThrowIfNull(edition);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(edition.Rules.Count, PlanEdition.RulesMax, nameof(edition));
        Edition = edition;
        Region = AreaCode.TryParse(edition.Region, out var region) ? region
            : throw new ArgumentException($"{edition.Region} is no division.", nameof(edition));
        rules = [.. edition.Rules];
        kinds = [.. rules.Select(rule => rule.Holds.Aggregate(0u, (bits, condition) => bits | KindOf(condition)))];
        anyKind = kinds.Aggregate(0u, (bits, kind) => bits | kind);
        namesAreas = rules.Any(rule => rule.Holds.Any(condition => condition.Kind == ConditionKind.StayIn));
        for (var index = 0; index < rules.Length; index++)
            passable |= rules[index].Pass ? 1UL << index : 0;
    }

    public PlanEdition Edition { get; }

    internal AreaCode Region { get; }

    /// <summary>Whether an area lies in the region whose plan it is.</summary>
    internal bool IsInside(AreaCode area) => Region == China || Region.Contains(area);

    /// <summary>Decides the colour at <paramref name="now"/>.</summary>
    public Decision Decide(in RecordFacts record, AreaRisks areas, Minute now)
    {
        var present = PresentOf(record, areas) & anyKind;
        return present == 0 ? Nothing : Evaluate(new Evaluation(this, record, areas, now), present);
    }

    private Decision Evaluate(Evaluation evaluation, uint present)
    {
        var (colour, holding, asking) = (Colour.Green, 0UL, 0UL);
        for (var index = 0; index < kinds.Length; index++)
        {
            if ((kinds[index] & present) == 0)
                continue;
            var finding = evaluation.Find(rules[index]);
            if (finding.Holds)
            {
                colour = Colours.Worse(colour, rules[index].Colour);
                holding |= 1UL << index;
            }
            else if (finding.Asked >= 0)
                asking |= 1UL << index;
        }

        var pass = holding != 0 && (holding & ~passable) == 0 ? evaluation.RunningPass() : default;
        return new Decision(colour, holding, asking, evaluation.NextChange, pass);
    }

    /// <summary>How one rule stands; <see cref="Decide"/> is nothing but this for each rule.</summary>
    public Finding Find(Rule rule, in RecordFacts record, AreaRisks areas, Minute now) => new Evaluation(this, record, areas, now).Find(rule);

    /// <summary>Whether a declaration counts as a normal daily report.</summary>
    public bool IsNormal(Declaration declaration)
    {
        ArgumentNullException.ThrowIfNull(declaration);
        return declaration is { Symptoms: Symptoms.None, Contact: not Domain.DeclaredContact.Yes } && declaration.TemperatureTenths < Edition.FeverTenths;
    }

    // Nearly everybody has stays, and nearly nobody's are in an area that was ever at risk.
    private uint PresentOf(in RecordFacts record, AreaRisks areas)
    {
        const uint stays = 1u << (int)EvidenceKind.Stay;
        var present = record.Kinds | (record.Reports.Any ? Silence : 0);
        return (present & stays) != 0 && !namesAreas && !AnyStayAtRisk(record, areas) ? present & ~stays : present;
    }

    private static bool AnyStayAtRisk(in RecordFacts record, AreaRisks areas)
    {
        foreach (ref readonly var entry in record.Entries)
        {
            if (entry.Kind == EvidenceKind.Stay && areas.MayConcern(entry.Area) && areas.Of(entry.Area).MoveNext())
                return true;
        }
        return false;
    }

    private static uint KindOf(Condition condition) => condition.Kind switch
    {
        ConditionKind.Diagnosis => RecordEntry.Bit(EvidenceKind.Diagnosis),
        ConditionKind.StayAtRisk or ConditionKind.StayIn => RecordEntry.Bit(EvidenceKind.Stay),
        ConditionKind.DeclaredSymptoms or ConditionKind.DeclaredContact => RecordEntry.Bit(EvidenceKind.Declaration),
        ConditionKind.Contact => RecordEntry.Bit(EvidenceKind.Contact),
        ConditionKind.Order => RecordEntry.Bit(EvidenceKind.Order),
        ConditionKind.Test => RecordEntry.Bit(EvidenceKind.Test),
        ConditionKind.Arrival => RecordEntry.Bit(EvidenceKind.Arrival),
        ConditionKind.JourneyFromOutside or ConditionKind.JourneyFromRisk => RecordEntry.Bit(EvidenceKind.Journey),
        ConditionKind.Recognition => RecordEntry.Bit(EvidenceKind.Recognition),
        _ => Silence,
    };
}

/// <summary>How one rule stands for one person at one moment.</summary>
/// <param name="Entry">Which entry of the record last held it; -1 when none did, or when silence did.</param>
/// <param name="Since">The moment from which its endings count; the default when nothing ever held it.</param>
/// <param name="Until">When it ends by itself; <see cref="Minute.Never"/> when only evidence ends it.</param>
/// <param name="Asked">The doubtful stay that a question is asked about; -1 for none.</param>
/// <param name="AskedUntil">When it is asked no more, if nobody answers; the default when nothing is asked.</param>
public readonly record struct Finding(bool Holds, int Entry, Minute Since, Minute Until, int Asked, Minute AskedUntil);
