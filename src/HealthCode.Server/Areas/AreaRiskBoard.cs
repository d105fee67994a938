using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Server.Areas;

/// <summary>The area risks as every partition on this node sees them. Replaced whole, never changed.</summary>
internal sealed class AreaRiskBoard
{
    private volatile AreaRiskHistory history = AreaRiskHistory.None;

    public AreaRiskHistory History => history;

    public AreaRisks Current => history.Now;

    /// <summary>The sequence that the next change must be appended with.</summary>
    public long NextSequence { get; private set; }

    public async Task LoadAsync(IJournal journal, CancellationToken cancellation) =>
        (history, NextSequence) = await AreaRiskJournal.LoadAsync(journal, cancellation);

    /// <summary>Shows what one append made durable.</summary>
    public void Publish(IReadOnlyCollection<AreaRisk> changes)
    {
        history = history.With(changes);
        NextSequence++;
    }
}
