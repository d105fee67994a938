namespace HealthCode.Domain;

/// <summary>What the journal says of one person. Folding the same evidence in any order gives the same record.</summary>
/// <remarks>
/// This is the record to read: it keeps every fact as it came. A partition keeps the same in flat memory, as
/// <see cref="RecordTable"/>, and this is what that is judged by.
/// </remarks>
public sealed class PersonRecord(PersonId person)
{
    /// <summary>No edition may call so low a temperature a fever: tenths of a degree Celsius.</summary>
    public const int FeverTenthsMin = 370;

    private readonly List<Evidence> all = [];
    private Evidence[] standing = [];
    private RecordEntry[] entries = [];
    private Evidence[] entryEvidence = [];
    private Minute[] negativeTests = [];
    private ReportDays reports;

    public PersonId Person { get; } = person;

    /// <summary>Everything that is kept, oldest first, also what a correction has withdrawn.</summary>
    public IReadOnlyList<Evidence> All => all;

    /// <summary>The evidence that counts: not withdrawn, and not itself a correction. By moment, then by id.</summary>
    public ReadOnlySpan<Evidence> Standing => standing;

    /// <summary>What of it rules may ask, as <see cref="Policy.Decide"/> reads it.</summary>
    public RecordFacts Facts => new(entries, negativeTests, reports);

    /// <summary>Grows with each fold, so that what was signed for an earlier state is known to be so.</summary>
    public int Version => all.Count;

    /// <summary>Takes a fact in. A fact that is already there changes nothing.</summary>
    /// <returns>Whether it was new.</returns>
    public bool Fold(Evidence evidence)
    {
        if (!Insert(evidence))
            return false;
        Derive();
        return true;
    }

    /// <summary>Takes many facts in, for the price of one.</summary>
    public void FoldMany(IEnumerable<Evidence> evidence)
    {
        foreach (var fact in evidence)
            Insert(fact);
        Derive();
    }

    public Evidence? Find(EvidenceId id) => all.Find(evidence => evidence.Id == id);

    /// <summary>A correction may come before what it corrects; it waits for it here.</summary>
    public bool IsWithdrawn(EvidenceId id) => all.Exists(other => other is Correction correction && correction.Corrects == id);

    /// <summary>The fact behind an entry of <see cref="Facts"/>.</summary>
    internal Evidence EvidenceOf(int entry) => entryEvidence[entry];

    private bool Insert(Evidence evidence)
    {
        if (Find(evidence.Id) is not null)
            return false;
        var index = all.Count;
        while (index > 0 && IsLater(all[index - 1], evidence))
            index--;
        all.Insert(index, evidence);
        return true;
    }

    private static bool IsLater(Evidence a, Evidence b) =>
        a.Happened > b.Happened || (a.Happened == b.Happened && a.Id.CompareTo(b.Id) > 0);

    // What stands and what rules read is worked out from all there is: the order in which it came cannot show.
    private void Derive()
    {
        standing = [.. all.Where(other => other is not Correction && !IsWithdrawn(other.Id))];
        negativeTests = [.. standing.OfType<Test>().Where(test => test.Result == TestResult.Negative).Select(test => test.Happened)];
        reports = default;
        foreach (var declaration in standing.OfType<Declaration>())
            reports = reports.With(Day.Of(declaration.Happened), RecordEntry.IsNormalUnderEveryEdition(declaration));

        var derived = new List<RecordEntry>(entries.Length + 2);
        var behind = new List<Evidence>(entries.Length + 2);
        foreach (var evidence in standing)
        {
            AddEntries(derived, evidence);
            while (behind.Count < derived.Count)
                behind.Add(evidence);
        }
        (entries, entryEvidence) = ([.. derived], [.. behind]);
    }

    private void AddEntries(List<RecordEntry> to, Evidence evidence)
    {
        Span<RecordEntry> made = stackalloc RecordEntry[RecordEntry.OfOneFactMax];
        foreach (var entry in made[..RecordEntry.Of(evidence, made)])
            to.Add(evidence is Stay ? entry with { Detail = AnswerTo(evidence.Id) } : entry);
    }

    // The last answer counts: somebody may have pressed the wrong button.
    private byte AnswerTo(EvidenceId stay)
    {
        var answer = RecordEntry.NotAnswered;
        foreach (var evidence in standing)
        {
            if (evidence is Answer given && given.Question == stay)
                answer = given.WasThere ? RecordEntry.WasThere : RecordEntry.WasNotThere;
        }
        return answer;
    }
}
