using Microsoft.EntityFrameworkCore;

namespace HealthCode.Storage;

/// <summary>Leads a reader along the streams of people, from where it stands to the journal's heads.</summary>
/// <remarks>
/// Effect and position are committed together, so a reader that is killed anywhere goes on where its view is: nothing is lost
/// and nothing counted twice. A position moves only from where it was read; of two that follow for the same reader one fails,
/// and takes back what it did.
///
/// <code>
///   heads of the journal ─► batches after the position, opened ─► BEGIN  effect  position: n → m, if it is still n  COMMIT
/// </code>
/// </remarks>
public sealed class JournalFollower(IDbContextFactory<BackOfficeContext> backOffice, EvidenceStore evidence, IEvidenceReader reader)
{
    private const string CaughtUp = "";

    /// <summary>Batches whose effects are committed together, at most.</summary>
    private const int BatchesMax = 256;

    private static readonly TimeSpan MarkEvery = TimeSpan.FromMinutes(1);

    public string Name => reader.Name;

    /// <summary>Reads on to the journal's heads as they are when it begins.</summary>
    /// <returns>How many batches it read.</returns>
    /// <exception cref="InvalidOperationException">Another one leads the same reader. Nothing of that step was kept.</exception>
    /// <exception cref="JournalDamagedException">The journal is not what was written.</exception>
    public async Task<long> CatchUpAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        var (heads, positions) = await WhereAsync(cancellation).ConfigureAwait(false);
        var read = 0L;
        foreach (var (stream, head) in heads)
            read += await CatchUpAsync(stream, positions.GetValueOrDefault(stream)?.NextSequence ?? 0, head, now, cancellation).ConfigureAwait(false);
        if (read > 0 || positions.GetValueOrDefault(CaughtUp) is not { } mark || now - mark.At >= MarkEvery)
            await MarkAsync(now, cancellation).ConfigureAwait(false);
        return read;
    }

    public async Task<ReaderLag> LagAsync(CancellationToken cancellation)
    {
        var (heads, positions) = await WhereAsync(cancellation).ConfigureAwait(false);
        var behind = heads.Sum(head => Math.Max(0, head.Value - (positions.GetValueOrDefault(head.Key)?.NextSequence ?? 0)));
        return new(reader.Name, behind, positions.GetValueOrDefault(CaughtUp)?.At);
    }

    /// <summary>Empties the view and begins anew. Whoever follows reads it again, from what can still be read.</summary>
    public static async Task DropAsync(IDbContextFactory<BackOfficeContext> backOffice, IEvidenceReader reader, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(backOffice);
        ArgumentNullException.ThrowIfNull(reader);
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await using var transaction = await context.Database.BeginTransactionAsync(cancellation).ConfigureAwait(false);
        await reader.DropAsync(context, cancellation).ConfigureAwait(false);
        await context.ReaderPositions.Where(row => row.Reader == reader.Name).ExecuteDeleteAsync(cancellation).ConfigureAwait(false);
        await transaction.CommitAsync(cancellation).ConfigureAwait(false);
    }

    private async Task<(SortedDictionary<string, long> Heads, Dictionary<string, ReaderPosition> Positions)> WhereAsync(CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        // Positions first: a head is then never before one.
        var positions = await context.ReaderPositions.AsNoTracking().Where(row => row.Reader == reader.Name)
            .ToDictionaryAsync(row => row.Stream, cancellation).ConfigureAwait(false);
        var heads = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (stream, head) in await evidence.Journal.ReadHeadsAsync(cancellation).ConfigureAwait(false))
        {
            if (stream is not (JournalStreams.Areas or JournalStreams.Plans))
                heads.Add(stream, head.NextSequence);
        }
        return (heads, positions);
    }

    private async Task<long> CatchUpAsync(string stream, long from, long head, DateTimeOffset now, CancellationToken cancellation)
    {
        if (from >= head)
            return 0;
        var (next, batches) = (from, new List<EvidenceBatch>());
        await foreach (var batch in evidence.ReadAsync(stream, from, cancellation).ConfigureAwait(false))
        {
            batches.Add(batch);
            if (batches.Count < BatchesMax && batch.Sequence + 1 < head)
                continue;
            await AdvanceAsync(stream, next, batches, now, cancellation).ConfigureAwait(false);
            (next, batches) = (batch.Sequence + 1, []);
            if (next >= head)
                break;
        }
        return next - from;
    }

    private async Task AdvanceAsync(string stream, long from, List<EvidenceBatch> batches, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await using var transaction = await context.Database.BeginTransactionAsync(cancellation).ConfigureAwait(false);
        await reader.ApplyAsync(context, batches, cancellation).ConfigureAwait(false);
        var to = batches[^1].Sequence + 1;
        var moved = await context.Database.ExecuteSqlAsync($"""
            INSERT INTO "ReaderPositions" ("Reader", "Stream", "NextSequence", "At") SELECT {reader.Name}, {stream}, {to}, {now.UtcTicks} WHERE {from} = 0
            ON CONFLICT ("Reader", "Stream") DO NOTHING
            """, cancellation).ConfigureAwait(false);
        if (moved == 0)
        {
            moved = await context.ReaderPositions.Where(row => row.Reader == reader.Name && row.Stream == stream && row.NextSequence == from && from > 0)
                .ExecuteUpdateAsync(row => row.SetProperty(old => old.NextSequence, to).SetProperty(old => old.At, now), cancellation).ConfigureAwait(false);
        }
        if (moved != 1)
            throw new InvalidOperationException($"Reader {reader.Name} does not stand at {from} of stream {stream} any more: another one leads it.");
        await transaction.CommitAsync(cancellation).ConfigureAwait(false);
    }

    private async Task MarkAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await context.Database.ExecuteSqlAsync($"""
            INSERT INTO "ReaderPositions" ("Reader", "Stream", "NextSequence", "At") VALUES ({reader.Name}, {CaughtUp}, {0L}, {now.UtcTicks})
            ON CONFLICT ("Reader", "Stream") DO UPDATE SET "At" = excluded."At"
            """, cancellation).ConfigureAwait(false);
    }
}
