using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using HealthCode.Storage;
using HealthCode.Testing;
using Npgsql;
using NpgsqlTypes;

namespace HealthCode.Load;

/// <summary><c>./bench.sh journal</c>: durable bulk appends, against the bare disk and against rows in PostgreSQL.</summary>
/// <remarks>What an append costs includes sealing its facts, each time anew; the bare disk is given bytes that were sealed before.</remarks>
internal sealed class JournalBench
{
    private const int Partitions = 16, Rounds = 3;

    /// <summary>Each batch is sealed and appended so often in a round: making as much evidence would take longer than writing it.</summary>
    private const int Repeats = 4;

    private const double RawGoal = 0.5, CopyGoal = 5;

    private readonly EvidenceSeal.Sealing[][] facts = new EvidenceSeal.Sealing[Partitions * 8][];
    private readonly byte[] segmentKey = KeyWrap.NewKey();

    /// <summary>The same, sealed once.</summary>
    private readonly byte[][] batches = new byte[Partitions * 8][];
    private readonly EvidenceRow[][] rows = new EvidenceRow[Partitions * 8][];
    private readonly string folder;
    private readonly PostgresServer server;
    private int databases;

    private long Bytes => batches.Sum(batch => (long)batch.Length) * Repeats;

    private long Pieces => (long)batches.Length * BulkEvidence.BatchSize * Repeats;

    private JournalBench(string folder, PostgresServer server)
    {
        (this.folder, this.server) = (folder, server);
        var evidence = new BulkEvidence();
        for (var index = 0; index < batches.Length; index++)
        {
            (facts[index], rows[index]) = evidence.Next();
            batches[index] = Seal(index, 0);
        }
    }

    public static async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("healthcode-bench-").FullName;
        try
        {
            // As docs/operating advises for a server that takes bulk evidence; the same server for both sides.
            await using var server = await PostgresServer.StartAsync("max_wal_size=8GB", "shared_buffers=512MB", "wal_buffers=64MB");
            await new JournalBench(folder, server).MeasureAsync();
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task MeasureAsync()
    {
        Console.WriteLine($"{batches.Length * Repeats:N0} batches of {BulkEvidence.BatchSize:N0} pieces of evidence, {Bytes / 1e6 / (batches.Length * Repeats):F2} MB each");
        var (raw, sqlite, postgres, copy) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        var logged = 0.0;
        // The first round warms up: the server writes its first log files, the runtime compiles.
        for (var round = 0; round <= Rounds; round++)
        {
            var took = (Raw: Raw(), Sqlite: await SqliteAsync(), Postgres: 0.0, Copy: 0.0);
            var before = await LogPositionAsync();
            took.Postgres = await PostgresAsync();
            logged = (await LogPositionAsync() - before) / Bytes;
            took.Copy = await CopyAsync();
            Console.WriteLine($"round {round}: raw {Bytes / 1e6 / took.Raw:F0} MB/s, SQLite {Bytes / 1e6 / took.Sqlite:F0} MB/s, "
                + $"PostgreSQL {Bytes / 1e6 / took.Postgres:F0} MB/s, COPY {Pieces / took.Copy:N0} rows/s{(round == 0 ? " (not counted)" : "")}");
            if (round == 0)
                continue;
            raw.Add(took.Raw);
            sqlite.Add(took.Sqlite);
            postgres.Add(took.Postgres);
            copy.Add(took.Copy);
        }
        Print(Median(raw), Median(sqlite), Median(postgres), Median(copy), logged);
    }

    private void Print(double raw, double sqlite, double postgres, double copy, double logged)
    {
        var (megabytes, worse) = (Bytes / 1e6, Math.Max(sqlite, postgres));
        Goal("SQLite", "a raw synced append", raw / sqlite, RawGoal);
        Goal("PostgreSQL", "a raw synced append", raw / postgres, RawGoal);
        Goal("SQLite", "COPY of rows", copy / sqlite, CopyGoal);
        Goal("PostgreSQL", "COPY of rows", copy / postgres, CopyGoal);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            bench = "journal",
            ratio = Math.Round(raw / worse, 3),
            goal = RawGoal,
            unit = "× raw fsynced append",
            detail = new
            {
                sqliteToRaw = Math.Round(raw / sqlite, 3), postgresToRaw = Math.Round(raw / postgres, 3),
                sqliteToCopy = Math.Round(copy / sqlite, 1), postgresToCopy = Math.Round(copy / postgres, 1), copyGoal = CopyGoal,
                rawMegabytesPerSecond = Math.Round(megabytes / raw), sqliteMegabytesPerSecond = Math.Round(megabytes / sqlite),
                postgresMegabytesPerSecond = Math.Round(megabytes / postgres),
                sqliteRowsPerSecond = Math.Round(Pieces / sqlite), postgresRowsPerSecond = Math.Round(Pieces / postgres), copyRowsPerSecond = Math.Round(Pieces / copy),
                postgresLogBytesPerByte = Math.Round(logged, 2), bytesPerPiece = Math.Round((double)Bytes / Pieces, 1), batchMegabytes = Math.Round(Bytes / 1e6 / (batches.Length * Repeats), 3),
                partitions = Partitions, batches = batches.Length * Repeats, rounds = Rounds,
            },
        }));
    }

    private static void Goal(string store, string other, double ratio, double goal) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{store}: {ratio:F2} × {other}; the goal of {goal} is {(ratio >= goal ? "met" : "MISSED")}"));

    /// <summary>One writer, one file, one sync for each batch.</summary>
    private double Raw()
    {
        var path = Path.Combine(folder, "raw");
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        var (watch, at) = (Stopwatch.StartNew(), 0L);
        for (var repeat = 0; repeat < Repeats; repeat++)
        {
            foreach (var batch in batches)
            {
                RandomAccess.Write(file, batch, at);
                at += batch.Length;
                if (DataSync((int)file.DangerousGetHandle()) != 0)
                    throw new IOException("fdatasync failed.");
            }
        }
        watch.Stop();
        File.Delete(path);
        return watch.Elapsed.TotalSeconds;
    }

    private async Task<double> SqliteAsync()
    {
        var path = Path.Combine(folder, "journal.db");
        var took = 0.0;
        await using (var journal = new SqliteJournal(path))
            took = await AppendAllAsync(journal);
        foreach (var file in Directory.GetFiles(folder, "journal.db*"))
            File.Delete(file);
        Directory.Delete(path + "-bytes", recursive: true);
        return took;
    }

    private async Task<double> PostgresAsync()
    {
        var name = $"journal{++databases}";
        await server.CreateDatabaseAsync(name);
        var took = 0.0;
        await using (var database = PostgresStore.Open(server.ConnectionStringOf(name)))
        await using (var journal = await PostgresJournal.OpenAsync(database))
            took = await AppendAllAsync(journal);
        await DropAsync(name);
        return took;
    }

    private byte[] Seal(int index, long sequence) =>
        EvidenceSeal.Seal(JournalStreams.Of(index % Partitions), sequence, BulkEvidence.Segment, segmentKey, facts[index]);

    /// <summary>Every partition seals and appends its next batch when the one before is acknowledged, all of them at once.</summary>
    private async Task<double> AppendAllAsync(IJournal journal)
    {
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Partitions).Select(partition => Task.Run(async () =>
        {
            var sequence = 0L;
            for (var repeat = 0; repeat < Repeats; repeat++)
            {
                for (var index = partition; index < batches.Length; index += Partitions)
                    await journal.AppendAsync(JournalStreams.Of(partition), sequence, [new(BulkEvidence.Segment, Seal(index, sequence++))], default);
            }
        })));
        watch.Stop();
        var there = (await journal.ReadHeadsAsync(default)).Values.Sum(head => head.NextSequence);
        return there == batches.Length * Repeats ? watch.Elapsed.TotalSeconds : throw new InvalidOperationException($"{there} batches are there: this measures nothing.");
    }

    /// <summary>The same evidence as rows, over as many connections as there are cores, each batch in a COPY of its own.</summary>
    private async Task<double> CopyAsync()
    {
        var name = $"rows{++databases}";
        var connectionString = await server.CreateDatabaseAsync(name);
        var took = 0.0;
        await using (var database = NpgsqlDataSource.Create(connectionString))
        {
            await using (var create = database.CreateCommand("""
                CREATE TABLE evidence (id bigint NOT NULL, person bytea NOT NULL, kind smallint NOT NULL, source smallint NOT NULL, place bigint NOT NULL,
                    happened int NOT NULL, received int NOT NULL, until int NOT NULL, value bigint NOT NULL);
                CREATE INDEX evidence_by_place ON evidence (place, happened);
                """))
                await create.ExecuteNonQueryAsync();
            var next = -1;
            var watch = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(async () =>
            {
                await using var connection = await database.OpenConnectionAsync();
                for (var index = Interlocked.Increment(ref next); index < rows.Length * Repeats; index = Interlocked.Increment(ref next))
                    await CopyOneAsync(connection, rows[index % rows.Length]);
            })));
            took = watch.Elapsed.TotalSeconds;
            await using var count = database.CreateCommand("SELECT count(*) FROM evidence");
            if ((long)(await count.ExecuteScalarAsync())! != Pieces)
                throw new InvalidOperationException("Not all rows are there: this measures nothing.");
        }
        await DropAsync(name);
        return took;
    }

    private static async Task CopyOneAsync(NpgsqlConnection connection, EvidenceRow[] batch)
    {
        await using var writer = await connection.BeginBinaryImportAsync("COPY evidence FROM STDIN (FORMAT BINARY)");
        foreach (var row in batch)
        {
            writer.StartRow();
            writer.Write(row.Id, NpgsqlDbType.Bigint);
            writer.Write(row.Person, NpgsqlDbType.Bytea);
            writer.Write(row.Kind, NpgsqlDbType.Smallint);
            writer.Write(row.Source, NpgsqlDbType.Smallint);
            writer.Write(row.Place, NpgsqlDbType.Bigint);
            writer.Write(row.Happened, NpgsqlDbType.Integer);
            writer.Write(row.Received, NpgsqlDbType.Integer);
            writer.Write(row.Until, NpgsqlDbType.Integer);
            writer.Write(row.Value, NpgsqlDbType.Bigint);
        }
        await writer.CompleteAsync();
    }

    private Task DropAsync(string name) => AskAsync($"DROP DATABASE \"{name}\" WITH (FORCE)");

    private async Task<double> LogPositionAsync() => Convert.ToDouble(await AskAsync("SELECT pg_current_wal_lsn() - '0/0'"), CultureInfo.InvariantCulture);

    // A checkpoint each time, so that no side pays for what the one before left to be written.
    private async Task<object?> AskAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using (var checkpoint = new NpgsqlCommand("CHECKPOINT", connection))
            await checkpoint.ExecuteNonQueryAsync();
#pragma warning disable CA2100 // The statements are this file's own constants.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync();
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

#pragma warning disable SYSLIB1054 // Generated marshalling would need unsafe code for one number.
    [DllImport("libc", EntryPoint = "fdatasync", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int DataSync(int file);
#pragma warning restore SYSLIB1054
}
