using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Server.Areas;

/// <summary>The area risks as every partition on this node sees them. Replaced whole, never changed.</summary>
internal sealed class AreaRiskBoard
{
    private volatile AreaRisks current = AreaRisks.None;

    public AreaRisks Current => current;

    /// <summary>The sequence that the next change must be appended with.</summary>
    public long NextSequence { get; private set; }

    public async Task LoadAsync(IJournal journal, CancellationToken cancellation)
    {
        var (risks, next) = (AreaRisks.None, 0L);
        await foreach (var batch in journal.ReadStreamAsync(JournalStreams.Areas, 0, cancellation))
        {
            foreach (var risk in EvidenceCodec.DecodeRisks(batch))
                risks = risks.With(risk);
            next = batch.Sequence + 1;
        }
        (current, NextSequence) = (risks, next);
    }

    public void Publish(AreaRisk risk)
    {
        current = current.With(risk);
        NextSequence++;
    }
}
