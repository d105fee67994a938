using HealthCode.Domain;
using HealthCode.Storage;
using Orleans.Concurrency;

namespace HealthCode.Server.Plans;

/// <summary>How a fact about an edition was taken.</summary>
public enum PlanAnswer : byte
{
    /// <summary>Durable, and shown on the node of the grain.</summary>
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
    Task<PlanTaken> Take(Immutable<byte[]> fact);
}

/// <param name="Revision">With which the answer's state of things is shown; a fact may be acknowledged when all nodes show it.</param>
[GenerateSerializer, Immutable]
internal readonly record struct PlanTaken([property: Id(0)] PlanAnswer Answer, [property: Id(1)] long Revision);

internal sealed class PlanGrain(IJournal journal, PlanBoard board, TimeProvider time) : Grain, IPlanGrain
{
    public async Task<PlanTaken> Take(Immutable<byte[]> fact)
    {
        var taken = PlanCodec.Decode(fact.Value)[0];
        while (true)
        {
            var sequence = board.NextSequence;
            if (RefusalOf(taken) is { } refusal)
                return new(refusal, sequence);
            try
            {
                await journal.AppendAsync(JournalStreams.Plans, sequence, fact.Value, CancellationToken.None);
                board.Publish(sequence, [taken]);
                return new(PlanAnswer.Done, sequence + 1);
            }
            catch (StaleWriterException)
            {
                // Another writer was here, or our own append whose answer was lost: decide again with what it wrote.
                await board.CatchUpAsync(CancellationToken.None);
            }
        }
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
