using System.Threading.Channels;
using HealthCode.Testing;
using Npgsql;

namespace HealthCode.Storage.Tests;

public sealed class PostgresJournalTests(PostgresFixture postgres) : DurableJournalContract, IAsyncLifetime
{
    private readonly List<NpgsqlDataSource> opened = [];
    private string database = "";

    private PostgresJournal? first;

    public async ValueTask InitializeAsync()
    {
        database = await postgres.CreateDatabaseAsync();
        first = await OpenAsync(database);
    }

    // The contract's tests open synchronously. What many threads may ask for at once is there already.
    private protected override IJournal Open() => Interlocked.Exchange(ref first, null) ?? OpenAsync(database).GetAwaiter().GetResult();

    private async Task<PostgresJournal> OpenAsync(string connection)
    {
        var source = PostgresStore.Open(connection);
        lock (opened)
            opened.Add(source);
        return await PostgresJournal.OpenAsync(source, cancellation: Cancellation).ConfigureAwait(false);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (first is not null)
            await first.DisposeAsync();
        foreach (var source in opened)
            await source.DisposeAsync();
    }

    private protected override string Flipped => @"'\x6f6e66'";

    private protected override async Task DamageAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync(Cancellation);
#pragma warning disable CA2100 // The statements are the tests' own constants.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    [Fact]
    public async Task Several_that_open_an_empty_database_at_once_all_find_its_tables()
    {
        var journals = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => OpenAsync(database)));

        await AppendAsync(journals[0], "a", 0, "first");
        await AppendAsync(journals[7], "a", 1, "second");
        foreach (var journal in journals)
            await journal.DisposeAsync();
        Assert.Equal(["a 0 first", "a 1 second"], await AllAsync());
    }

    [Fact]
    public async Task A_database_of_a_newer_version_is_refused()
    {
        await AppendAsync("a", 0, "first");
        await DamageAsync("UPDATE store_versions SET version = 99 WHERE store = 'journal'");

        var refused = await Assert.ThrowsAsync<JournalUnavailableException>(() => OpenAsync(database));
        Assert.Contains("version 99", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Appends_that_come_together_share_their_commits()
    {
        const int streams = 64, each = 20;
        var journal = (PostgresJournal)Journal;
        await Task.WhenAll(Enumerable.Range(0, streams).Select(stream => Task.Run(async () =>
        {
            for (var sequence = 0; sequence < each; sequence++)
                await AppendAsync($"people/{stream:D4}", sequence, $"batch {sequence}");
        })));

        Assert.Equal(streams * each, (await AllAsync()).Count);
        Assert.InRange(journal.Commits, each, streams * each / 2);
    }

    [Fact]
    public async Task A_stale_append_fails_alone_and_not_those_it_was_committed_with()
    {
        // What another has locked, everything of the same lane waits for; then it is one group.
        await using var journal = await PostgresJournal.OpenAsync(Source(), new PostgresJournalOptions { Lanes = 1 }, Cancellation);
        await using var other = await OpenAsync(database);
        await AppendAsync(other, "t", 0, "theirs");
        await using var holding = new NpgsqlConnection(database);
        await holding.OpenAsync(Cancellation);
        await using var transaction = await holding.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("LOCK TABLE batches IN EXCLUSIVE MODE", holding))
            await hold.ExecuteNonQueryAsync(Cancellation);

        var first = AppendAsync(journal, "x", 0, "waits");
        var good = Enumerable.Range(0, 10).Select(stream => AppendAsync(journal, $"s{stream}", 0, "good")).ToArray();
        var stale = AppendAsync(journal, "t", 5, "stale");
        var taken = AppendAsync(journal, "t", 0, "stale too");
        var after = AppendAsync(journal, "u", 0, "after the stale ones");
        await transaction.CommitAsync(Cancellation);

        await Assert.ThrowsAsync<StaleWriterException>(() => stale);
        await Assert.ThrowsAsync<StaleWriterException>(() => taken);
        await Task.WhenAll([first, after, .. good]);
        Assert.Equal(13, (await AllAsync()).Count);
    }

    [Fact]
    public async Task A_server_that_is_killed_under_load_and_comes_back_has_every_acknowledged_batch_once()
    {
        const int streams = 8;
        await using var server = await PostgresServer.StartAsync();
        await using var journal = await OpenAsync(await server.CreateDatabaseAsync("killed"));
        using var ending = new CancellationTokenSource();
        var acknowledged = new List<int>[streams];
        var heardOf = Channel.CreateUnbounded<int>();
        var writers = Enumerable.Range(0, streams).Select(stream => Task.Run(() => WriteAsync(stream))).ToArray();

        for (var kill = 0; kill < 2; kill++)
        {
            await GetOnAsync();
            await server.KillAsync();
            await Assert.ThrowsAsync<JournalUnavailableException>(() => AppendAsync(journal, "probe", 0, "nobody hears"));
            await server.RestartAsync();
        }
        await GetOnAsync();
        await ending.CancelAsync();
        await Task.WhenAll(writers);

        for (var stream = 0; stream < streams; stream++)
        {
            var kept = (await ToListAsync(journal.ReadStreamAsync($"s{stream}", 0, Cancellation))).Select(batch => BitConverter.ToInt32(batch.Bytes.Span)).ToList();
            Assert.Equal(kept.Count, kept.Distinct().Count());
            // What was never acknowledged may be there too, when its answer was lost; then its writer learned so and went on after it.
            Assert.Equal(acknowledged[stream], kept.Intersect(acknowledged[stream]));
        }
        await foreach (var stream in JournalVerification.VerifyAsync(journal, null, Cancellation))
            Assert.Empty(stream.Findings);

        // Returns when so many more were acknowledged.
        async Task GetOnAsync()
        {
            while (heardOf.Reader.TryRead(out _))
            {
            }
            for (var more = 0; more < streams * 30; more++)
                await heardOf.Reader.ReadAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        }

        async Task WriteAsync(int stream)
        {
            var (heard, sequence) = (new List<int>(), 0L);
            acknowledged[stream] = heard;
            for (var value = 0; !ending.IsCancellationRequested; value++)
            {
                try
                {
                    await journal.AppendAsync($"s{stream}", sequence, BitConverter.GetBytes(value), Cancellation);
                    sequence++;
                    heard.Add(value);
                    heardOf.Writer.TryWrite(value);
                }
                catch (StaleWriterException)
                {
                    // The answer that was lost was a yes.
                    sequence++;
                }
                catch (JournalUnavailableException)
                {
                    // A refused connection answers at once: leave the processor to the server.
                    await Task.Delay(10, Cancellation);
                }
            }
        }
    }

    [Fact]
    public async Task A_database_that_is_away_is_said_to_be_and_works_again_without_opening_anew()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var journal = await OpenAsync(await server.CreateDatabaseAsync("away"));
        await AppendAsync(journal, "a", 0, "before");

        await server.StopAsync();
        await Assert.ThrowsAsync<JournalUnavailableException>(() => AppendAsync(journal, "a", 1, "while it is away"));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => ToListAsync(journal.ReadStreamAsync("a", 0, Cancellation)));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => journal.ReadHeadsAsync(Cancellation));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => journal.EraseAsync(March, Cancellation));

        await server.RestartAsync();
        await AppendAsync(journal, "a", 1, "after");
        Assert.Equal(["a 0 before", "a 1 after"], await AllAsync(journal));
    }

    [Fact]
    public async Task A_page_of_the_database_that_is_damaged_is_a_damaged_journal_and_what_came_before_it_is_read()
    {
        // A table as small as this would be read whole for every question; one of a region never is.
        await using var server = await PostgresServer.StartAsync("enable_seqscan=off");
        await using var journal = await OpenAsync(server.ConnectionString);
        for (var sequence = 0; sequence < 200; sequence++)
            await AppendAsync(journal, "a", sequence, new string('x', 1_000));
        await using var asking = NpgsqlDataSource.Create(server.ConnectionString);
        await using var ask = asking.CreateCommand("SELECT pg_relation_filepath('batches')");
        var file = Path.Combine(server.Data, (string)(await ask.ExecuteScalarAsync(Cancellation))!);
        await server.StopAsync();
        await using (var damaging = new FileStream(file, FileMode.Open, FileAccess.ReadWrite))
        {
            damaging.Position = (10 * 8_192) + 5_000;
            damaging.WriteByte((byte)'y');
        }
        await server.RestartAsync();

        var read = 0L;
        var damage = await Assert.ThrowsAsync<JournalDamagedException>(async () =>
        {
            await foreach (var batch in journal.ReadStreamAsync("a", 0, Cancellation))
                read = batch.Sequence + 1;
        });
        Assert.InRange(read, 50, 90);
        Assert.Equal(("a", read), (damage.Stream, damage.Sequence));
        Assert.Contains("invalid page", damage.What, StringComparison.Ordinal);

        var verified = new List<VerifiedStream>();
        await foreach (var stream in JournalVerification.VerifyAsync(journal, null, Cancellation))
            verified.Add(stream);
        // A page holds seven such rows; those on the others are all verified.
        Assert.Equal((193, 7), (verified.Single().Batches, verified.Single().Findings.Count));
    }

    [Fact]
    public async Task The_way_to_a_database_is_set_for_a_server_that_may_go_away()
    {
        await using var opened = PostgresStore.Open(StoreAddress.Parse("postgres://li@db.example/region").ConnectionString);
        var set = new NpgsqlConnectionStringBuilder(opened.ConnectionString);

        Assert.Equal((3, 15, "-c synchronous_commit=on"), (set.Timeout, set.CommandTimeout, set.Options));
    }

    private NpgsqlDataSource Source()
    {
        var source = PostgresStore.Open(database);
        opened.Add(source);
        return source;
    }
}
