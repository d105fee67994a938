using System.Buffers.Binary;
using System.Runtime.CompilerServices;
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
///   append ─┘                        a stale one is left out and answered alone
/// </code>
///
/// WAL with synchronous=FULL: a commit returns after the log is on the disk (sqlite.org/pragma.html#pragma_synchronous).
/// </remarks>
public sealed class SqliteJournal : IJournal
{
    /// <summary>Appends that may wait; further ones wait for room, so that a slow disk slows its callers down.</summary>
    private const int WaitingMax = 4_096;

    private const int GroupBytesMax = 16 << 20;
    private const int ReadPageSize = 64;

    private readonly string path;
    private readonly SqliteConnection? writer;
    private readonly Channel<Append> waiting = Channel.CreateBounded<Append>(WaitingMax);
    private readonly Task writing = Task.CompletedTask;

    private sealed record Append(string Stream, long Sequence, ReadOnlyMemory<byte> Bytes, TaskCompletionSource<long> Done);

    /// <summary>Opens the journal to append and read, creating the file, with owner-only permissions, when it is missing.</summary>
    public SqliteJournal(string path) : this(path, writable: true)
    {
    }

    private SqliteJournal(string path, bool writable)
    {
        this.path = path;
        if (!writable)
            return;
        CreateFile(path);
        writer = Open(SqliteOpenMode.ReadWriteCreate);
        Execute(writer, "PRAGMA journal_mode=WAL");
        Execute(writer, "PRAGMA synchronous=FULL");
        Execute(writer, """
            CREATE TABLE IF NOT EXISTS batches (
                position INTEGER PRIMARY KEY AUTOINCREMENT,
                stream TEXT NOT NULL,
                sequence INTEGER NOT NULL,
                bytes BLOB NOT NULL,
                checksum INTEGER NOT NULL,
                UNIQUE (stream, sequence))
            """);
        // A thread of its own: SQLite's calls block, and the pool's threads have displays to serve.
        writing = Task.Factory.StartNew(WriteAll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Opens an existing journal to read, also beside the process that appends to it.</summary>
    public static SqliteJournal OpenForReading(string path) => new(path, writable: false);

    /// <summary>Transactions committed since this was opened.</summary>
    public long Commits { get; private set; }

    public async ValueTask<long> AppendAsync(string stream, long sequence, ReadOnlyMemory<byte> batch, CancellationToken cancellation)
    {
        var append = new Append(stream, sequence, batch, new(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            await waiting.Writer.WriteAsync(append, cancellation).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new JournalUnavailableException("The journal is closed.");
        }
        return await append.Done.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    public IAsyncEnumerable<JournalBatch> ReadStreamAsync(string stream, long fromSequence, CancellationToken cancellation) => ReadAsync(
        "SELECT position, stream, sequence, bytes, checksum FROM batches WHERE stream = $stream AND sequence >= $from ORDER BY sequence LIMIT $page",
        stream, fromSequence, batch => batch.Sequence + 1, cancellation);

    public IAsyncEnumerable<JournalBatch> ReadAllAsync(long afterPosition, CancellationToken cancellation) => ReadAsync(
        "SELECT position, stream, sequence, bytes, checksum FROM batches WHERE position >= $from ORDER BY position LIMIT $page",
        null, afterPosition + 1, batch => batch.Position + 1, cancellation);

    public async ValueTask DisposeAsync()
    {
        waiting.Writer.TryComplete();
        await writing.ConfigureAwait(false);
        if (writer is not null)
            await writer.DisposeAsync().ConfigureAwait(false);
    }

    private void WriteAll()
    {
        var group = new List<Append>();
        while (waiting.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            var bytes = 0;
            while (bytes < GroupBytesMax && waiting.Reader.TryRead(out var append))
            {
                group.Add(append);
                bytes += append.Bytes.Length;
            }
            Commit(group);
            group.Clear();
        }
    }

    private void Commit(List<Append> group)
    {
        var written = new List<(Append Append, long Position)>(group.Count);
        try
        {
            using var transaction = writer!.BeginTransaction(deferred: false);
            foreach (var append in group)
            {
                if (TryInsert(transaction, append) is { } position)
                    written.Add((append, position));
            }
            transaction.Commit();
            Commits++;
        }
        catch (Exception failure)
        {
            // Nothing of a failed group was acknowledged. It may have become durable all the same; see the contract.
            foreach (var append in group)
                append.Done.TrySetException(new JournalUnavailableException("The journal could not be written: " + failure.Message, failure));
            return;
        }
        foreach (var (append, position) in written)
            append.Done.TrySetResult(position);
    }

    private long? TryInsert(SqliteTransaction transaction, Append append)
    {
        using var insert = writer!.CreateCommand();
        insert.Transaction = transaction;
        insert.CommandText = """
            INSERT INTO batches (stream, sequence, bytes, checksum)
            SELECT $stream, $sequence, $bytes, $checksum
            WHERE $sequence = (SELECT coalesce(max(sequence) + 1, 0) FROM batches WHERE stream = $stream)
            RETURNING position
            """;
        insert.Parameters.AddWithValue("$stream", append.Stream);
        insert.Parameters.AddWithValue("$sequence", append.Sequence);
        insert.Parameters.AddWithValue("$bytes", append.Bytes.ToArray());
        insert.Parameters.AddWithValue("$checksum", ChecksumOf(append.Stream, append.Sequence, append.Bytes.Span));
        if (insert.ExecuteScalar() is long position)
            return position;
        append.Done.TrySetException(new StaleWriterException(append.Stream, append.Sequence));
        return null;
    }

    // Pages, and no open cursor between them: a reader that takes its time must not hold the log back from being folded in.
    private async IAsyncEnumerable<JournalBatch> ReadAsync(
        string query, string? stream, long from, Func<JournalBatch, long> next, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Yield();
        while (true)
        {
            var page = ReadPage(query, stream, from);
            foreach (var batch in page)
            {
                cancellation.ThrowIfCancellationRequested();
                yield return batch;
            }
            if (page.Count < ReadPageSize)
                yield break;
            from = next(page[^1]);
        }
    }

    private List<JournalBatch> ReadPage(string query, string? stream, long from)
    {
        using var connection = Open(SqliteOpenMode.ReadOnly);
        using var select = connection.CreateCommand();
        select.CommandText = query;
        if (stream is not null)
            select.Parameters.AddWithValue("$stream", stream);
        select.Parameters.AddWithValue("$from", from);
        select.Parameters.AddWithValue("$page", ReadPageSize);
        using var rows = select.ExecuteReader();
        var page = new List<JournalBatch>();
        while (rows.Read())
        {
            var batch = new JournalBatch(rows.GetInt64(0), rows.GetString(1), rows.GetInt64(2), rows.GetFieldValue<byte[]>(3));
            if (rows.GetInt64(4) != ChecksumOf(batch.Stream, batch.Sequence, batch.Bytes.Span))
                throw new JournalDamagedException(batch.Stream, batch.Sequence, "its checksum does not fit");
            page.Add(batch);
        }
        return page;
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
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = mode == SqliteOpenMode.ReadOnly }.ToString());
        connection.Open();
        Execute(connection, "PRAGMA busy_timeout=5000");
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are this file's own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static void CreateFile(string path)
    {
        if (!File.Exists(path))
            using (new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
            }
    }
}
