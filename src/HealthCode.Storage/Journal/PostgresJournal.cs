using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Npgsql;
using NpgsqlTypes;

namespace HealthCode.Storage;

/// <summary>The journal in a PostgreSQL database, which many nodes may share; with group commit.</summary>
/// <remarks>
/// One row is one batch. A stream always goes by the same lane, so that its batches keep their order; a lane commits
/// what waits in one transaction and one round trip, and several lanes commit at once:
///
/// <code>
///   append ─► lane 0 ─► INSERT each … (one implicit transaction) ─► all are answered
///   append ─► lane 1 ─► INSERT each …
///   append ─► lane 2 …
/// </code>
///
/// A row is inserted only if its predecessor is there with the chain that this writer knows, and the key (stream,
/// sequence) refuses it when another has that sequence, also one whose transaction is still under way: then PostgreSQL waits for that
/// one's end before it answers. So a writer that lost its connection, and appends again while its former commit is still
/// on its way, learns what became of it. A group in which the key refused somebody is appended one by one.
/// </remarks>
public sealed class PostgresJournal : IJournal
{
    private const int ErasePageSize = 1_000;

    private static readonly string[] Schema =
    [
        // No attempt to compress: sealed bytes do not become smaller. The chain stands in the row itself.
        """
        CREATE TABLE batches (
            stream text COLLATE "C" NOT NULL,
            sequence bigint NOT NULL,
            segment int NOT NULL,
            checksum bigint NOT NULL,
            chain bytea NOT NULL,
            bytes bytea,
            PRIMARY KEY (stream, sequence));
        CREATE INDEX batches_to_erase ON batches (segment) WHERE bytes IS NOT NULL AND segment <> 0;
        ALTER TABLE batches ALTER COLUMN bytes SET STORAGE EXTERNAL;
        """,
    ];

    private readonly NpgsqlDataSource database;
    private readonly Lane[] lanes;
    private long commits;

    private PostgresJournal(NpgsqlDataSource database, PostgresJournalOptions options)
    {
        this.database = database;
        lanes = [.. Enumerable.Range(0, options.Lanes).Select(_ => new Lane(this, options))];
    }

    /// <summary>Opens the journal of a database, making its tables when they are missing. The database is the caller's to close, after the journal.</summary>
    /// <exception cref="JournalUnavailableException">The database does not answer, or is of a newer version.</exception>
    public static async Task<PostgresJournal> OpenAsync(
        NpgsqlDataSource database, PostgresJournalOptions? options = null, CancellationToken cancellation = default)
    {
        await PostgresStore.PrepareAsync(database, "journal", Schema, cancellation).ConfigureAwait(false);
        return new PostgresJournal(database, options ?? new());
    }

    /// <summary>Transactions committed since this was opened.</summary>
    public long Commits => Interlocked.Read(ref commits);

    /// <inheritdoc/>
    public async ValueTask AppendAsync(string stream, long sequence, IReadOnlyList<NewBatch> batches, CancellationToken cancellation)
    {
        var append = JournalAppend.Of(stream, sequence, batches);
        try
        {
            // The queue takes it or the caller's cancellation does, never both.
            await LaneOf(stream).Waiting.WriteAsync(append, cancellation).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new JournalUnavailableException("The journal is closed.");
        }
        await append.Done.Task.ConfigureAwait(false);
    }

    // The same for the life of the process is enough: a lane holds no more than what it can read again.
    private Lane LaneOf(string stream) => lanes[(uint)stream.GetHashCode(StringComparison.Ordinal) % (uint)lanes.Length];

    /// <inheritdoc/>
    public async IAsyncEnumerable<JournalBatch> ReadStreamAsync(
        string stream, long fromSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var next = Math.Max(0, fromSequence);
        var rows = new JournalRows(stream, next, await ChainBeforeAsync(stream, next, cancellation).ConfigureAwait(false));
        while (true)
        {
            var page = await ReadPageAsync(stream, next, cancellation).ConfigureAwait(false);
            foreach (var row in page)
            {
                cancellation.ThrowIfCancellationRequested();
                yield return rows.Check(row);
                next = row.Sequence + 1;
            }
            if (page.Count == 0)
                yield break;
        }
    }

    /// <returns>Null when the batch before is gone or cannot be read.</returns>
    private async Task<JournalChain?> ChainBeforeAsync(string stream, long from, CancellationToken cancellation)
    {
        if (from == 0)
            return JournalChain.Start;
        try
        {
            var before = (JournalChain?)null;
            await ReadAsync("SELECT chain FROM batches WHERE stream = $1 AND sequence = $2 AND length(chain) = 16",
                [PostgresStore.Value(stream), PostgresStore.Value(from - 1)],
                row => before = JournalChain.FromBytes(row.GetFieldValue<byte[]>(0)), cancellation).ConfigureAwait(false);
            return before;
        }
        catch (JournalUnavailableException failure) when (PostgresStore.IsDamage(failure))
        {
            return null;
        }
    }

    private async Task<List<JournalRow>> ReadPageAsync(string stream, long from, CancellationToken cancellation)
    {
        try
        {
            return await ReadRowsAsync(
                "SELECT sequence, segment, checksum, chain, bytes FROM batches WHERE stream = $1 AND sequence >= $2 ORDER BY sequence LIMIT 32",
                stream, from, cancellation).ConfigureAwait(false);
        }
        catch (JournalUnavailableException failure) when (PostgresStore.IsDamage(failure))
        {
            return await ReadBeforeDamageAsync(stream, from, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>PostgreSQL says that something between here and the next page is damaged; one by one it says which.</summary>
    /// <exception cref="JournalDamagedException">It is the first.</exception>
    private async Task<List<JournalRow>> ReadBeforeDamageAsync(string stream, long from, CancellationToken cancellation)
    {
        var readable = new List<JournalRow>();
        for (var sequence = from; ; sequence++)
        {
            try
            {
                var row = await ReadRowsAsync(
                    "SELECT sequence, segment, checksum, chain, bytes FROM batches WHERE stream = $1 AND sequence = $2",
                    stream, sequence, cancellation).ConfigureAwait(false);
                if (row.Count == 0)
                    return readable;
                readable.Add(row[0]);
            }
            catch (JournalUnavailableException failure) when (PostgresStore.IsDamage(failure))
            {
                if (readable.Count > 0)
                    return readable;
                throw new JournalDamagedException(stream, sequence, "the database itself is: " + failure.InnerException!.Message)
                {
                    ReadableFrom = sequence + 1,
                };
            }
        }
    }

    private async Task<List<JournalRow>> ReadRowsAsync(string sql, string stream, long sequence, CancellationToken cancellation)
    {
        var rows = new List<JournalRow>();
        await ReadAsync(sql, [PostgresStore.Value(stream), PostgresStore.Value(sequence)],
            row => rows.Add(new(row.GetInt64(0), row.GetInt32(1), row.IsDBNull(4) ? null : row.GetFieldValue<byte[]>(4), row.GetInt64(2), row.GetFieldValue<byte[]>(3))),
            cancellation).ConfigureAwait(false);
        return rows;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, JournalHead>> ReadHeadsAsync(CancellationToken cancellation)
    {
        var heads = new Dictionary<string, JournalHead>();
        try
        {
            await ReadAsync(HeadsQuery, [], row => heads.Add(row.GetString(0), HeadIn(row)), cancellation).ConfigureAwait(false);
            return heads;
        }
        catch (JournalUnavailableException failure) when (PostgresStore.IsDamage(failure))
        {
            throw new JournalDamagedException("(any)", 0, "the database itself is: " + failure.InnerException!.Message);
        }
    }

    // Hops from stream to stream on the key's index, however many batches each has.
    private const string HeadsQuery = """
        WITH RECURSIVE names(stream) AS (
            (SELECT stream FROM batches ORDER BY stream LIMIT 1)
            UNION ALL
            SELECT (SELECT stream FROM batches WHERE stream > names.stream ORDER BY stream LIMIT 1) FROM names WHERE stream IS NOT NULL)
        SELECT names.stream, ends.sequence, ends.chain FROM names CROSS JOIN LATERAL (
            SELECT sequence, chain FROM batches WHERE stream = names.stream ORDER BY stream DESC, sequence DESC LIMIT 1) AS ends
        """;

    private static JournalHead HeadIn(NpgsqlDataReader row) => new(row.GetInt64(1) + 1, JournalChain.FromBytes(row.GetFieldValue<byte[]>(2)));

    /// <inheritdoc/>
    public async Task<long> EraseAsync(Segment segment, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(segment, Segment.Permanent);
        try
        {
            for (var erased = 0L; ;)
            {
                cancellation.ThrowIfCancellationRequested();
                var erase = database.CreateCommand("""
                    UPDATE batches SET bytes = NULL WHERE (stream, sequence) IN (
                        SELECT stream, sequence FROM batches WHERE segment = $1 AND segment <> 0 AND bytes IS NOT NULL LIMIT $2)
                    """);
                await using var _ = erase.ConfigureAwait(false);
                erase.Parameters.Add(PostgresStore.Value(segment.Value));
                erase.Parameters.Add(PostgresStore.Value(ErasePageSize));
                var now = await erase.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
                erased += now;
                if (now == 0)
                    return erased;
            }
        }
        catch (Exception failure) when (PostgresStore.IsOutage(failure))
        {
            throw PostgresStore.Unavailable(failure);
        }
    }

    /// <summary>Commits what waits, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var lane in lanes)
            await lane.CloseAsync().ConfigureAwait(false);
    }

    // A pooled connection may be of before the server's last restart; the first that meets one clears the pool, and asks again.
    private async Task ReadAsync(string sql, NpgsqlParameter[] parameters, Action<NpgsqlDataReader> take, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var taken = 0;
            try
            {
#pragma warning disable CA2100 // The statements are this project's own constants.
                var select = database.CreateCommand(sql);
#pragma warning restore CA2100
                await using var _ = select.ConfigureAwait(false);
                select.Parameters.AddRange(parameters.Select(parameter => parameter.Clone()).ToArray());
                var rows = await select.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
                await using var __ = rows.ConfigureAwait(false);
                for (; await rows.ReadAsync(cancellation).ConfigureAwait(false); taken++)
                    take(rows);
                return;
            }
            catch (NpgsqlException failure) when (attempt == 1 && taken == 0 && PostgresStore.IsLostConnection(failure))
            {
            }
            catch (Exception failure) when (PostgresStore.IsOutage(failure))
            {
                throw PostgresStore.Unavailable(failure);
            }
        }
    }

    /// <summary>One of the ways to the database: a queue, a task that empties it, and what it knows of its streams' ends.</summary>
    private sealed class Lane
    {
        private readonly PostgresJournal journal;
        private readonly PostgresJournalOptions options;
        private readonly Channel<JournalAppend> waiting;
        private readonly Dictionary<string, JournalHead> heads = [];
        private readonly Task writing;

        public Lane(PostgresJournal journal, PostgresJournalOptions options)
        {
            (this.journal, this.options) = (journal, options);
            waiting = Channel.CreateBounded<JournalAppend>(
                new BoundedChannelOptions(Math.Max(1, options.WaitingMax / options.Lanes)) { SingleReader = true });
            writing = Task.Run(WriteAllAsync);
        }

        public ChannelWriter<JournalAppend> Waiting => waiting.Writer;

        public Task CloseAsync()
        {
            waiting.Writer.TryComplete();
            return writing;
        }

        private async Task WriteAllAsync()
        {
            var group = new List<JournalAppend>();
            while (await waiting.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                var bytes = 0L;
                while (bytes < options.GroupBytesMax && group.Count < options.GroupCountMax && waiting.Reader.TryRead(out var append))
                {
                    group.Add(append);
                    bytes += append.Bytes;
                }
                // In one order of streams, so that two nodes that hold the same streams never wait for each other in a circle.
                await AnswerAsync([.. group.OrderBy(append => append.Stream, StringComparer.Ordinal)]).ConfigureAwait(false);
                group.Clear();
            }
        }

        private async Task AnswerAsync(IReadOnlyList<JournalAppend> group)
        {
            try
            {
                var began = Stopwatch.GetTimestamp();
                var written = await CommitAsync(group).ConfigureAwait(false);
                JournalAppend.Measure(group, began);
                for (var index = 0; index < group.Count; index++)
                    Answer(group[index], written[index]);
            }
            catch (PostgresException conflict) when (conflict.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                // Another writer was first with one of them, and nothing of the group was written.
                heads.Clear();
                if (group.Count == 1)
                    Answer(group[0], written: false);
                else
                    foreach (var append in group)
                        await AnswerAsync([append]).ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                // Nothing of a failed group was acknowledged. It may have become durable all the same; see the contract.
                heads.Clear();
                foreach (var append in group)
                    append.Done.SetException(new JournalUnavailableException("The journal could not be written: " + failure.Message, failure));
            }
        }

        private void Answer(JournalAppend append, bool written)
        {
            if (written)
                append.Done.SetResult();
            else
            {
                heads.Remove(append.Stream);
                append.Done.SetException(new StaleWriterException(append.Stream, append.Sequence));
            }
        }

        /// <returns>Whether each was written; a stale one was not.</returns>
        private async Task<bool[]> CommitAsync(IReadOnlyList<JournalAppend> group)
        {
            var connection = await journal.database.OpenConnectionAsync().ConfigureAwait(false);
            await using var _ = connection.ConfigureAwait(false);
            await LearnHeadsAsync(connection, group).ConfigureAwait(false);

            // Without a transaction of its own a batch is one, in one round trip.
            var inserts = new NpgsqlBatch(connection);
            await using var __ = inserts.ConfigureAwait(false);
            var first = new int[group.Count];
            for (var index = 0; index < first.Length; index++)
                first[index] = TryAdd(inserts, group[index]);
            if (inserts.BatchCommands.Count > 0)
                await inserts.ExecuteNonQueryAsync().ConfigureAwait(false);
            Interlocked.Increment(ref journal.commits);
            // Of one append all rows find their predecessors, or none does.
            return [.. first.Select(insert => insert >= 0 && inserts.BatchCommands[insert].RecordsAffected == 1)];
        }

        // Reads the ends of streams that are not known here, or that ended elsewhere than their appends believe.
        private async Task LearnHeadsAsync(NpgsqlConnection connection, IReadOnlyList<JournalAppend> group)
        {
            var due = new Dictionary<string, long>();
            var unknown = new HashSet<string>();
            foreach (var append in group)
            {
                if (append.Sequence != (due.TryGetValue(append.Stream, out var next) ? next : heads.TryGetValue(append.Stream, out var head) ? head.NextSequence : -1))
                    unknown.Add(append.Stream);
                due[append.Stream] = append.Sequence + append.Batches.Count;
            }
            if (unknown.Count == 0)
                return;
            var select = new NpgsqlCommand("""
                SELECT wanted.stream, ends.sequence, ends.chain FROM unnest($1) AS wanted(stream)
                CROSS JOIN LATERAL (SELECT sequence, chain FROM batches WHERE stream = wanted.stream ORDER BY sequence DESC LIMIT 1) AS ends
                """, connection);
            await using var _ = select.ConfigureAwait(false);
            select.Parameters.Add(PostgresStore.Value(unknown.ToArray()));
            var rows = await select.ExecuteReaderAsync().ConfigureAwait(false);
            await using var __ = rows.ConfigureAwait(false);
            foreach (var stream in unknown)
                heads[stream] = default;
            while (await rows.ReadAsync().ConfigureAwait(false))
                heads[rows.GetString(0)] = HeadIn(rows);
        }

        /// <returns>Which insert is the append's first; -1 when it is known to be stale.</returns>
        private int TryAdd(NpgsqlBatch inserts, JournalAppend append)
        {
            var (next, chain) = heads.GetValueOrDefault(append.Stream);
            if (next != append.Sequence)
                return -1;
            var first = inserts.BatchCommands.Count;
            for (var index = 0; index < append.Batches.Count; index++)
            {
                var (batch, checksum, before) = (append.Batches[index], append.Checksums[index], chain);
                chain = chain.Next(append.Stream, next, batch.Segment, checksum);
                inserts.BatchCommands.Add(Insert(append.Stream, next, batch, checksum, chain, before));
                next++;
            }
            heads[append.Stream] = new(next, chain);
            return first;
        }

        private static NpgsqlBatchCommand Insert(
            string stream, long sequence, NewBatch batch, long checksum, JournalChain chain, JournalChain before) => new("""
                INSERT INTO batches (stream, sequence, segment, checksum, chain, bytes) SELECT $1, $2, $3, $4, $5, $6
                WHERE $2 = 0 OR EXISTS (SELECT 1 FROM batches WHERE stream = $1 AND sequence = $2 - 1 AND chain = $7)
                """)
            {
                Parameters =
                {
                    PostgresStore.Value(stream), PostgresStore.Value(sequence), PostgresStore.Value(batch.Segment.Value), PostgresStore.Value(checksum),
                    PostgresStore.Value(chain.ToBytes()),
                    batch.ErasedChecksum is null
                        ? new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = batch.Bytes, NpgsqlDbType = NpgsqlDbType.Bytea }
                        : new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea },
                    PostgresStore.Value(before.ToBytes()),
                },
            };
    }
}

/// <summary>How much a journal on PostgreSQL takes at once. How long it waits says the database's connection string.</summary>
public sealed record PostgresJournalOptions
{
    /// <summary>Transactions under way at once, and connections used by them.</summary>
    public int Lanes { get; init; } = 4;

    /// <summary>Appends that may wait in all lanes together; further ones wait for room, so that a slow database slows its callers down.</summary>
    public int WaitingMax { get; init; } = 4_096;

    /// <summary>Appends in one transaction, at most.</summary>
    public int GroupCountMax { get; init; } = 1_024;

    /// <summary>A transaction takes no further append once it has so many bytes.</summary>
    public long GroupBytesMax { get; init; } = 8 << 20;
}
