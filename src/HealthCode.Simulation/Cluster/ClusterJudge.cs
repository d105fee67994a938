using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Simulation;

/// <summary>The naive model that a simulated cluster is judged by: a list of what was acknowledged, and nothing clever.</summary>
internal sealed class ClusterJudge(Policy policy, VirtualWorld world)
{
    internal enum State : byte
    {
        /// <summary>Nobody said that it is there: it may be or not.</summary>
        Open,

        /// <summary>Acknowledged: it must be there, once.</summary>
        Owed,

        /// <summary>Its person was deleted meanwhile, or may have been: it may be there or not.</summary>
        Doubtful,

        /// <summary>Its person was deleted after it: nobody may read it ever again.</summary>
        Gone,
    }

    /// <summary>A fact and what may be expected of it.</summary>
    internal sealed class Fact(Evidence evidence)
    {
        public Evidence Evidence => evidence;
        public State State { get; set; }

        /// <summary>Copies of it that may still arrive.</summary>
        public int UnderWay { get; set; }

        /// <summary>Its sender has an answer and sends it no more.</summary>
        public bool IsSettled { get; set; }

        public bool CanComeAgain => !IsSettled || UnderWay > 0;
    }

    private readonly Dictionary<PersonId, Dictionary<EvidenceId, Fact>> people = [];

    public string? Wrong { get; private set; }

    public long Acknowledged { get; private set; }

    public long Displays { get; private set; }

    public void Sent(IEnumerable<Evidence> evidence)
    {
        foreach (var sent in evidence)
            Of(sent.Person).TryAdd(sent.Id, new Fact(sent));
    }

    public void UnderWay(IEnumerable<Evidence> evidence, int change)
    {
        foreach (var sent in evidence)
            Of(sent.Person)[sent.Id].UnderWay += change;
    }

    public void Settled(IEnumerable<Evidence> evidence)
    {
        foreach (var sent in evidence)
            Of(sent.Person)[sent.Id].IsSettled = true;
    }

    public void Acknowledge(IReadOnlyList<Evidence> evidence, Acceptance[] answers)
    {
        for (var index = 0; index < answers.Length; index++)
        {
            var fact = Of(evidence[index].Person)[evidence[index].Id];
            if (answers[index] == Acceptance.KeyReused)
                Fail($"{evidence[index].Id} was taken for another fact than it is");
            Acknowledged++;
            if (fact.State == State.Open)
                fact.State = State.Owed;
        }
    }

    /// <summary>From here on, all that was known of the person may vanish at any moment.</summary>
    public IReadOnlyList<Fact> BeginDeletion(PersonId person)
    {
        var touched = Of(person).Values.Where(fact => fact.State != State.Gone).ToList();
        // What is still being sent may come after the deletion, and is then new.
        var owed = touched.FindAll(fact => fact.State == State.Owed && !fact.CanComeAgain);
        touched.ForEach(fact => fact.State = State.Doubtful);
        return owed;
    }

    /// <summary>What had been acknowledged when the deletion was asked for is gone. What was under way then may have come after it.</summary>
    public static void EndDeletion(IReadOnlyList<Fact> owed)
    {
        foreach (var fact in owed)
            fact.State = State.Gone;
    }

    /// <summary>Whether a display shows all that is owed, nothing that is gone, and the colour that follows from what it shows.</summary>
    public void JudgeDisplay(PersonId person, RecordTable shown)
    {
        Displays++;
        var shownFacts = new List<Evidence>();
        foreach (var fact in Of(person).Values)
        {
            var isShown = shown.Knows(person, fact.Evidence.Id, out _);
            if (fact.State == State.Owed && !isShown)
                Fail($"a display of {person} lacks {fact.Evidence.Kind} {fact.Evidence.Id}, which was acknowledged before");
            if (fact.State == State.Gone && isShown)
                Fail($"a display of {person} shows {fact.Evidence.Kind} {fact.Evidence.Id} after their deletion");
            if (isShown)
                shownFacts.Add(fact.Evidence);
        }
        var record = new PersonRecord(person);
        record.FoldMany(shownFacts);
        var (now, areas) = (Minute.Of(world.GetUtcNow()), AreaRisks.None);
        if (policy.Decide(shown.Find(person), areas, now) != policy.Decide(record.Facts, areas, now))
            Fail($"a display of {person} decides otherwise than its evidence");
    }

    /// <summary>Whether the journal, opened by somebody who was never there, has all that is owed, each once, and an unbroken chain.</summary>
    public void JudgeJournal(SharedStores shared)
    {
        var found = new Dictionary<(PersonId, EvidenceId), int>();
        foreach (var stream in Done(shared.Journal.ReadHeadsAsync(default)).Keys)
        {
            foreach (var evidence in Done(SharedStores.ToListAsync(shared.Evidence().ReadAsync(stream, 0, default))).SelectMany(batch => batch.Facts))
                found[(evidence.Person, evidence.Id)] = found.GetValueOrDefault((evidence.Person, evidence.Id)) + 1;
        }
        foreach (var fact in people.Values.SelectMany(person => person.Values))
        {
            var times = found.GetValueOrDefault((fact.Evidence.Person, fact.Evidence.Id));
            if (times > 1)
                Fail($"{fact.Evidence.Kind} {fact.Evidence.Id} stands {times} times in the journal");
            if (fact.State == State.Owed && times == 0)
                Fail($"{fact.Evidence.Kind} {fact.Evidence.Id} was acknowledged and is not in the journal");
            if (fact.State == State.Gone && times > 0)
                Fail($"{fact.Evidence.Kind} {fact.Evidence.Id} can be read after its person's deletion");
        }
        foreach (var finding in Done(SharedStores.ToListAsync(JournalVerification.VerifyAsync(shared.Journal, null, default))).SelectMany(stream => stream.Findings))
            Fail(finding.ToString());
    }

    private Dictionary<EvidenceId, Fact> Of(PersonId person)
    {
        if (!people.TryGetValue(person, out var facts))
            people.Add(person, facts = []);
        return facts;
    }

    private static T Done<T>(Task<T> task) => task.IsCompleted ? task.GetAwaiter().GetResult()
        : throw new InvalidOperationException("A store in memory made somebody wait.");

    private void Fail(string what) => Wrong ??= $"after {world.Steps} steps, at {world.Now / 1_000_000.0:F3} s: {what}";
}
