using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace HealthCode.Storage;

/// <summary>The journal in one SQLite file, with group commit.</summary>
/// <remarks>
/// One row is one batch; the key (stream, sequence) refuses a stale writer. A single writer takes everything that waits
/// and commits it in one transaction, so that one fsync pays for all appends that came during the one before:
///
/// <code>
///   append ─┐
///   append ─┼─► waiting (bounded) ─► writer: BEGIN … INSERT each … COMMIT (fsync) ─► all are answered
///   append ─┘                        a stale one is left out and refused alone
/// </code>
///
/// WAL with synchronous=FULL: a commit returns after the log is on the disk (sqlite.org/pragma.html#pragma_synchronous).
/// Where each stream ends is kept in memory, and read again when another process has changed the file.
/// </remarks>
public sealed class SqliteJournal : IJournal
{
    private const int ReadPageSize = 64;

    private readonly string path;
    private readonly SqliteJournalOptions options;
    private readonly Channel<Append> waiting;
    private readonly Task writing = Task.CompletedTask;
    private readonly bool readOnly;
    private Writer? writer;
    private long commits;

    private sealed record Append(string Stream, long Sequence, IReadOnlyList<NewBatch> Batches, long[] Checksums, TaskCompletionSource Done)
    {
        public long Bytes { get; } = Batches.Sum(batch => (long)batch.Bytes.Length);
    }

    /// <summary>Opens the journal to append and read, creating the file, with owner-only permissions, when it is missing.</summary>
    public SqliteJournal(string path, SqliteJournalOptions? options = null) : this(path, options ?? new(), readOnly: false)
    {
    }

    private SqliteJournal(string path, SqliteJournalOptions options, bool readOnly)
    {
        (this.path, this.options, this.readOnly) = (path, options, readOnly);
        waiting = Channel.CreateBounded<Append>(new BoundedChannelOptions(options.WaitingMax) { SingleReader = true });
        if (readOnly)
            return;
        OwnerOnly.CreateFile(path);
        writer = OpenWriter();
        // A thread of its own: SQLite's calls block, and the pool's threads have displays to serve.
        writing = Task.Factory.StartNew(WriteAll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Opens an existing journal to read, also beside the process that appends to it.</summary>
    public static SqliteJournal OpenForReading(string path) => new(path, new(), readOnly: true);

    /// <summary>Transactions committed since this was opened.</summary>
    public long Commits => Interlocked.Read(ref commits);

    /// <inheritdoc/>
    public async ValueTask AppendAsync(string stream, long sequence, IReadOnlyList<NewBatch> batches, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfZero(batches?.Count ?? 0, nameof(batches));
        if (readOnly)
            throw new InvalidOperationException("The journal was opened for reading.");
        // The checksums are the caller's work: the writer has one thread for all.
        var append = new Append(stream, sequence, batches!, ChecksumsOf(batches!), new(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            // The queue takes it or the caller's cancellation does, never both.
            await waiting.Writer.WriteAsync(append, cancellation).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new JournalUnavailableException("The journal is closed.");
        }
        await append.Done.Task.ConfigureAwait(false);
    }

    private static long[] ChecksumsOf(IReadOnlyList<NewBatch> batches)
    {
        var checksums = new long[batches.Count];
        for (var index = 0; index < checksums.Length; index++)
            checksums[index] = JournalChain.ChecksumOf(batches[index].Bytes.Span);
        return checksums;
    }

    /// <inheritdoc/>
    // Pages, and no open cursor between them: a reader that takes its time must not hold the log back from being folded in.
    public async IAsyncEnumerable<JournalBatch> ReadStreamAsync(
        string stream, long fromSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Yield();
        JournalRows? rows = null;
        for (var from = Math.Max(0, fromSequence); ;)
        {
            var (page, damage) = ReadPage(stream, from, ref rows);
            foreach (var batch in page)
            {
                cancellation.ThrowIfCancellationRequested();
                yield return batch;
            }
            if (damage is not null)
                throw damage;
            if (page.Count < ReadPageSize)
                yield break;
            from = page[^1].Sequence + 1;
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, JournalHead>> ReadHeadsAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            using var connection = Open(SqliteOpenMode.ReadOnly);
            using var select = connection.CreateCommand();
            select.CommandText = HeadsQuery;
            using var rows = select.ExecuteReader();
            var heads = new Dictionary<string, JournalHead>();
            while (rows.Read())
                heads.Add(rows.GetString(0), new(rows.GetInt64(1) + 1, JournalChain.FromBytes(rows.GetFieldValue<byte[]>(2))));
            return Task.FromResult<IReadOnlyDictionary<string, JournalHead>>(heads);
        }
        catch (SqliteException failure)
        {
            throw Explained(failure, "(any)", 0);
        }
    }

    // Hops from stream to stream on the key's index, however many batches each has.
    internal const string HeadsQuery = """
        WITH RECURSIVE names(stream) AS (
            SELECT min(stream) FROM batches
            UNION ALL
            SELECT (SELECT min(stream) FROM batches WHERE stream > names.stream) FROM names WHERE stream IS NOT NULL)
        SELECT names.stream, ends.sequence, ends.chain FROM names
        JOIN batches ends ON ends.stream = names.stream AND ends.sequence = (SELECT max(sequence) FROM batches WHERE stream = names.stream)
        WHERE names.stream IS NOT NULL
        """;

    /// <inheritdoc/>
    public Task<long> EraseAsync(Segment segment, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(segment, Segment.Permanent);
        cancellation.ThrowIfCancellationRequested();
        try
        {
            using var connection = Open(SqliteOpenMode.ReadWrite);
            using var erase = connection.CreateCommand();
            erase.CommandText = "UPDATE batches SET bytes = NULL WHERE segment = $segment AND bytes IS NOT NULL";
            erase.Parameters.AddWithValue("$segment", segment.Value);
            return Task.FromResult((long)erase.ExecuteNonQuery());
        }
        catch (SqliteException failure)
        {
            throw new JournalUnavailableException("The journal could not be written: " + failure.Message, failure);
        }
    }

    /// <summary>Commits what waits, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        waiting.Writer.TryComplete();
        await writing.ConfigureAwait(false);
        writer?.Dispose();
        using var pooled = new SqliteConnection(ConnectionString(SqliteOpenMode.ReadOnly));
        SqliteConnection.ClearPool(pooled);
    }

    private void WriteAll()
    {
        var group = new List<Append>();
        while (waiting.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            var bytes = 0L;
            while (bytes < options.GroupBytesMax && group.Count < options.GroupCountMax && waiting.Reader.TryRead(out var append))
            {
                group.Add(append);
                bytes += append.Bytes;
            }
            Answer(group);
            group.Clear();
        }
    }

    private void Answer(List<Append> group)
    {
        bool[] written;
        try
        {
            written = Commit(group);
        }
        catch (Exception failure)
        {
            // Nothing of a failed group was acknowledged. It may have become durable all the same; see the contract. Nor is
            // one called stale here: what it came after may be what was lost.
            Reset();
            foreach (var append in group)
                append.Done.SetException(new JournalUnavailableException("The journal could not be written: " + failure.Message, failure));
            return;
        }
        for (var index = 0; index < group.Count; index++)
        {
            if (written[index])
                group[index].Done.SetResult();
            else
                group[index].Done.SetException(new StaleWriterException(group[index].Stream, group[index].Sequence));
        }
    }

    /// <returns>Whether each was written; a stale one was not.</returns>
    private bool[] Commit(List<Append> group)
    {
        writer ??= OpenWriter();
        using var transaction = writer.Connection.BeginTransaction(deferred: false);
        writer.Begin(transaction);
        var written = new bool[group.Count];
        for (var index = 0; index < written.Length; index++)
            written[index] = writer.TryInsert(group[index]);
        transaction.Commit();
        Interlocked.Increment(ref commits);
        return written;
    }

    // After a failure neither the connection nor the remembered heads are trusted any more: the next group gets new ones,
    // if the disk gives them.
    private void Reset()
    {
        try
        {
            writer?.Dispose();
        }
        catch (SqliteException)
        {
        }
        writer = null;
    }

    private Writer OpenWriter()
    {
        var connection = Open(SqliteOpenMode.ReadWrite);
        try
        {
            Execute(connection, "PRAGMA journal_mode=WAL");
            Execute(connection, "PRAGMA synchronous=FULL");
            Execute(connection, """
                CREATE TABLE IF NOT EXISTS batches (
                    stream TEXT NOT NULL,
                    sequence INTEGER NOT NULL,
                    segment INTEGER NOT NULL,
                    checksum INTEGER NOT NULL,
                    chain BLOB NOT NULL,
                    bytes BLOB,
                    PRIMARY KEY (stream, sequence))
                """);
            if (options.SizeMax is { } sizeMax)
                Execute(connection, $"PRAGMA max_page_count={sizeMax / 4096}");
            return new Writer(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>The connection that appends, its statements, and what it knows of the streams' ends.</summary>
    private sealed class Writer : IDisposable
    {
        private readonly Dictionary<string, JournalHead> heads = [];
        private readonly SqliteCommand insert, head, version;
        private long seen = -1;

        public Writer(SqliteConnection connection)
        {
            Connection = connection;
            insert = connection.CreateCommand();
            insert.CommandText = "INSERT INTO batches (stream, sequence, segment, checksum, chain, bytes) VALUES ($stream, $sequence, $segment, $checksum, $chain, $bytes)";
            foreach (var name in (string[])["$stream", "$sequence", "$segment", "$checksum", "$chain", "$bytes"])
                insert.Parameters.Add(new SqliteParameter { ParameterName = name });
            head = connection.CreateCommand();
            head.CommandText = "SELECT sequence, chain FROM batches WHERE stream = $stream ORDER BY sequence DESC LIMIT 1";
            head.Parameters.Add(new SqliteParameter { ParameterName = "$stream" });
            version = connection.CreateCommand();
            version.CommandText = "PRAGMA data_version";
        }

        public SqliteConnection Connection { get; }

        /// <summary>Nobody else can write from here to the commit; forgets the heads if somebody has since the last one.</summary>
        public void Begin(SqliteTransaction transaction)
        {
            (insert.Transaction, head.Transaction, version.Transaction) = (transaction, transaction, transaction);
            var now = (long)version.ExecuteScalar()!;
            if (now != seen)
                heads.Clear();
            seen = now;
        }

        public bool TryInsert(Append append)
        {
            var (next, chain) = HeadOf(append.Stream);
            if (next != append.Sequence)
                return false;
            for (var index = 0; index < append.Batches.Count; index++)
            {
                var (batch, checksum) = (append.Batches[index], append.Checksums[index]);
                chain = chain.Next(append.Stream, next, batch.Segment, checksum);
                insert.Parameters[0].Value = append.Stream;
                insert.Parameters[1].Value = next;
                insert.Parameters[2].Value = batch.Segment.Value;
                insert.Parameters[3].Value = checksum;
                insert.Parameters[4].Value = chain.ToBytes();
                insert.Parameters[5].Value = WholeArray(batch.Bytes);
                insert.ExecuteNonQuery();
                next++;
            }
            heads[append.Stream] = new(next, chain);
            return true;
        }

        private JournalHead HeadOf(string stream)
        {
            if (heads.TryGetValue(stream, out var known))
                return known;
            head.Parameters[0].Value = stream;
            using var row = head.ExecuteReader();
            return row.Read() ? new(row.GetInt64(0) + 1, JournalChain.FromBytes(row.GetFieldValue<byte[]>(1))) : default;
        }

        // The provider binds whole arrays; most batches are one already.
        private static byte[] WholeArray(ReadOnlyMemory<byte> bytes) =>
            MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Array is { } array && array.Length == bytes.Length ? array : bytes.ToArray();

        public void Dispose()
        {
            insert.Dispose();
            head.Dispose();
            version.Dispose();
            Connection.Dispose();
        }
    }

    /// <returns>The batches before the first damage, and that.</returns>
    private (List<JournalBatch> Page, JournalDamagedException? Damage) ReadPage(string stream, long from, ref JournalRows? rows)
    {
        var page = new List<JournalBatch>();
        try
        {
            using var connection = Open(SqliteOpenMode.ReadOnly);
            rows ??= new JournalRows(stream, from, ChainBefore(connection, stream, from));
            using var select = connection.CreateCommand();
            select.CommandText = "SELECT sequence, segment, checksum, chain, bytes FROM batches WHERE stream = $stream AND sequence >= $from ORDER BY sequence LIMIT $page";
            select.Parameters.AddWithValue("$stream", stream);
            select.Parameters.AddWithValue("$from", from);
            select.Parameters.AddWithValue("$page", ReadPageSize);
            using var found = select.ExecuteReader();
            while (found.Read())
                page.Add(rows.Check(RowOf(found, rows)));
            return (page, null);
        }
        catch (JournalDamagedException damage)
        {
            return (page, damage);
        }
        catch (SqliteException failure) when (Explained(failure, stream, from + page.Count) is JournalDamagedException damage)
        {
            return (page, damage);
        }
        catch (SqliteException failure)
        {
            throw Explained(failure, stream, from);
        }
    }

    private static JournalChain? ChainBefore(SqliteConnection connection, string stream, long from)
    {
        if (from == 0)
            return JournalChain.Start;
        using var select = connection.CreateCommand();
        select.CommandText = "SELECT chain FROM batches WHERE stream = $stream AND sequence = $before";
        select.Parameters.AddWithValue("$stream", stream);
        select.Parameters.AddWithValue("$before", from - 1);
        return select.ExecuteScalar() is byte[] { Length: JournalChain.Size } chain ? JournalChain.FromBytes(chain) : null;
    }

    // SQLite keeps whatever it is given in a column, so a damaged row may hold another type.
    private static JournalRow RowOf(SqliteDataReader row, JournalRows rows)
    {
        if (row.GetValue(0) is not long sequence || row.GetValue(1) is not long segment || row.GetValue(2) is not long checksum
            || row.GetValue(3) is not byte[] chain || row.GetValue(4) is not (byte[] or DBNull))
            throw rows.Unreadable("its columns are not of their types");
        return new JournalRow(sequence, (int)segment, row.GetValue(4) as byte[], checksum, chain);
    }

    private const int CorruptFile = 11, NoDatabase = 26;

    private static Exception Explained(SqliteException failure, string stream, long sequence) =>
        failure.SqliteErrorCode is CorruptFile or NoDatabase
            ? new JournalDamagedException(stream, sequence, "the file itself is: " + failure.Message)
            : new JournalUnavailableException("The journal could not be read: " + failure.Message, failure);

    private SqliteConnection Open(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(ConnectionString(mode));
        connection.Open();
        Execute(connection, $"PRAGMA busy_timeout={(int)options.BusyMax.TotalMilliseconds}");
        return connection;
    }

    private string ConnectionString(SqliteOpenMode mode) => new SqliteConnectionStringBuilder
    {
        DataSource = path, Mode = mode, Pooling = mode == SqliteOpenMode.ReadOnly,
        // The provider tries again by itself until so many whole seconds have passed; 0 would be for ever.
        DefaultTimeout = Math.Max(1, (int)options.BusyMax.TotalSeconds),
    }.ToString();

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are this file's own constants and numbers.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}

/// <summary>How much a journal takes at once, and how long it waits.</summary>
public sealed record SqliteJournalOptions
{
    /// <summary>Appends that may wait; further ones wait for room, so that a slow disk slows its callers down.</summary>
    public int WaitingMax { get; init; } = 4_096;

    /// <summary>Batches in one commit, at most.</summary>
    public int GroupCountMax { get; init; } = 4_096;

    /// <summary>A commit takes no further batch once it has so many bytes.</summary>
    public long GroupBytesMax { get; init; } = 16 << 20;

    /// <summary>How long another process may hold the file before an append fails.</summary>
    public TimeSpan BusyMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes that the file may grow to; beyond, appends fail as on a full disk. No limit when null.</summary>
    public long? SizeMax { get; init; }
}
