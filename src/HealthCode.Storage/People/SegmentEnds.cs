using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>A segment, and when its time is over.</summary>
/// <param name="EndsAt">From then on it is erased; never when it is kept until its people are deleted.</param>
/// <param name="IsErased">Its key is destroyed.</param>
public sealed record SegmentEnd(Segment Segment, Minute EndsAt, bool IsErased);

/// <summary>Ends the segments whose time is over: keys first, then bytes. Cut off anywhere, the next run goes on.</summary>
public sealed class SegmentEnds(EvidenceStore store, Retention retention)
{
    // What was ended by this process needs no second look; after a restart one is taken, as the last may have been cut off.
    private readonly HashSet<Segment> ended = [];

    /// <returns>Those that were ended now; another node, or an earlier run, may have destroyed their keys already.</returns>
    /// <exception cref="JournalUnavailableException">A store does not answer. Call it again.</exception>
    public async Task<IReadOnlyList<(Segment Segment, long Batches)>> EndAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        var done = new List<(Segment, long)>();
        foreach (var segment in await ReadAsync(cancellation).ConfigureAwait(false))
        {
            if (segment.EndsAt > Minute.Of(now) || ended.Contains(segment.Segment))
                continue;
            var batches = await store.EraseAsync(segment.Segment, now, cancellation).ConfigureAwait(false);
            ended.Add(segment.Segment);
            if (batches > 0 || !segment.IsErased)
                done.Add((segment.Segment, batches));
        }
        return done;
    }

    /// <summary>All segments that evidence was ever kept in, by class and week.</summary>
    public async Task<IReadOnlyList<SegmentEnd>> ReadAsync(CancellationToken cancellation) =>
        [.. (await store.ReadSegmentsAsync(cancellation).ConfigureAwait(false))
            .Select(known => new SegmentEnd(known.Segment, retention.EndOf(known.Segment), known.IsOver))];
}
