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
        var bases = new Dictionary<string, PlanEdition>();
        foreach (var text in approval.Bases.Reverse())
        {
            var edition = EditionFile.Parse(text, "base", bases.GetValueOrDefault);
            bases[edition.Id] = edition;
        }
        return new(approval, new Policy(EditionFile.Parse(approval.Text, approval.Edition, bases.GetValueOrDefault)));
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

    /// <param name="knownBy">As it was known then; later facts are left out.</param>
    /// <returns>The history, and the sequence that the next fact must be appended with.</returns>
    public static async Task<(PlanHistory History, long NextSequence)> LoadAsync(IJournal journal, Minute knownBy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(journal);
        var (history, next) = (Empty, 0L);
        await foreach (var batch in journal.ReadStreamAsync(JournalStreams.Plans, 0, cancellation).ConfigureAwait(false))
        {
            foreach (var fact in PlanCodec.Decode(batch).Where(fact => fact.At <= knownBy))
                history = history.With(fact);
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
    public Enacted At(Minute now) => Editions.LastOrDefault(edition => edition.InForceFrom <= now) ?? Editions[0];

    /// <summary>When another edition takes over after <paramref name="now"/>; never when none is planned.</summary>
    public Minute NextStart(Minute now) =>
        Editions.FirstOrDefault(edition => edition.InForceFrom > now && edition != Editions[0])?.InForceFrom ?? Minute.Never;

    /// <summary>When the next took or takes over from this one; never for the last.</summary>
    public Minute EndOf(Enacted edition) =>
        Editions.SkipWhile(other => other != edition).Skip(1).FirstOrDefault()?.InForceFrom ?? Minute.Never;
}
