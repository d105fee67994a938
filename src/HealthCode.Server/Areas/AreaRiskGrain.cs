using HealthCode.Domain;
using HealthCode.Storage;
using Orleans.Concurrency;

namespace HealthCode.Server.Areas;

/// <summary>The one writer of the area risks. A change is acknowledged when it is durable and shown on this node.</summary>
internal interface IAreaRiskGrain : IGrainWithIntegerKey
{
    Task Set(Immutable<byte[]> risk);
}

internal sealed class AreaRiskGrain(IJournal journal, AreaRiskBoard board) : Grain, IAreaRiskGrain
{
    public async Task Set(Immutable<byte[]> risk)
    {
        try
        {
            await journal.AppendAsync(JournalStreams.Areas, board.NextSequence, risk.Value, CancellationToken.None);
        }
        catch (StaleWriterException)
        {
            // Somebody wrote since: learn it, and let the caller send the change again.
            await board.LoadAsync(journal, CancellationToken.None);
            throw;
        }
        foreach (var changed in EvidenceCodec.DecodeRisks(risk.Value))
            board.Publish(changed);
    }
}
