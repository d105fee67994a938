using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace HealthCode.Storage.Tests;

public sealed class SqliteJournalTests : DurableJournalContract
{
    private readonly TemporaryFolder folder = new();

    private string File => folder["journal.db"];

    private protected override IJournal Open() => new SqliteJournal(File);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task Its_files_are_readable_by_their_owner_alone()
    {
        await AppendAsync("a", 0, "first");

        var files = Directory.GetFiles(folder.Path);
        Assert.Contains(folder["journal.db-wal"], files);
        Assert.All(files, file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(file)));
    }

    [Theory]
    [InlineData("bytes = 'text'")]
    [InlineData("checksum = 'text'")]
    [InlineData("chain = 7")]
    public async Task A_column_of_another_type_is_damage_of_that_batch(string damage)
    {
        await AppendAsync("a", 0, "first");
        await AppendAsync("a", 1, "second");
        await DamageAsync($"UPDATE batches SET {damage} WHERE sequence = 1");

        var damaged = await Assert.ThrowsAsync<JournalDamagedException>(() => StreamAsync("a"));
        Assert.Equal((1, "its columns are not of their types"), (damaged.Sequence, damaged.What));
    }

    [Theory]
    [InlineData("flipped", "its checksum does not fit")]
    [InlineData("cut off", "its file {0} ends before it")]
    [InlineData("gone", "its file {0} is missing")]
    public async Task Damage_of_the_files_beside_it_is_named_by_batch(string how, string what)
    {
        await Journal.AppendAsync("a", 0, [new(March, new byte[50_000]), Batch("small", March), new(April, new byte[50_000]), Batch("small", March)], Cancellation);
        var file = folder["journal.db-bytes/000002"];
        if (how == "flipped")
        {
            var bytes = await System.IO.File.ReadAllBytesAsync(file, Cancellation);
            bytes[31_000] ^= 1;
            await System.IO.File.WriteAllBytesAsync(file, bytes, Cancellation);
        }
        else if (how == "cut off")
        {
            await using var cut = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            cut.SetLength(49_999);
        }
        else
        {
            System.IO.File.Delete(file);
        }

        var found = Assert.Single(Assert.Single(await VerifyAsync()).Findings);
        Assert.Equal((2, string.Format(null, what, file)), (found.Sequence, found.What));
    }

    [Fact]
    public async Task The_files_of_an_erased_segment_are_gone_and_so_are_those_that_a_crash_left()
    {
        await Journal.AppendAsync("a", 0, [new(March, new byte[50_000]), new(April, new byte[50_000])], Cancellation);
        await Journal.EraseAsync(March, Cancellation);
        Assert.Equal([folder["journal.db-bytes/000002"]], Directory.GetFiles(folder["journal.db-bytes"]));

        await System.IO.File.WriteAllBytesAsync(folder["journal.db-bytes/000077"], new byte[10], Cancellation);
        await using var again = Open();
        Assert.Equal([folder["journal.db-bytes/000002"]], Directory.GetFiles(folder["journal.db-bytes"]));
        await again.AppendAsync("a", 2, [new(March, new byte[60_000])], Cancellation);
        Assert.Equal([0, 50_000, 60_000], (await ToListAsync(Journal.ReadStreamAsync("a", 0, Cancellation))).Select(batch => batch.Bytes.Length));
    }

    [Fact]
    public async Task A_journal_of_the_first_version_is_brought_to_this_one_when_it_is_opened()
    {
        MakeFirstVersion();

        Assert.Equal(["a 0 first", "a 1 third", "b 0 second"], await AllAsync());
        Assert.All(await VerifyAsync(), stream => Assert.Empty(stream.Findings));
        await AppendAsync("a", 2, "fourth");
        Assert.Equal([Segment.Permanent], (await ToListAsync(Journal.ReadStreamAsync("a", 0, Cancellation))).Select(batch => batch.Segment).Distinct());
    }

    [Theory]
    [InlineData("UPDATE batches SET bytes = x'00' WHERE position = 3", "Batch 1 of stream a is damaged: its checksum does not fit.")]
    [InlineData("DELETE FROM batches WHERE position = 1", "Batch 0 of stream a is damaged: it is missing.")]
    public void A_damaged_journal_of_the_first_version_is_refused_and_left_as_it_is(string damage, string what)
    {
        MakeFirstVersion();
        using var connection = Connect();
        Run(connection, damage);

        Assert.Equal(what, Assert.Throws<JournalDamagedException>(() => Open()).Message);
        Run(connection, "SELECT position FROM batches");
    }

    // The tables as the first version made them, and checksums as it worked them out.
    private void MakeFirstVersion()
    {
        using var connection = Connect();
        Run(connection, "PRAGMA journal_mode=WAL");
        Run(connection, """
            CREATE TABLE IF NOT EXISTS batches (
                position INTEGER PRIMARY KEY AUTOINCREMENT,
                stream TEXT NOT NULL,
                sequence INTEGER NOT NULL,
                bytes BLOB NOT NULL,
                checksum INTEGER NOT NULL,
                UNIQUE (stream, sequence))
            """);
        foreach (var (stream, sequence, text) in ((string, int, string)[])[("a", 0, "first"), ("b", 0, "second"), ("a", 1, "third")])
        {
            var checksum = BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{stream}\n{sequence}\n{text}")));
            Run(connection, $"INSERT INTO batches (stream, sequence, bytes, checksum) VALUES ('{stream}', {sequence}, CAST('{text}' AS BLOB), {checksum})");
        }
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(200_000)]
    public async Task On_a_full_disk_what_was_acknowledged_is_readable_and_appends_work_when_there_is_room_again(int size)
    {
        using var disk = SmallDisk.Mount(megabytes: 8);
        await using var journal = new SqliteJournal(Path.Combine(disk.Path, "journal.db"));
        var filler = Path.Combine(disk.Path, "filler");
        await System.IO.File.WriteAllBytesAsync(filler, new byte[3 << 20], Cancellation);
        var acknowledged = 0;
        await Assert.ThrowsAsync<JournalUnavailableException>(async () =>
        {
            for (; ; acknowledged++)
                await journal.AppendAsync("a", acknowledged, [new(March, new byte[size])], Cancellation);
        });

        Assert.InRange(acknowledged, 1, (8 << 20) / size);
        Assert.Equal(acknowledged, (await ToListAsync(journal.ReadStreamAsync("a", 0, Cancellation))).Count);
        System.IO.File.Delete(filler);
        await journal.AppendAsync("a", acknowledged, [new(March, new byte[size])], Cancellation);
        Assert.Equal(acknowledged + 1, (await ToListAsync(journal.ReadStreamAsync("a", 0, Cancellation))).Count);
    }

    [Fact]
    public async Task A_file_overwritten_with_noise_is_damaged_and_not_an_empty_journal()
    {
        await using (var before = Open())
        {
            for (var sequence = 0; sequence < 200; sequence++)
                await AppendAsync(before, "a", sequence, new string('x', 1000));
        }
        var bytes = System.IO.File.ReadAllBytes(File);
        new Random(11).NextBytes(bytes.AsSpan(4096));
        System.IO.File.WriteAllBytes(File, bytes);

        await using var reader = SqliteJournal.OpenForReading(File);
        await Assert.ThrowsAsync<JournalDamagedException>(() => AllAsync(reader));
    }

    [Fact]
    public async Task Appends_that_come_together_share_their_commits()
    {
        const int streams = 64, each = 20;
        var journal = (SqliteJournal)Journal;
        var writers = Enumerable.Range(0, streams).Select(stream => Task.Run(async () =>
        {
            for (var sequence = 0; sequence < each; sequence++)
                await AppendAsync($"people/{stream:D4}", sequence, $"batch {sequence}");
        }));
        await Task.WhenAll(writers);

        Assert.Equal(streams * each, (await AllAsync()).Count);
        // One stream waits for each answer, so there are at least as many commits as it has batches.
        Assert.InRange(journal.Commits, each, streams * each / 4);
    }

    [Fact]
    public async Task A_stale_append_fails_alone_and_not_those_it_was_committed_with()
    {
        // While another holds the file, everything waits; then it is one group.
        _ = Journal;
        using var other = Connect();
        Run(other, "BEGIN IMMEDIATE");
        var first = AppendAsync("x", 0, "waits for the file");
        var good = Enumerable.Range(0, 10).Select(stream => AppendAsync($"s{stream}", 0, "good")).ToArray();
        var stale = AppendAsync("t", 5, "stale");
        var after = AppendAsync("u", 0, "after the stale one");
        Run(other, "COMMIT");

        await Assert.ThrowsAsync<StaleWriterException>(() => stale);
        await Task.WhenAll([first, after, .. good]);
        Assert.Equal(12, (await AllAsync()).Count);
    }

    [Fact]
    public async Task A_file_that_somebody_holds_fails_the_append_and_it_works_when_they_let_go()
    {
        await using var journal = new SqliteJournal(File, new SqliteJournalOptions { BusyMax = TimeSpan.FromMilliseconds(50) });
        await AppendAsync(journal, "a", 0, "first");
        using var other = Connect();
        Run(other, "BEGIN IMMEDIATE");

        await Assert.ThrowsAsync<JournalUnavailableException>(() => AppendAsync(journal, "a", 1, "second"));

        Run(other, "ROLLBACK");
        await AppendAsync(journal, "a", 1, "second");
        Assert.Equal(["a 0 first", "a 1 second"], await AllAsync(journal));
    }

    [Fact]
    public async Task A_full_disk_fails_the_whole_group_and_smaller_appends_work_again()
    {
        await using var journal = new SqliteJournal(File, new SqliteJournalOptions { SizeMax = 256 << 10, InlineSizeMax = int.MaxValue });
        await AppendAsync(journal, "a", 0, "first");
        using var other = Connect();
        Run(other, "BEGIN IMMEDIATE");
        var waits = AppendAsync(journal, "w", 0, "waits for the file");
        // One group from here: the writer is busy with the one before.
        var small = AppendAsync(journal, "b", 0, "small");
        var large = AppendAsync(journal, "c", 0, new string('x', 1 << 20));
        Run(other, "COMMIT");

        await Assert.ThrowsAsync<JournalUnavailableException>(() => large);
        // Whether the first went alone or with them is the writer's choice; whoever was told so is in the journal.
        var told = 1 + await CountAsync(waits) + await CountAsync(small);
        Assert.Equal(told, (await AllAsync(journal)).Count);
        await AppendAsync(journal, "a", 1, "second");
    }

    [Fact]
    public async Task A_reader_opens_the_file_beside_the_writer_and_after_it()
    {
        await AppendAsync("a", 0, "first");
        await using var reader = SqliteJournal.OpenForReading(File);
        Assert.Single(await AllAsync(reader));

        await AppendAsync("a", 1, "second");
        Assert.Equal(2, (await AllAsync(reader)).Count);

        await Journal.DisposeAsync();
        await using var late = SqliteJournal.OpenForReading(File);
        Assert.Equal(2, (await AllAsync(late)).Count);
    }

    [Fact]
    public async Task A_reader_appends_nothing_and_says_so_at_once()
    {
        await AppendAsync("a", 0, "first");
        await using var reader = SqliteJournal.OpenForReading(File);

        await Assert.ThrowsAsync<InvalidOperationException>(() => AppendAsync(reader, "a", 1, "second"));
    }

    private static async Task<int> CountAsync(Task append)
    {
        try
        {
            await append;
            return 1;
        }
        catch (JournalUnavailableException)
        {
            return 0;
        }
    }

    private protected override string Flipped => "x'6f6e66'";

    private protected override Task DamageAsync(string sql)
    {
        using var connection = Connect();
        Run(connection, sql);
        return Task.CompletedTask;
    }

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        return connection;
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are this file's own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
