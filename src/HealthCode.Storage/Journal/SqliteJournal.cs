using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace HealthCode.Storage;

/// <summary>The journal in one SQLite file with the bytes of large batches in plain files beside it; with group commit.</summary>
/// <remarks>
/// One row is one batch; the key (stream, sequence) refuses a stale writer. A single writer takes everything that waits
/// and commits it in one transaction, so that one fsync pays for all appends that came during the one before:
///
/// <code>
///   append ─┐                                    large bytes: to the end of a file, fsync
///   append ─┼─► waiting (bounded) ─► writer: BEGIN … INSERT each … COMMIT (fsync) ─► all are answered
///   append ─┘                        a stale one is left out and refused alone
/// </code>
///
/// WAL with synchronous=FULL: a commit returns after the log is on the disk (sqlite.org/pragma.html#pragma_synchronous).
/// </remarks>
public sealed class SqliteJournal : IJournal
{
    private const int ReadPageSize = 64;

    /// <summary>Rows erased in one transaction: appends go on between two of them.</summary>
    private const int ErasePageSize = 1_000;

    private readonly string path;
    private readonly SqliteJournalOptions options;
    private readonly JournalFiles files;
    private readonly Channel<JournalAppend> waiting;
    private readonly Task writing = Task.CompletedTask;
    private readonly bool readOnly;
    private SqliteJournalWriter? writer;
    private long commits;

    /// <summary>
    /// Opens the journal to append and read, creating the file, with owner-only permissions, when it is missing, and
    /// bringing one of an older version to this one.
    /// </summary>
    /// <exception cref="JournalDamagedException">It is of an older version and damaged. Nothing was changed.</exception>
    public SqliteJournal(string path, SqliteJournalOptions? options = null) : this(path, options ?? new(), readOnly: false)
    {
    }

    private SqliteJournal(string path, SqliteJournalOptions options, bool readOnly)
    {
        (this.path, this.options, this.readOnly, files) = (path, options, readOnly, new JournalFiles(path));
        waiting = Channel.CreateBounded<JournalAppend>(new BoundedChannelOptions(options.WaitingMax) { SingleReader = true });
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
        if (readOnly)
            throw new InvalidOperationException("The journal was opened for reading.");
        var append = JournalAppend.Of(stream, sequence, batches);
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

    /// <inheritdoc/>
    public async IAsyncEnumerable<JournalBatch> ReadStreamAsync(
        string stream, long fromSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Yield();
        var (next, rows) = (Math.Max(0, fromSequence), (JournalRows?)null);
        while (true)
        {
            var (page, damage) = ReadPage(stream, next, ref rows);
            foreach (var found in page)
            {
                cancellation.ThrowIfCancellationRequested();
                yield return rows!.Check(WithBytes(stream, found, rows));
                next = found.Row.Sequence + 1;
            }
            if (damage is not null)
                throw damage;
            if (page.Count < ReadPageSize)
                yield break;
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, JournalHead>> ReadHeadsAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            using var connection = Sqlite.Open(path, SqliteOpenMode.ReadOnly, options.BusyMax);
            using var select = Sqlite.Command(connection, HeadsQuery);
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
    private const string HeadsQuery = """
        WITH RECURSIVE names(stream) AS (
            SELECT min(stream) FROM batches
            UNION ALL
            SELECT (SELECT min(stream) FROM batches WHERE stream > names.stream) FROM names WHERE stream IS NOT NULL)
        SELECT names.stream, ends.sequence, ends.chain FROM names
        JOIN batches ends ON ends.stream = names.stream AND ends.sequence = (SELECT max(sequence) FROM batches WHERE stream = names.stream)
        WHERE names.stream IS NOT NULL
        """;

    /// <inheritdoc/>
    public async Task<long> EraseAsync(Segment segment, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(segment, Segment.Permanent);
        await Task.Yield();
        try
        {
            using var connection = Sqlite.OpenDurable(path, options.BusyMax);
            // Otherwise the bytes would lie on in pages that are free.
            Sqlite.Execute(connection, "PRAGMA secure_delete=ON");
            for (long erased = 0, last = 0; ;)
            {
                cancellation.ThrowIfCancellationRequested();
                (var now, last) = ErasePage(connection, segment, last);
                erased += now;
                if (now < ErasePageSize)
                    return erased;
            }
        }
        catch (Exception failure) when (failure is SqliteException or IOException)
        {
            throw new JournalUnavailableException("The journal could not be written: " + failure.Message, failure);
        }
    }

    /// <returns>How many were erased, and the last of them.</returns>
    private (int Erased, long Last) ErasePage(SqliteConnection connection, Segment segment, long after)
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        var (erased, last) = (0, after);
        using (var erase = Sqlite.Command(connection, """
            UPDATE batches SET bytes = NULL, file = NULL, start = NULL, length = NULL WHERE rowid IN (
                SELECT rowid FROM batches WHERE segment = $segment AND rowid > $after AND (file IS NOT NULL OR bytes IS NOT NULL)
                ORDER BY rowid LIMIT $page)
            RETURNING rowid
            """, ("$segment", segment.Value), ("$after", after), ("$page", ErasePageSize)))
        using (var rows = erase.ExecuteReader())
        {
            for (; rows.Read(); erased++)
                last = Math.Max(last, rows.GetInt64(0));
        }
        if (erased < ErasePageSize)
            Sqlite.Execute(connection, "DELETE FROM files WHERE segment = $segment", ("$segment", segment.Value));
        transaction.Commit();
        if (erased < ErasePageSize)
            RemoveFiles(connection);
        return (erased, last);
    }

    // Once more with the lock: between the commit and here another writer may have begun a file.
    private void RemoveFiles(SqliteConnection connection)
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        files.RemoveOthers(JournalFiles.Known(connection));
    }

    /// <summary>Commits what waits, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        waiting.Writer.TryComplete();
        await writing.ConfigureAwait(false);
        writer?.Dispose();
        Sqlite.ClosePooled(path, options.BusyMax);
    }

    private void WriteAll()
    {
        var group = new List<JournalAppend>();
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

    private void Answer(List<JournalAppend> group)
    {
        bool[] written;
        try
        {
            writer ??= OpenWriter();
            var began = Stopwatch.GetTimestamp();
            written = writer.Commit(group);
            Interlocked.Increment(ref commits);
            JournalAppend.Measure(group, began);
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

    // After a failure neither the connection nor what it knew is trusted any more: the next group gets new ones, if the disk
    // gives them.
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

    private SqliteJournalWriter OpenWriter()
    {
        var connection = Sqlite.OpenDurable(path, options.BusyMax);
        try
        {
            SqliteJournalSchema.Prepare(connection);
            RemoveFiles(connection);
            if (options.SizeMax is { } sizeMax)
                Sqlite.Execute(connection, $"PRAGMA max_page_count={sizeMax / 4096}");
            return new SqliteJournalWriter(connection, files, options.InlineSizeMax);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A row as it was found.</summary>
    /// <param name="File">Where the bytes are, unless they stand in the row or are erased.</param>
    private readonly record struct Found(JournalRow Row, long? File, long Start, int Length, bool IsReadable = true);

    // Pages, and no open cursor between them: a reader that takes its time must not hold the log back from being folded in.
    /// <returns>The rows before the file's first damage, and that.</returns>
    private (List<Found> Page, JournalDamagedException? Damage) ReadPage(string stream, long from, ref JournalRows? rows)
    {
        var page = new List<Found>();
        try
        {
            using var connection = Sqlite.Open(path, SqliteOpenMode.ReadOnly, options.BusyMax);
            rows ??= new JournalRows(stream, from, ChainBefore(connection, stream, from));
            using var select = Sqlite.Command(connection, """
                SELECT sequence, segment, checksum, chain, file, start, length, bytes FROM batches
                WHERE stream = $stream AND sequence >= $from ORDER BY sequence LIMIT $page
                """, ("$stream", stream), ("$from", from), ("$page", ReadPageSize));
            using var found = select.ExecuteReader();
            while (found.Read())
                page.Add(FoundIn(found));
            return (page, null);
        }
        catch (SqliteException failure)
        {
            var sequence = page.Count == 0 ? from : page[^1].Row.Sequence + 1;
            return Explained(failure, stream, sequence) is JournalDamagedException damage ? (page, damage) : throw Explained(failure, stream, sequence);
        }
    }

    private static JournalChain? ChainBefore(SqliteConnection connection, string stream, long from)
    {
        if (from == 0)
            return JournalChain.Start;
        using var select = Sqlite.Command(connection, "SELECT chain FROM batches WHERE stream = $stream AND sequence = $before",
            ("$stream", stream), ("$before", from - 1));
        return select.ExecuteScalar() is byte[] { Length: JournalChain.Size } chain ? JournalChain.FromBytes(chain) : null;
    }

    // SQLite keeps whatever it is given in a column, so a damaged row may hold another type.
    private static Found FoundIn(SqliteDataReader row)
    {
        var sequence = row.GetInt64(0);
        if (row.GetValue(1) is not long segment || row.GetValue(2) is not long checksum || row.GetValue(3) is not byte[] chain
            || row.GetValue(7) is not (byte[] or DBNull))
            return new Found(new JournalRow(sequence, 0, null, 0, []), null, 0, 0, IsReadable: false);
        var found = new JournalRow(sequence, (int)segment, row.GetValue(7) as byte[], checksum, chain);
        return row.IsDBNull(4) ? new Found(found, null, 0, 0) : new Found(found, row.GetInt64(4), row.GetInt64(5), row.GetInt32(6));
    }

    private JournalRow WithBytes(string stream, Found found, JournalRows rows)
    {
        if (!found.IsReadable)
            throw rows.Unreadable("its columns are not of their types");
        if (found.File is not { } file)
            return found.Row;
        try
        {
            using var handle = files.OpenToRead(file);
            var bytes = new byte[found.Length];
            return RandomAccess.Read(handle, bytes, found.Start) == bytes.Length
                ? found.Row with { Bytes = bytes }
                : throw rows.Unreadable($"its file {files.PathOf(file)} ends before it");
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            // Its segment may have been erased since its row was read.
            return IsErased(stream, found.Row.Sequence) ? found.Row : throw rows.Unreadable($"its file {files.PathOf(file)} is missing");
        }
        catch (IOException failure)
        {
            throw rows.Unreadable($"its file cannot be read: {failure.Message}");
        }
    }

    private bool IsErased(string stream, long sequence)
    {
        using var connection = Sqlite.Open(path, SqliteOpenMode.ReadOnly, options.BusyMax);
        using var select = Sqlite.Command(connection,
            "SELECT count(*) FROM batches WHERE stream = $stream AND sequence = $sequence AND file IS NULL AND bytes IS NULL",
            ("$stream", stream), ("$sequence", sequence));
        return (long)select.ExecuteScalar()! == 1;
    }

    private static Exception Explained(SqliteException failure, string stream, long sequence) => Sqlite.IsDamage(failure)
        ? new JournalDamagedException(stream, sequence, "the file itself is: " + failure.Message)
        : new JournalUnavailableException("The journal could not be read: " + failure.Message
            + (failure.SqliteErrorCode == NoSuchTable ? ". One of an older version is brought to this one by starting the region once" : ""), failure);

    private const int NoSuchTable = 1;
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

    /// <summary>Bytes of a batch that still stand in its row; those of a larger one go to a file beside.</summary>
    public int InlineSizeMax { get; init; } = 32 << 10;

    /// <summary>How long another process may hold the file before an append fails.</summary>
    public TimeSpan BusyMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes that the file may grow to; beyond, appends fail as on a full disk. No limit when null.</summary>
    public long? SizeMax { get; init; }
}
