namespace HealthCode.Storage;

/// <summary>Opens what a journal's batches hold, and says which cannot be opened though their keys were not destroyed.</summary>
/// <remarks>
/// Checksums and chain say that the bytes are those that were written; this says that they can still be read. It reads a
/// stream's keys when it comes to its first batch, and again when one is missing: they are younger than a reading that began before.
/// </remarks>
public sealed class JournalInspection(EvidenceStore store)
{
    private string? stream;
    private PersonKeys? people;

    /// <summary>Facts of people that were opened and read.</summary>
    public long Facts { get; private set; }

    /// <summary>Facts that nobody can read any more, because their people were deleted.</summary>
    public long Closed { get; private set; }

    /// <summary>Facts of a kind that only a newer program knows.</summary>
    public long Unknown { get; private set; }

    /// <summary>Give it a journal's batches stream by stream.</summary>
    /// <returns>Null when nothing is wrong with the batch; else what is, to follow its place.</returns>
    /// <exception cref="JournalUnavailableException">A store does not answer.</exception>
    public async ValueTask<string?> ProblemOfAsync(JournalBatch batch, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(batch);
        try
        {
            if (batch.Stream == JournalStreams.Areas)
                EvidenceCodec.DecodeRisks(batch);
            else if (batch.Stream == JournalStreams.Plans)
                PlanCodec.Decode(batch);
            else
                await OpenAsync(batch, cancellation).ConfigureAwait(false);
            return null;
        }
        catch (JournalDamagedException damage)
        {
            return damage.What;
        }
    }

    private async ValueTask OpenAsync(JournalBatch batch, CancellationToken cancellation)
    {
        var opened = people is not null && batch.Stream == stream ? await store.OpenAsync(batch, people, cancellation).ConfigureAwait(false) : null;
        if (opened is null)
        {
            (stream, people) = (batch.Stream, await store.ReadPersonKeysAsync(batch.Stream, cancellation).ConfigureAwait(false));
            opened = await store.OpenAsync(batch, people, cancellation).ConfigureAwait(false) ?? throw EvidenceStore.KeyGone(batch);
        }
        Facts += opened.Facts.Count;
        Closed += opened.Closed;
        Unknown += opened.Unknown;
    }
}
