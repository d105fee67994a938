using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
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

    private sealed record Append(string Stream, long Sequence, ReadOnlyMemory<byte> Bytes, TaskCompletionSource<long> Done);

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
    public async ValueTask<long> AppendAsync(string stream, long sequence, ReadOnlyMemory<byte> batch, CancellationToken cancellation)
    {
        if (readOnly)
            throw new InvalidOperationException("The journal was opened for reading.");
        var append = new Append(stream, sequence, batch, new(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            // The queue takes it or the caller's cancellation does, never both.
            await waiting.Writer.WriteAsync(append, cancellation).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new JournalUnavailableException("The journal is closed.");
        }
        return await append.Done.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<JournalBatch> ReadStreamAsync(string stream, long fromSequence, CancellationToken cancellation) => ReadAsync(
        "SELECT position, stream, sequence, bytes, checksum FROM batches WHERE stream = $stream AND sequence >= $from ORDER BY sequence LIMIT $page",
        stream, fromSequence, new Continuity(stream, fromSequence), batch => batch.Sequence + 1, cancellation);

    /// <inheritdoc/>
    public IAsyncEnumerable<JournalBatch> ReadAllAsync(long afterPosition, CancellationToken cancellation) => ReadAsync(
        "SELECT position, stream, sequence, bytes, checksum FROM batches WHERE position >= $from ORDER BY position LIMIT $page",
        null, afterPosition + 1, new Continuity(fromStart: afterPosition <= 0), batch => batch.Position + 1, cancellation);

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
                bytes += append.Bytes.Length;
            }
            Answer(group);
            group.Clear();
        }
    }

    private void Answer(List<Append> group)
    {
        long?[] positions;
        try
        {
            positions = Commit(group);
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
            if (positions[index] is { } position)
                group[index].Done.SetResult(position);
            else
                group[index].Done.SetException(new StaleWriterException(group[index].Stream, group[index].Sequence));
        }
    }

    /// <returns>The position of each; null for a stale one.</returns>
    private long?[] Commit(List<Append> group)
    {
        writer ??= OpenWriter();
        using var transaction = writer.Connection.BeginTransaction(deferred: false);
        writer.Insert.Transaction = transaction;
        var positions = new long?[group.Count];
        for (var index = 0; index < positions.Length; index++)
            positions[index] = TryInsert(writer.Insert, group[index]);
        transaction.Commit();
        Interlocked.Increment(ref commits);
        return positions;
    }

    private static long? TryInsert(SqliteCommand insert, Append append)
    {
        insert.Parameters[0].Value = append.Stream;
        insert.Parameters[1].Value = append.Sequence;
        insert.Parameters[2].Value = WholeArray(append.Bytes);
        insert.Parameters[3].Value = ChecksumOf(append.Stream, append.Sequence, append.Bytes.Span);
        return insert.ExecuteScalar() as long?;
    }

    // The provider binds whole arrays; most batches are one already.
    private static byte[] WholeArray(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Array is { } array && array.Length == bytes.Length ? array : bytes.ToArray();

    // After a failure the connection is not trusted any more: the next group gets a new one, if the disk gives it.
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
                    position INTEGER PRIMARY KEY AUTOINCREMENT,
                    stream TEXT NOT NULL,
                    sequence INTEGER NOT NULL,
                    bytes BLOB NOT NULL,
                    checksum INTEGER NOT NULL,
                    UNIQUE (stream, sequence))
                """);
            if (options.SizeMax is { } sizeMax)
                Execute(connection, $"PRAGMA max_page_count={sizeMax / 4096}");
            return new Writer(connection, InsertOn(connection));
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static SqliteCommand InsertOn(SqliteConnection connection)
    {
        var insert = connection.CreateCommand();
        insert.CommandText = """
            INSERT INTO batches (stream, sequence, bytes, checksum)
            SELECT $stream, $sequence, $bytes, $checksum
            WHERE $sequence = (SELECT coalesce(max(sequence) + 1, 0) FROM batches WHERE stream = $stream)
            RETURNING position
            """;
        insert.Parameters.Add("$stream", SqliteType.Text);
        insert.Parameters.Add("$sequence", SqliteType.Integer);
        insert.Parameters.Add("$bytes", SqliteType.Blob);
        insert.Parameters.Add("$checksum", SqliteType.Integer);
        return insert;
    }

    private sealed record Writer(SqliteConnection Connection, SqliteCommand Insert) : IDisposable
    {
        public void Dispose()
        {
            Insert.Dispose();
            Connection.Dispose();
        }
    }

    // Pages, and no open cursor between them: a reader that takes its time must not hold the log back from being folded in.
    private async IAsyncEnumerable<JournalBatch> ReadAsync(
        string query, string? stream, long from, Continuity continuity, Func<JournalBatch, long> next,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Yield();
        while (true)
        {
            var (page, damage) = ReadPage(query, stream, from, continuity);
            foreach (var batch in page)
            {
                cancellation.ThrowIfCancellationRequested();
                yield return batch;
            }
            if (damage is not null)
                throw damage;
            if (page.Count < ReadPageSize)
                yield break;
            from = next(page[^1]);
        }
    }

    /// <returns>The batches before the first damage, and that.</returns>
    private (List<JournalBatch> Page, JournalDamagedException? Damage) ReadPage(string query, string? stream, long from, Continuity continuity)
    {
        var page = new List<JournalBatch>();
        try
        {
            using var connection = Open(SqliteOpenMode.ReadOnly);
            using var select = connection.CreateCommand();
            select.CommandText = query;
            if (stream is not null)
                select.Parameters.AddWithValue("$stream", stream);
            select.Parameters.AddWithValue("$from", from);
            select.Parameters.AddWithValue("$page", ReadPageSize);
            using var rows = select.ExecuteReader();
            while (rows.Read())
                page.Add(ReadRow(rows, continuity));
            return (page, null);
        }
        catch (JournalDamagedException damage)
        {
            return (page, damage);
        }
        catch (SqliteException failure) when (failure.SqliteErrorCode is CorruptFile or NoDatabase)
        {
            return (page, new JournalDamagedException(stream ?? "(any)", from + page.Count, "the file itself is: " + failure.Message));
        }
    }

    private const int CorruptFile = 11, NoDatabase = 26;

    private static JournalBatch ReadRow(SqliteDataReader row, Continuity continuity)
    {
        var batch = new JournalBatch(row.GetInt64(0), row.GetString(1), row.GetInt64(2), row.GetFieldValue<byte[]>(3));
        continuity.Check(batch.Stream, batch.Sequence);
        if (row.GetInt64(4) != ChecksumOf(batch.Stream, batch.Sequence, batch.Bytes.Span))
            throw new JournalDamagedException(batch.Stream, batch.Sequence, "its checksum does not fit");
        return batch;
    }

    /// <summary>Notices a batch that is gone: the sequences of a stream have no gaps.</summary>
    private sealed class Continuity
    {
        private readonly Dictionary<string, long> expected = [];
        private readonly bool fromStart;

        public Continuity(bool fromStart) => this.fromStart = fromStart;

        public Continuity(string stream, long from) => expected[stream] = Math.Max(0, from);

        public void Check(string stream, long sequence)
        {
            var due = expected.TryGetValue(stream, out var known) ? known : fromStart ? 0 : sequence;
            if (sequence != due)
                throw new JournalDamagedException(stream, due, "it is missing");
            expected[stream] = sequence + 1;
        }
    }

    /// <summary>Eight bytes of SHA-256 over the key and the bytes, so that a row cannot be moved either.</summary>
    private static long ChecksumOf(string stream, long sequence, ReadOnlySpan<byte> bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{stream}\n{sequence}\n"));
        hash.AppendData(bytes);
        return BinaryPrimitives.ReadInt64BigEndian(hash.GetHashAndReset());
    }

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
