using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>An approved edition, ready to decide.</summary>
public sealed record Enacted(EditionApproved Approval, Policy Policy)
{
    public PlanEdition Edition => Policy.Edition;

    public Minute InForceFrom => Approval.InForceFrom;

    /// <exception cref="EditionFileException">This program cannot read the edition any more.</exception>
    public static Enacted Of(EditionApproved approval)
    {
        ArgumentNullException.ThrowIfNull(approval);
        return new(approval, new Policy(EditionFile.Parse(approval.Text, approval.Edition, _ => approval.Base)));
    }
}

/// <summary>Every edition that was approved here, and which of them decides when. Immutable: a fact makes a new one.</summary>
public sealed class PlanHistory
{
    public static readonly PlanHistory Empty = new([], []);

    private PlanHistory(IReadOnlyList<PlanFact> facts, IReadOnlyList<Enacted> editions) => (Facts, Editions) = (facts, editions);

    /// <summary>All that the journal says, oldest first; also of editions that were withdrawn.</summary>
    public IReadOnlyList<PlanFact> Facts { get; }

    /// <summary>What was not withdrawn, by the moment it takes force; of two with one moment the later approved comes last.</summary>
    public IReadOnlyList<Enacted> Editions { get; }

    public bool IsEmpty => Editions.Count == 0;

    /// <param name="knownBy">As it was known then; later facts are left out, but for the first edition, which decides what lies before.</param>
    /// <returns>The history, and the sequence that the next fact must be appended with.</returns>
    public static async Task<(PlanHistory History, long NextSequence)> LoadAsync(IJournal journal, Minute knownBy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(journal);
        var (history, next) = (Empty, 0L);
        await foreach (var batch in journal.ReadStreamAsync(JournalStreams.Plans, 0, cancellation).ConfigureAwait(false))
        {
            foreach (var fact in PlanCodec.Decode(batch))
                history = fact.At <= knownBy || history.IsEmpty ? history.With(fact) : history;
            next = batch.Sequence + 1;
        }
        return (history, next);
    }

    public PlanHistory With(PlanFact fact)
    {
        var others = Editions.Where(other => other.Edition.Id != fact.Edition);
        return new([.. Facts, fact], fact is EditionApproved approved
            ? [.. others.Append(Enacted.Of(approved)).OrderBy(edition => edition.InForceFrom)]
            : [.. others]);
    }

    public Enacted? Find(string edition) => Editions.FirstOrDefault(other => other.Edition.Id == edition);

    /// <summary>The edition that decides at <paramref name="now"/>. What lies before the first is decided by the first.</summary>
    public Enacted At(Minute now)
    {
        // Every display asks, and nearly always for the last.
        var index = Editions.Count - 1;
        while (index > 0 && Editions[index].InForceFrom > now)
            index--;
        return Editions[index];
    }

    /// <summary>Decides by the edition of that moment. Another edition may decide otherwise from its first minute on.</summary>
    public Decision Decide(RecordFacts record, AreaRisks areas, Minute now) => Bounded(At(now).Policy.Decide(record, areas, now), now);

    /// <summary>The same, spelled out.</summary>
    public Explanation Explain(PersonRecord record, AreaRisks areas, Minute now)
    {
        ArgumentNullException.ThrowIfNull(record);
        return Bounded(Explanation.Of(record, areas, At(now).Policy, now));
    }

    /// <summary>The same of a record in flat memory.</summary>
    /// <param name="evidenceOf">The fact behind an entry of <paramref name="record"/>.</param>
    public Explanation Explain(PersonId person, in RecordFacts record, Func<int, Evidence> evidenceOf, AreaRisks areas, Minute now) =>
        Bounded(Explanation.Of(person, record, evidenceOf, areas, At(now).Policy, now));

    private Explanation Bounded(Explanation explanation) => explanation with { Decision = Bounded(explanation.Decision, explanation.At) };

    private Decision Bounded(Decision decision, Minute now) => decision with { NextChange = Minute.Earlier(decision.NextChange, NextStart(now)) };

    /// <summary>When another edition takes over after <paramref name="now"/>; never when none is planned.</summary>
    public Minute NextStart(Minute now) =>
        Editions.FirstOrDefault(edition => edition.InForceFrom > now && edition != Editions[0])?.InForceFrom ?? Minute.Never;

    /// <summary>When the next took or takes over from this one; never for the last.</summary>
    public Minute EndOf(Enacted edition) =>
        Editions.SkipWhile(other => other != edition).Skip(1).FirstOrDefault()?.InForceFrom ?? Minute.Never;
}
