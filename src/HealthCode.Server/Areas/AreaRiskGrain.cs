using HealthCode.Domain;
using HealthCode.Storage;
using Orleans.Concurrency;

namespace HealthCode.Server.Areas;

/// <summary>The one writer of the area risks.</summary>
internal interface IAreaRiskGrain : IGrainWithIntegerKey
{
    /// <summary>Sets or changes periods, all of them in one append. What is set already is not written again.</summary>
    /// <returns>The revision with which they are shown; durable, and shown on the grain's own node.</returns>
    Task<long> Set(Immutable<byte[]> risks);
}

internal sealed class AreaRiskGrain(IJournal journal, AreaRiskBoard board) : Grain, IAreaRiskGrain
{
    public async Task<long> Set(Immutable<byte[]> risks)
    {
        var asked = EvidenceCodec.DecodeRisks(risks.Value);
        while (true)
        {
            var sequence = board.NextSequence;
            var changes = asked.Where(IsNews).ToList();
            if (changes.Count == 0)
                return sequence;
            try
            {
                await journal.AppendAsync(JournalStreams.Areas, sequence, EvidenceCodec.EncodeRisks(changes), CancellationToken.None);
                board.Publish(sequence, changes);
                return sequence + 1;
            }
            catch (StaleWriterException)
            {
                // Another writer was here, or our own append whose answer was lost: learn what it wrote, and see what is left to say.
                await board.CatchUpAsync(CancellationToken.None);
            }
        }
    }

    // Of the same submission sent twice at once, the second finds the first here.
    private bool IsNews(AreaRisk risk) => board.Current.Find(risk.Id)?.SaysSameAs(risk) != true;
}
