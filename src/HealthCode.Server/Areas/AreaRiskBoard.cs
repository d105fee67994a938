using HealthCode.Domain;
using HealthCode.Server.Cluster;
using HealthCode.Storage;

namespace HealthCode.Server.Areas;

/// <summary>The area risks as every partition on this node sees them. Replaced whole, never changed.</summary>
internal sealed class AreaRiskBoard(IJournal journal) : INodeView
{
    private readonly Lock gate = new();
    private volatile AreaRiskHistory history = AreaRiskHistory.None;
    private long nextSequence;

    public string Name => JournalStreams.Areas;

    public AreaRiskHistory History => history;

    public AreaRisks Current => history.Now;

    /// <summary>The sequence that the next change must be appended with.</summary>
    public long NextSequence => Interlocked.Read(ref nextSequence);

    public long Seen => NextSequence;

    public async Task CatchUpAsync(CancellationToken cancellation)
    {
        var (changes, from) = (new List<AreaRisk>(), NextSequence);
        var next = from;
        await foreach (var batch in journal.ReadStreamAsync(Name, from, cancellation))
        {
            changes.AddRange(EvidenceCodec.DecodeRisks(batch));
            next = batch.Sequence + 1;
        }
        if (next > from)
            Publish(from, next, changes);
    }

    /// <summary>Shows what one append made durable.</summary>
    /// <param name="sequence">The append's.</param>
    public void Publish(long sequence, IReadOnlyCollection<AreaRisk> changes) => Publish(sequence, sequence + 1, changes);

    // The append's author and whoever catches up may both bring the same: it is shown once.
    private void Publish(long from, long next, IReadOnlyCollection<AreaRisk> changes)
    {
        lock (gate)
        {
            if (from != nextSequence)
                return;
            history = history.With(changes);
            Interlocked.Exchange(ref nextSequence, next);
        }
    }
}
