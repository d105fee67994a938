using HealthCode.Domain;
using HealthCode.Server.Areas;
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
[Reentrant]
internal sealed class PersonPartitionGrain(
    IJournal journal, AreaRiskBoard areas, PlanBoard plans, TokenIssuer issuer, TimeProvider time)
    : Grain, IPersonPartitionGrain
{
    /// <summary>A code is handed out again while at least so much of its life is left; then it is signed anew.</summary>
    private static readonly TimeSpan LifeLeftMin = TimeSpan.FromSeconds(70);

    private readonly Dictionary<PersonId, Token> codes = [];
    private PersonPartition partition = null!;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        partition = new PersonPartition((int)this.GetPrimaryKeyLong(), journal);
        return partition.ReplayAsync(cancellationToken);
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
        return Task.FromResult(new ShownCode(decided, code.Text, code.IssuedAt, code.ExpiresAt, ReportedOn(record, Day.Of(Minute.Of(now)))));
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
        return new Decided(
            decision.Colour, decision.NextChange.Value, now.Value, history.At(now).Edition.Id, Reasons(record, current, history, decision, now));
    }

    private static HeldRule[] Reasons(PersonRecord record, AreaRisks current, PlanHistory history, Decision decision, Minute now)
    {
        if (decision.Holding == 0)
            return [];
        var held = new List<HeldRule>(decision.ReasonCount);
        foreach (var reason in history.Explain(record, current, now).Reasons)
        {
            held.Add(new HeldRule(
                reason.Rule.Number, reason.Evidence is { } evidence ? EvidenceCodec.Encode([evidence]) : [], reason.Since.Value,
                reason.Until.Value, reason.EarliestEnd(now)?.Value, [.. reason.Endings.Select(HeldEnding.Of)]));
        }
        return [.. held];
    }

    // One signature serves a person for as long as it stays fresh: displays come in bursts, at every door again.
    private Token CodeOf(PersonId person, Colour colour, DateTimeOffset now)
    {
        if (codes.TryGetValue(person, out var code) && code.Colour == colour && code.ExpiresAt - now >= LifeLeftMin)
            return code;
        return codes[person] = issuer.Issue(person, colour, now);
    }

    private static bool ReportedOn(PersonRecord record, Day today)
    {
        foreach (var evidence in record.Standing)
        {
            if (evidence is Declaration declaration && Day.Of(declaration.Happened) == today)
                return true;
        }
        return false;
    }
}
