using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>The stream of area risks, read as a whole.</summary>
public static class AreaRiskJournal
{
    /// <returns>All that was ever set, and the sequence that the next change must be appended with.</returns>
    public static async Task<(AreaRiskHistory History, long NextSequence)> LoadAsync(IJournal journal, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(journal);
        var (changes, next) = (new List<AreaRisk>(), 0L);
        await foreach (var batch in journal.ReadStreamAsync(JournalStreams.Areas, 0, cancellation).ConfigureAwait(false))
        {
            changes.AddRange(EvidenceCodec.DecodeRisks(batch));
            next = batch.Sequence + 1;
        }
        return (AreaRiskHistory.None.With(changes), next);
    }
}
