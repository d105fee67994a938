namespace HealthCode.Storage;

/// <summary>A view that follows the journal: what it makes of evidence stands in the back office, beside how far it has read.</summary>
public interface IEvidenceReader
{
    /// <summary>Stable; its positions are kept under it.</summary>
    string Name { get; }

    /// <summary>
    /// Brings the effect of further batches of one stream into the view, in the transaction that also moves the position. A batch may come again
    /// after a failure, and never after its effect was committed. What is erased or belongs to the deleted is not in the batches.
    /// </summary>
    Task ApplyAsync(BackOfficeContext context, IReadOnlyList<EvidenceBatch> batches, CancellationToken cancellation);

    /// <summary>Empties the view, before it is read again from the beginning.</summary>
    Task DropAsync(BackOfficeContext context, CancellationToken cancellation);
}

/// <summary>How far a reader has come in a stream.</summary>
public sealed class ReaderPosition
{
    public string Reader { get; set; } = "";

    /// <summary>Empty for the moment at which the reader had last read all.</summary>
    public string Stream { get; set; } = "";

    /// <summary>The next batch that it reads.</summary>
    public long NextSequence { get; set; }

    public DateTimeOffset At { get; set; }
}

/// <param name="BatchesBehind">Batches of the journal whose effect is not in the view yet.</param>
/// <param name="CaughtUpAt">When it had last read all, within a minute; null when it never had.</param>
public sealed record ReaderLag(string Reader, long BatchesBehind, DateTimeOffset? CaughtUpAt);
