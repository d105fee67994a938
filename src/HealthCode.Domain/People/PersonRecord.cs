namespace HealthCode.Domain;

/// <summary>What the journal says of one person. Folding the same evidence in any order gives the same record.</summary>
public sealed class PersonRecord(PersonId person)
{
    private readonly List<Evidence> all = [];
    private Evidence[] standing = [];

    public PersonId Person { get; } = person;

    /// <summary>Everything that is kept, oldest first, also what a correction has withdrawn.</summary>
    public IReadOnlyList<Evidence> All => all;

    /// <summary>The evidence that counts: not withdrawn, and not itself a correction. By moment, then by id.</summary>
    public ReadOnlySpan<Evidence> Standing => standing;

    /// <summary>Grows with each fold, so that what was signed for an earlier state is known to be so.</summary>
    public int Version => all.Count;

    /// <summary>Takes a fact in. A fact that is already there changes nothing.</summary>
    /// <returns>Whether it was new.</returns>
    public bool Fold(Evidence evidence)
    {
        if (Find(evidence.Id) is not null)
            return false;
        var index = all.Count;
        while (index > 0 && IsLater(all[index - 1], evidence))
            index--;
        all.Insert(index, evidence);
        standing = [.. all.Where(other => other is not Correction && !IsWithdrawn(other.Id))];
        return true;
    }

    public Evidence? Find(EvidenceId id) => all.Find(evidence => evidence.Id == id);

    /// <summary>A correction may come before what it corrects; it waits for it here.</summary>
    public bool IsWithdrawn(EvidenceId id) => all.Exists(other => other is Correction correction && correction.Corrects == id);

    private static bool IsLater(Evidence a, Evidence b) =>
        a.Happened > b.Happened || (a.Happened == b.Happened && a.Id.CompareTo(b.Id) > 0);
}
