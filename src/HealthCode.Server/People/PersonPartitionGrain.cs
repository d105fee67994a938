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
internal sealed class PersonPartitionGrain(
    IJournal journal, AreaRiskBoard areas, PlanBoard plans, TokenIssuer issuer, IPartitionOwnership ownership, TimeProvider time)
    : Grain, IPersonPartitionGrain
{
    /// <summary>A code is handed out again while at least so much of its life is left; then it is signed anew.</summary>
    private static readonly TimeSpan LifeLeftMin = TimeSpan.FromSeconds(70);

    private readonly Dictionary<PersonId, Token> codes = [];
    private PersonPartition partition = null!;
    private CancellationTokenRegistration lost;

    private int Number => (int)this.GetPrimaryKeyLong();

    // It reads its stream when nobody else can add to it any more.
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var taken = await ownership.TakeAsync(Number, cancellationToken);
        lost = taken.Lost.Register(DeactivateOnIdle);
        await taken.Confirmed.WaitAsync(cancellationToken);
        partition = new PersonPartition(Number, journal);
        await partition.ReplayAsync(cancellationToken);
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await lost.DisposeAsync();
        await ownership.ReleaseAsync(Number);
    }

    public async Task<Acceptance[]> Accept(Immutable<byte[]> evidence)
    {
        try
        {
            return await Task.WhenAll(EvidenceCodec.Decode(evidence.Value).Select(partition.AcceptAsync));
        }
        finally
        {
            if (partition.IsStale)
                DeactivateOnIdle();
        }
    }

    public Task<ShownCode> Show(PersonKey person)
    {
        var now = time.GetUtcNow();
        var record = RecordOf(person);
        var decided = Decide(record, Minute.Of(now));
        var code = CodeOf(record.Person, decided.Colour, now);
        return Task.FromResult(new ShownCode(decided, code.Text, code.IssuedAt, code.ExpiresAt, record.Facts.Reports.Last == Day.Of(Minute.Of(now)),
            ProofOf(record, new(decided.PassUntil))));
    }

    public Task<Decided> Decide(PersonKey person) => Task.FromResult(Decide(RecordOf(person), Minute.Of(time.GetUtcNow())));

    public Task<ReadPerson> Read(PersonKey person)
    {
        var record = RecordOf(person);
        return Task.FromResult(new ReadPerson(Decide(record, Minute.Of(time.GetUtcNow())), EvidenceCodec.Encode(record.All)));
    }

    private PersonRecord RecordOf(PersonKey person) => partition.Find(person.ToPersonId()) ?? new PersonRecord(person.ToPersonId());

    private Decided Decide(PersonRecord record, Minute now)
    {
        var (current, history) = (areas.Current, plans.Current);
        var decision = history.Decide(record.Facts, current, now);
        var (reasons, questions) = ((HeldRule[])[], (AskedStay[])[]);
        if ((decision.Holding | decision.Asking) != 0)
        {
            var explanation = history.Explain(record, current, now);
            reasons = [.. explanation.Reasons.Select(reason => HeldOf(reason, now))];
            questions = [.. explanation.Questions.Select(question => AskedOf(question.Stay, question.Under))];
        }
        return new Decided(
            decision.Colour, decision.NextChange.Value, now.Value, reasons, questions, decision.PassUntil.Value, history.At(now).Edition.Id);
    }

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
        return codes[person] = issuer.Issue(person, colour, now);
    }

    /// <summary>What the person may be asked to prove. Most people have none of it, and then nothing is made.</summary>
    private static byte[] ProofOf(PersonRecord record, Minute passUntil)
    {
        var (test, dose, pass) = (default(Test), default(Vaccination), default(Pass));
        foreach (var evidence in record.Standing)
        {
            if (evidence is Test sampled)
                test = sampled;
            else if (evidence is Vaccination given && given.Dose >= (dose?.Dose ?? 0))
                dose = given;
            else if (evidence is Pass running && running.Until == passUntil)
                pass = running;
        }
        return test is null && dose is null && pass is null ? []
            : EvidenceCodec.Encode([.. new Evidence?[] { test, dose, pass }.OfType<Evidence>()]);
    }
}
