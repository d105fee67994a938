using System.Runtime.CompilerServices;

namespace HealthCode.Storage;

/// <summary>One thing in a journal that is not as it was written.</summary>
public sealed record JournalFinding(string Stream, long Sequence, string What)
{
    public override string ToString() => $"Batch {Sequence} of stream {Stream}: {What}.";
}

/// <summary>What the verification of one stream found.</summary>
/// <param name="Batches">Those that are as they were written, erased ones among them.</param>
/// <param name="Erased">Those of which retention left no more than the checksum.</param>
/// <param name="Bytes">Of all batches together.</param>
/// <param name="Findings">Empty when nothing is wrong.</param>
public sealed record VerifiedStream(string Stream, long Batches, long Erased, long Bytes, IReadOnlyList<JournalFinding> Findings);

/// <summary>Reads a whole journal and says of each stream whether all is there and as it was written.</summary>
/// <remarks>
/// Checksums and chain are checked by the journal's own reading; here it goes on behind a damage to name them all. That
/// a stream's last batches were cut off cannot be seen in the stream itself. Somebody must have noted where it ended: a
/// backup does, and gives it as <c>noted</c>.
/// </remarks>
public static class JournalVerification
{
    /// <inheritdoc cref="VerifyAsync(IJournal, IReadOnlyDictionary{string, JournalHead}?, Func{JournalBatch, ValueTask{string?}}?, CancellationToken)"/>
    public static IAsyncEnumerable<VerifiedStream> VerifyAsync(
        IJournal journal, IReadOnlyDictionary<string, JournalHead>? noted, CancellationToken cancellation) =>
        VerifyAsync(journal, noted, null, cancellation);

    /// <summary>Verifies stream after stream, in the order of their names; each result is one step of progress.</summary>
    /// <param name="noted">Where streams ended at some earlier moment; null when nobody noted it.</param>
    /// <param name="inspect">Says what is wrong with a batch that is as it was written, or null; for whoever can read it.</param>
    /// <exception cref="JournalDamagedException">Not even the list of streams can be read.</exception>
    public static async IAsyncEnumerable<VerifiedStream> VerifyAsync(
        IJournal journal, IReadOnlyDictionary<string, JournalHead>? noted, Func<JournalBatch, ValueTask<string?>>? inspect,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(journal);
        var heads = await journal.ReadHeadsAsync(cancellation).ConfigureAwait(false);
        var streams = heads.Keys.Union(noted?.Keys ?? []).Order(StringComparer.Ordinal);
        foreach (var stream in streams)
        {
            var verifying = new Verifying(journal, stream, heads.GetValueOrDefault(stream), noted?.GetValueOrDefault(stream) ?? default, inspect);
            yield return await verifying.RunAsync(cancellation).ConfigureAwait(false);
        }
    }

    private sealed class Verifying(
        IJournal journal, string stream, JournalHead head, JournalHead noted, Func<JournalBatch, ValueTask<string?>>? inspect)
    {
        private readonly List<JournalFinding> findings = [];
        private long batches, erased, bytes, reached;

        public async Task<VerifiedStream> RunAsync(CancellationToken cancellation)
        {
            long? from = 0;
            while (from is { } next)
                from = await ReadAsync(next, cancellation).ConfigureAwait(false);
            var due = Math.Max(head.NextSequence, noted.NextSequence);
            if (reached < due)
                findings.Add(new(stream, reached, JournalRows.Missing(reached, due)));
            return new VerifiedStream(stream, batches, erased, bytes, findings);
        }

        /// <returns>Where to go on behind a damage; null at the end.</returns>
        private async Task<long?> ReadAsync(long from, CancellationToken cancellation)
        {
            try
            {
                await foreach (var batch in journal.ReadStreamAsync(stream, from, cancellation).ConfigureAwait(false))
                {
                    Count(batch);
                    if (inspect is not null && await inspect(batch).ConfigureAwait(false) is { } problem)
                        findings.Add(new(stream, batch.Sequence, problem));
                }
                return null;
            }
            catch (JournalDamagedException damage)
            {
                findings.Add(new(stream, damage.Sequence, damage.What));
                reached = Math.Max(reached, damage.ReadableFrom ?? long.MaxValue);
                return damage.ReadableFrom;
            }
        }

        private void Count(JournalBatch batch)
        {
            batches++;
            erased += batch.IsErased ? 1 : 0;
            bytes += batch.Bytes.Length;
            reached = batch.Sequence + 1;
            if (reached == noted.NextSequence && batch.Chain != noted.Chain)
                findings.Add(new(stream, batch.Sequence, "the stream up to here is not the one that was noted"));
        }
    }
}
