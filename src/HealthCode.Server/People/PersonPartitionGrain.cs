using System.Diagnostics;
using HealthCode.Domain;
using HealthCode.Server.Areas;
using HealthCode.Server.Cluster;
using HealthCode.Server.Plans;
using HealthCode.Storage;
using HealthCode.Tokens;
using Orleans.Concurrency;

namespace HealthCode.Server.People;

/// <summary>The shell around a <see cref="PersonPartition"/>: its identity, its lifetime, its codes.</summary>
/// <remarks>
/// Reentrant, so that displays go on while an append waits for the disk. That is safe because a partition changes its
/// records only in one uninterrupted step, after the append.
/// </remarks>
[Reentrant, KeepAlive, PartitionPlacement]
internal sealed partial class PersonPartitionGrain(
    EvidenceStore store, IPartitionOwnership ownership, INodeLease lease, AreaRiskBoard areas, PlanBoard plans, TokenIssuer issuer,
    Retention retention, TimeProvider time, ILogger<PersonPartitionGrain> log) : Grain, IPersonPartitionGrain
{
    /// <summary>A code is handed out again while at least so much of its life is left; then it is signed anew.</summary>
    private static readonly TimeSpan LifeLeftMin = TimeSpan.FromSeconds(70);

    /// <summary>How often it is looked whether a snapshot is due, and what the region keeps no longer.</summary>
    private static readonly TimeSpan UpkeepPeriod = TimeSpan.FromMinutes(1);

    /// <summary>Batches that a start may have to read; more make a snapshot due.</summary>
    private const int SinceSnapshotMax = 500;

    /// <summary>Codes that are kept for the next display; beyond, those that have ended go.</summary>
    private const int CodesMax = 10_000;

    private readonly Dictionary<PersonId, Token> codes = [];
    private PersonPartition partition = null!;
    private OwnershipTaken owned = null!;
    private bool isCounted;
    private CancellationTokenRegistration lost;

    private int Number => (int)this.GetPrimaryKeyLong();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        owned = await ownership.TakeAsync(Number, cancellationToken);
        lost = owned.Lost.Register(DeactivateOnIdle);
        partition = new PersonPartition(Number, store);
        await partition.OpenAsync(fence: ownership is not SoleOwnership, time.GetUtcNow(), cancellationToken);
        if (partition.SnapshotProblem is { } problem)
            SnapshotNotUsed(log, Number, problem);
        await TryForgetAsync(cancellationToken);
        Instruments.Partitions.Add(1);
        isCounted = true;
        this.RegisterGrainTimer(KeepUpAsync, new GrainTimerCreationOptions(UpkeepPeriod, UpkeepPeriod) { Interleave = true });
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (!HasStepped && partition.SinceSnapshot > 0)
            await TrySnapshotAsync(cancellationToken);
        await lost.DisposeAsync();
        await ownership.ReleaseAsync(Number);
        if (isCounted)
            Instruments.Partitions.Add(-1);
    }

    private bool HasStepped => partition.IsStale || owned.Lost.IsCancellationRequested;

    // Whoever asks a partition that stepped down is told so, and asks the next owner.
    private PersonPartition Mine() => HasStepped ? throw new StaleWriterException(JournalStreams.Of(Number), partition.NextSequence) : partition;

    // It was loaded before it could be asked.
    public Task Wake() => Task.CompletedTask;

    public async Task<Acceptance[]> Accept(Immutable<byte[]> evidence)
    {
        using var trace = Trace("partition accept");
        try
        {
            var answers = await Mine().AcceptAsync(EvidenceCodec.DecodeToTakeIn(evidence.Value));
            // The former owner may still show what was before: nothing is acknowledged until it cannot.
            await owned.Confirmed;
            return answers;
        }
        catch (OperationCanceledException) when (owned.Lost.IsCancellationRequested)
        {
            throw new StaleWriterException(JournalStreams.Of(Number), partition.NextSequence);
        }
        finally
        {
            if (HasStepped)
                DeactivateOnIdle();
        }
    }

    public Task<ShownCode> Show(PersonKey person)
    {
        using var trace = Trace("partition show");
        var now = time.GetUtcNow();
        var id = person.ToPersonId();
        var facts = Mine().Records.Find(id);
        Instruments.Displays.Add(1);
        var decided = Decide(id, facts, Minute.Of(now));
        var code = CodeOf(id, decided.Colour, now);
        return Task.FromResult(new ShownCode(
            decided, code.Text, code.IssuedAt, code.ExpiresAt, facts.Reports.Last == Day.Of(Minute.Of(now)), ProofOf(id, facts, new(decided.PassUntil))));
    }

    public Task<Decided> Decide(PersonKey person)
    {
        var id = person.ToPersonId();
        return Task.FromResult(Decide(id, Mine().Records.Find(id), Minute.Of(time.GetUtcNow())));
    }

    public async Task<ReadPerson> Read(PersonKey person)
    {
        var id = person.ToPersonId();
        var record = new PersonRecord(id);
        record.FoldMany(await Mine().ReadAsync(id, CancellationToken.None));
        return new ReadPerson(await Decide(person), EvidenceCodec.Encode(record.All));
    }

    public async Task<bool> Delete(PersonKey person)
    {
        codes.Remove(person.ToPersonId());
        var known = await Mine().DeleteAsync(person.ToPersonId(), time.GetUtcNow());
        await owned.Confirmed;
        // The snapshot went with the key; a start would have to read the whole journal.
        await TrySnapshotAsync(CancellationToken.None);
        return known;
    }

    public async Task<int> Forget() => await Mine().ForgetAsync(retention, time.GetUtcNow(), CancellationToken.None);

    public async Task<bool> DeleteUnlessHeld(PersonKey person)
    {
        // The deletion stands before all that comes in from here on, in the turn that decided.
        var decided = await Decide(person);
        if (decided.Colour > Colour.Green || decided.Questions.Length > 0)
            return false;
        await Delete(person);
        return true;
    }

    private Decided Decide(PersonId person, RecordFacts facts, Minute now)
    {
        var (current, history) = (areas.Current, plans.Current);
        var decision = history.Decide(facts, current, now);
        Instruments.Decisions.Add(1);
        var (reasons, questions) = ((HeldRule[])[], (AskedStay[])[]);
        if ((decision.Holding | decision.Asking) != 0)
        {
            var explanation = history.Explain(person, facts, entry => EvidenceBehind(person, entry), current, now);
            reasons = [.. explanation.Reasons.Select(reason => HeldOf(reason, now))];
            questions = [.. explanation.Questions.Select(question => AskedOf(question.Stay, question.Under))];
        }
        return new Decided(
            decision.Colour, decision.NextChange.Value, now.Value, reasons, questions, decision.PassUntil.Value, history.At(now).Edition.Id, lease.IsHeld ? null : lease.AsOf);
    }

    private Activity? Trace(string what) => Instruments.Traces.StartActivity(what)?.SetTag("partition", Number);

    private Evidence EvidenceBehind(PersonId person, int entry) => Read(person, partition.Records.EvidenceOf(person, entry));

    private static Evidence Read(PersonId person, KeptEvidence kept) => EvidenceCodec.DecodeFact(person, kept.Id, kept.Encoded.ToArray())!;

    private static HeldRule HeldOf(RuleFinding reason, Minute now) => new(
        reason.Rule.Number, reason.Evidence is { } evidence ? EvidenceCodec.Encode([evidence]) : [], reason.Since.Value,
        reason.Until.Value, reason.EarliestEnd(now)?.Value, [.. reason.Endings.Select(HeldEnding.Of)]);

    private static AskedStay AskedOf(Stay stay, IReadOnlyList<RuleFinding> under) => new(
        EvidenceCodec.Encode([stay]), under.MaxBy(finding => finding.Rule.Colour)!.Rule.Number, under.Max(finding => finding.AskedUntil.Value));

    // One signature serves a person for as long as it stays fresh: displays come in bursts, at every door again.
    private Token CodeOf(PersonId person, Colour colour, DateTimeOffset now)
    {
        if (codes.TryGetValue(person, out var code) && code.Colour == colour && code.ExpiresAt - now >= LifeLeftMin)
            return code;
        if (codes.Count >= CodesMax)
            ForgetCodes(now);
        return codes[person] = issuer.Issue(person, colour, now);
    }

    private void ForgetCodes(DateTimeOffset now)
    {
        foreach (var person in codes.Where(code => code.Value.ExpiresAt - now < LifeLeftMin).Select(code => code.Key).ToList())
            codes.Remove(person);
    }

    /// <summary>What the person may be asked to prove. Most people have none of it, and then nothing is made.</summary>
    private byte[] ProofOf(PersonId person, RecordFacts facts, Minute passUntil)
    {
        var (dose, pass) = (-1, -1);
        for (var index = 0; index < facts.Entries.Length; index++)
        {
            ref readonly var entry = ref facts.Entries[index];
            if (entry.Kind == EvidenceKind.Vaccination && (dose < 0 || entry.Detail >= facts.Entries[dose].Detail))
                dose = index;
            else if (entry.Kind == EvidenceKind.Pass && entry.Until == passUntil)
                pass = index;
        }
        var test = partition.Records.LastTest(person);
        if (test.IsNone && dose < 0 && pass < 0)
            return [];
        var proof = new List<Evidence>(3);
        if (!test.IsNone)
            proof.Add(test.Encoded.IsEmpty ? OlderTest(person, test.Id, facts) : Read(person, test));
        if (dose >= 0)
            proof.Add(EvidenceBehind(person, dose));
        if (pass >= 0)
            proof.Add(EvidenceBehind(person, pass));
        return EvidenceCodec.Encode(proof);
    }

    // When a later one was withdrawn or erased, of the test that is last now only its moment is resident.
    private static Test OlderTest(PersonId person, EvidenceId id, RecordFacts facts) => new()
    {
        Id = id, Person = person, Happened = facts.NegativeTests[^1], Received = facts.NegativeTests[^1], Source = Source.Laboratory,
        Result = TestResult.Negative, Institution = "",
    };

    private async Task KeepUpAsync(CancellationToken cancellation)
    {
        await TryForgetAsync(cancellation);
        if (!HasStepped && partition.SinceSnapshot >= SinceSnapshotMax)
            await TrySnapshotAsync(cancellation);
    }

    // What is resident has forgotten in any case; the snapshot is tried again a minute later.
    private async Task TryForgetAsync(CancellationToken cancellation)
    {
        try
        {
            await partition.ForgetAsync(retention, time.GetUtcNow(), cancellation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            SnapshotNotWritten(log, Number, failure);
        }
    }

    // A snapshot that could not be written costs the next start some reading, and nothing else.
    private async Task TrySnapshotAsync(CancellationToken cancellation)
    {
        try
        {
            await partition.WriteSnapshotAsync(cancellation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            Instruments.Snapshots.Add(1, new KeyValuePair<string, object?>("outcome", "not-written"));
            SnapshotNotWritten(log, Number, failure);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The snapshot of partition {Partition} was not used, and its journal was read instead: {Problem}.")]
    private static partial void SnapshotNotUsed(ILogger log, int partition, string problem);

    [LoggerMessage(2, LogLevel.Warning, "The snapshot of partition {Partition} could not be written.")]
    private static partial void SnapshotNotWritten(ILogger log, int partition, Exception failure);
}
