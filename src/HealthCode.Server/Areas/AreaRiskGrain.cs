using HealthCode.Domain;
using HealthCode.Storage;
using Orleans.Concurrency;

namespace HealthCode.Server.Areas;

/// <summary>The one writer of the area risks.</summary>
internal interface IAreaRiskGrain : IGrainWithIntegerKey
{
    /// <summary>
    /// Sets or changes periods, all of them in one append. Returns when they are durable and every partition on this
    /// node decides with them; what is set already is not written again.
    /// </summary>
    Task Set(Immutable<byte[]> risks);
}

internal sealed class AreaRiskGrain(IJournal journal, AreaRiskBoard board) : Grain, IAreaRiskGrain
{
    public async Task Set(Immutable<byte[]> risks)
    {
        var changes = EvidenceCodec.DecodeRisks(risks.Value).Where(IsNews).ToList();
        if (changes.Count == 0)
            return;
        try
        {
            await journal.AppendAsync(JournalStreams.Areas, board.NextSequence, EvidenceCodec.EncodeRisks(changes), CancellationToken.None);
        }
        catch (StaleWriterException)
        {
            // Somebody wrote since: learn it, and let the caller send the change again.
            await board.LoadAsync(journal, CancellationToken.None);
            throw;
        }
        board.Publish(changes);
    }

    // Of the same submission sent twice at once, the second finds the first here.
    private bool IsNews(AreaRisk risk) => board.Current.Find(risk.Id)?.SaysSameAs(risk) != true;
}
