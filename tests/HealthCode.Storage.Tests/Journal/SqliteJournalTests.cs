using Microsoft.Data.Sqlite;

namespace HealthCode.Storage.Tests;

public sealed class SqliteJournalTests : JournalContract
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
    public async Task Opened_again_it_has_all_that_was_acknowledged_and_goes_on_after_it()
    {
        await using (var before = Open())
        {
            await AppendAsync(before, "a", 0, "first");
            await AppendAsync(before, "b", 0, "second");
        }

        Assert.Equal(["a 0 first", "b 0 second"], await AllAsync());
        await AppendAsync("a", 1, "third");
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
    [InlineData("UPDATE batches SET bytes = x'00' WHERE stream = 'a' AND sequence = 1", "its checksum does not fit")]
    [InlineData("UPDATE batches SET stream = 'c' WHERE stream = 'a' AND sequence = 1", "it is missing")]
    [InlineData("DELETE FROM batches WHERE stream = 'a' AND sequence = 1", "it is missing")]
    [InlineData("UPDATE batches SET bytes = 'text' WHERE stream = 'a' AND sequence = 1", "")]
    [InlineData("UPDATE batches SET checksum = 'text' WHERE stream = 'a' AND sequence = 1", "")]
    public async Task A_damaged_or_missing_batch_is_named_and_what_came_before_it_is_read(string damage, string what)
    {
        for (var sequence = 0; sequence < 3; sequence++)
            await AppendAsync("a", sequence, $"batch {sequence}");
        Damage(damage);

        var read = new List<string>();
        var refused = await Assert.ThrowsAsync<JournalDamagedException>(async () =>
        {
            await foreach (var batch in Journal.ReadStreamAsync("a", 0, Cancellation))
                read.Add(Render(batch));
        });

        Assert.Equal(["a 0 batch 0"], read);
        Assert.StartsWith("Batch 1 of stream a is damaged: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(what, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_missing_at_the_start_of_its_stream_is_noticed_too()
    {
        await AppendAsync("a", 0, "first");
        await AppendAsync("a", 1, "second");
        Damage("DELETE FROM batches WHERE sequence = 0");

        Assert.Contains("Batch 0 of stream a", (await Assert.ThrowsAsync<JournalDamagedException>(() => StreamAsync("a"))).Message, StringComparison.Ordinal);
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
    public async Task Two_batches_of_one_stream_in_one_group_are_both_kept()
    {
        var first = Journal.AppendAsync("a", 0, "first"u8.ToArray(), Cancellation);
        var second = Journal.AppendAsync("a", 1, "second"u8.ToArray(), Cancellation);

        await first;
        await second;
        Assert.Equal(["a 0 first", "a 1 second"], await StreamAsync("a"));
    }

    [Fact]
    public async Task Of_two_journals_on_one_file_the_one_that_knows_less_is_refused()
    {
        await using var other = Open();
        await AppendAsync("a", 0, "ours");
        await AppendAsync(other, "a", 1, "theirs");

        await Assert.ThrowsAsync<StaleWriterException>(() => AppendAsync("a", 1, "ours, stale"));
        Assert.Equal(["a 0 ours", "a 1 theirs"], await StreamAsync("a"));
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
        await using var journal = new SqliteJournal(File, new SqliteJournalOptions { SizeMax = 256 << 10 });
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

    private void Damage(string sql)
    {
        using var connection = Connect();
        Run(connection, sql);
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
