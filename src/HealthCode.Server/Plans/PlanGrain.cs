using HealthCode.Domain;
using HealthCode.Storage;
using Orleans.Concurrency;

namespace HealthCode.Server.Plans;

/// <summary>How a fact about an edition was taken.</summary>
public enum PlanAnswer : byte
{
    /// <summary>Durable, and shown on this node.</summary>
    Done = 1,

    /// <summary>An edition of that id was approved before. Nothing was written.</summary>
    Exists = 2,

    /// <summary>It would take force before now. Nothing was written.</summary>
    InThePast = 3,

    /// <summary>There is no such edition. Nothing was written.</summary>
    Unknown = 4,

    /// <summary>What is in force, or was, is not withdrawn. Nothing was written.</summary>
    HasBegun = 5,
}

/// <summary>The one writer of the editions' life: its turn is where "not yet" and "not twice" are decided.</summary>
internal interface IPlanGrain : IGrainWithIntegerKey
{
    Task<PlanAnswer> Take(Immutable<byte[]> fact);
}

internal sealed class PlanGrain(IJournal journal, PlanBoard board, TimeProvider time) : Grain, IPlanGrain
{
    public async Task<PlanAnswer> Take(Immutable<byte[]> fact)
    {
        var taken = PlanCodec.Decode(fact.Value)[0];
        if (RefusalOf(taken) is { } refusal)
            return refusal;
        try
        {
            await journal.AppendAsync(JournalStreams.Plans, board.NextSequence, fact.Value, CancellationToken.None);
        }
        catch (StaleWriterException)
        {
            // Somebody wrote since: learn it, and let the caller try again.
            await board.LoadAsync(journal, CancellationToken.None);
            throw;
        }
        board.Publish(taken);
        return PlanAnswer.Done;
    }

    private PlanAnswer? RefusalOf(PlanFact fact)
    {
        var now = Minute.Of(time.GetUtcNow());
        var known = board.Current.Find(fact.Edition);
        return fact switch
        {
            EditionApproved when known is not null => PlanAnswer.Exists,
            EditionApproved approved when approved.InForceFrom < now => PlanAnswer.InThePast,
            EditionWithdrawn when known is null => PlanAnswer.Unknown,
            EditionWithdrawn when known.InForceFrom <= now => PlanAnswer.HasBegun,
            _ => null,
        };
    }
}
