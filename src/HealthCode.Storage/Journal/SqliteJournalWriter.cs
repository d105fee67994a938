using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Win32.SafeHandles;

namespace HealthCode.Storage;

/// <summary>What is to be appended, as it waits for its writer.</summary>
/// <param name="Checksums">Worked out by the caller: the writer has one thread for all.</param>
internal sealed record JournalAppend(
    string Stream, long Sequence, IReadOnlyList<NewBatch> Batches, long[] Checksums, TaskCompletionSource Done)
{
    public static JournalAppend Of(string stream, long sequence, IReadOnlyList<NewBatch> batches)
    {
        ArgumentException.ThrowIfNullOrEmpty(stream);
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentOutOfRangeException.ThrowIfZero(batches.Count, nameof(batches));
        var checksums = new long[batches.Count];
        for (var index = 0; index < checksums.Length; index++)
            checksums[index] = batches[index].Checksum;
        return new(stream, sequence, batches, checksums, new(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    /// <summary>Counts a commit that was durable.</summary>
    /// <param name="began">A <see cref="Stopwatch"/>'s time stamp.</param>
    public static void Measure(IReadOnlyList<JournalAppend> group, long began)
    {
        Instruments.CommitDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds);
        Instruments.CommitBatches.Record(group.Sum(append => append.Batches.Count));
    }

    public long Bytes { get; } = Batches.Sum(batch => (long)batch.Bytes.Length);
}

/// <summary>The connection that appends, its statements, its open files, and what it knows of the streams' ends.</summary>
/// <remarks>
/// What it knows holds until another process or connection has changed the file, which SQLite's data_version tells
/// (sqlite.org/pragma.html#pragma_data_version); then it is all read again. After any failure a writer is thrown away.
/// </remarks>
internal sealed class SqliteJournalWriter : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly JournalFiles files;
    private readonly int inlineSizeMax;
    private readonly Dictionary<string, JournalHead> heads = [];
    private readonly Dictionary<int, OpenFile> open = [];
    private readonly SqliteCommand insert, head, version;
    private long seen = -1;

    private sealed class OpenFile(long number, SafeFileHandle handle)
    {
        public long Number { get; } = number;

        public SafeFileHandle Handle { get; } = handle;

        /// <summary>What this group adds, and where.</summary>
        public List<ReadOnlyMemory<byte>> Added { get; } = [];

        public long Start { get; set; }

        public long End { get; set; }
    }

    public SqliteJournalWriter(SqliteConnection connection, JournalFiles files, int inlineSizeMax)
    {
        (this.connection, this.files, this.inlineSizeMax) = (connection, files, inlineSizeMax);
        insert = Sqlite.Command(connection, """
            INSERT INTO batches (stream, sequence, segment, checksum, chain, file, start, length, bytes)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """);
        for (var parameter = 1; parameter <= 9; parameter++)
            insert.Parameters.Add(new SqliteParameter { ParameterName = $"${parameter}" });
        head = Sqlite.Command(connection, "SELECT sequence, chain FROM batches WHERE stream = $1 ORDER BY sequence DESC LIMIT 1");
        head.Parameters.Add(new SqliteParameter { ParameterName = "$1" });
        version = Sqlite.Command(connection, "PRAGMA data_version");
    }

    /// <summary>Appends a group in one transaction.</summary>
    /// <returns>Whether each was written; a stale one was not.</returns>
    /// <exception cref="Exception">It may or may not be durable.</exception>
    public bool[] Commit(IReadOnlyList<JournalAppend> group)
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        (insert.Transaction, head.Transaction, version.Transaction) = (transaction, transaction, transaction);
        ForgetWhatOthersChanged();
        try
        {
            var written = new bool[group.Count];
            for (var index = 0; index < written.Length; index++)
                written[index] = TryInsert(group[index]);
            WriteFiles();
            transaction.Commit();
            return written;
        }
        catch
        {
            // While nobody else can write: what a failed group left at the ends would only take room, on a full disk all of it.
            CutFiles();
            throw;
        }
    }

    private void ForgetWhatOthersChanged()
    {
        var now = (long)version.ExecuteScalar()!;
        if (now == seen)
            return;
        heads.Clear();
        CloseFiles();
        seen = now;
    }

    private bool TryInsert(JournalAppend append)
    {
        var (next, chain) = HeadOf(append.Stream);
        if (next != append.Sequence)
            return false;
        for (var index = 0; index < append.Batches.Count; index++)
        {
            var (batch, checksum) = (append.Batches[index], append.Checksums[index]);
            chain = chain.Next(append.Stream, next, batch.Segment, checksum);
            Insert(append.Stream, next, batch, checksum, chain);
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

    private void Insert(string stream, long sequence, NewBatch batch, long checksum, JournalChain chain)
    {
        insert.Parameters[0].Value = stream;
        insert.Parameters[1].Value = sequence;
        insert.Parameters[2].Value = batch.Segment.Value;
        insert.Parameters[3].Value = checksum;
        insert.Parameters[4].Value = chain.ToBytes();
        if (batch.Bytes.Length <= inlineSizeMax)
        {
            insert.Parameters[5].Value = insert.Parameters[6].Value = insert.Parameters[7].Value = DBNull.Value;
            insert.Parameters[8].Value = batch.ErasedChecksum is null ? Sqlite.WholeArray(batch.Bytes) : DBNull.Value;
        }
        else
        {
            var file = FileOf(batch.Segment);
            insert.Parameters[5].Value = file.Number;
            insert.Parameters[6].Value = file.End;
            insert.Parameters[7].Value = batch.Bytes.Length;
            insert.Parameters[8].Value = DBNull.Value;
            file.Added.Add(batch.Bytes);
            file.End += batch.Bytes.Length;
        }
        insert.ExecuteNonQuery();
    }

    /// <summary>The file that a segment's bytes go to, at its end as it is now.</summary>
    private OpenFile FileOf(Segment segment)
    {
        if (!open.TryGetValue(segment.Value, out var file))
        {
            using var known = Sqlite.Command(connection, "SELECT max(file) FROM files WHERE segment = $1", ("$1", segment.Value));
            var number = known.ExecuteScalar() as long? ?? NewFile(segment);
            open.Add(segment.Value, file = new OpenFile(number, files.OpenToAppend(number)));
        }
        if (file.Added.Count == 0)
            file.Start = file.End = RandomAccess.GetLength(file.Handle);
        return file;
    }

    private long NewFile(Segment segment)
    {
        using var add = Sqlite.Command(connection, "INSERT INTO files (segment) VALUES ($1) RETURNING file", ("$1", segment.Value));
        return (long)add.ExecuteScalar()!;
    }

    private void WriteFiles()
    {
        foreach (var file in open.Values)
        {
            if (file.Added.Count == 0)
                continue;
            RandomAccess.Write(file.Handle, file.Added, file.Start);
            SyncedFile.Sync(file.Handle);
            file.Added.Clear();
        }
    }

    private void CutFiles()
    {
        foreach (var file in open.Values)
        {
            if (file.Added.Count > 0)
                RandomAccess.SetLength(file.Handle, file.Start);
        }
    }

    private void CloseFiles()
    {
        foreach (var file in open.Values)
            file.Handle.Dispose();
        open.Clear();
    }

    public void Dispose()
    {
        CloseFiles();
        insert.Dispose();
        head.Dispose();
        version.Dispose();
        connection.Dispose();
    }
}
