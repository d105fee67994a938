using System.Text;

namespace HealthCode.Storage.Tests;

/// <summary>What every journal promises, whatever it is kept in.</summary>
public abstract class JournalContract : IAsyncDisposable
{
    // Lazy, since a test may ask for it first from many threads, and two journals in memory would not see each other.
    private readonly Lazy<IJournal> journal;

    protected JournalContract() => journal = new(() => Open());

    private protected IJournal Journal => journal.Value;

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected abstract IJournal Open();

    public virtual async ValueTask DisposeAsync()
    {
        if (journal.IsValueCreated)
            await journal.Value.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_stream_gives_back_what_was_appended_in_its_order()
    {
        await AppendAsync("a", 0, "first");
        await AppendAsync("b", 0, "other");
        await AppendAsync("a", 1, "second");

        Assert.Equal(["a 0 first", "a 1 second"], await StreamAsync("a"));
        Assert.Equal(["a 1 second"], await StreamAsync("a", from: 1));
        Assert.Empty(await StreamAsync("a", from: 2));
        Assert.Empty(await StreamAsync("nobody's"));
    }

    [Fact]
    public async Task A_reader_goes_on_after_the_last_sequence_it_saw_and_the_heads_say_how_far_it_is_behind()
    {
        await AppendAsync("a", 0, "first");
        await AppendAsync("b", 0, "second");
        await AppendAsync("a", 1, "third");

        var heads = await Journal.ReadHeadsAsync(Cancellation);
        Assert.Equal(["a 2", "b 1"], heads.OrderBy(head => head.Key).Select(head => $"{head.Key} {head.Value.NextSequence}"));
        var last = (await ToListAsync(Journal.ReadStreamAsync("a", 1, Cancellation))).Single();
        Assert.Equal(heads["a"].Chain, last.Chain);
        Assert.Empty(await StreamAsync("a", from: heads["a"].NextSequence));
    }

    [Fact]
    public async Task A_journal_that_nothing_was_appended_to_has_no_heads()
    {
        Assert.Empty(await Journal.ReadHeadsAsync(Cancellation));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(-1)]
    public async Task A_sequence_that_is_taken_or_leaves_a_gap_is_stale_and_writes_nothing(long sequence)
    {
        await AppendAsync("a", 0, "first");
        await AppendAsync("a", 1, "second");

        await Assert.ThrowsAsync<StaleWriterException>(() => AppendAsync("a", sequence, "stale"));

        Assert.Equal(["a 0 first", "a 1 second"], await AllAsync());
        await AppendAsync("a", 2, "third");
    }

    [Fact]
    public async Task Of_many_writers_with_one_sequence_exactly_one_wins()
    {
        var attempts = Enumerable.Range(0, 20).Select(writer => Task.Run(() => AppendAsync("a", 0, $"writer {writer}"))).ToArray();

        var won = 0;
        foreach (var attempt in attempts)
        {
            try
            {
                await attempt;
                won++;
            }
            catch (StaleWriterException)
            {
            }
        }

        Assert.Equal(1, won);
        Assert.Single(await AllAsync());
    }

    [Fact]
    public async Task The_buffer_belongs_to_the_caller_again_after_an_append()
    {
        var buffer = Encoding.UTF8.GetBytes("--before--");
        await Journal.AppendAsync("a", 0, buffer.AsMemory(2, 6), Cancellation);
        buffer.AsSpan().Fill((byte)'x');

        Assert.Equal(["a 0 before"], await StreamAsync("a"));
    }

    [Fact]
    public async Task A_cancelled_append_was_not_written()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Journal.AppendAsync("a", 0, "never"u8.ToArray(), cancelled.Token).AsTask());

        await AppendAsync("a", 0, "first");
        Assert.Equal(["a 0 first"], await AllAsync());
    }

    [Fact]
    public async Task Whether_an_append_was_cancelled_or_answered_the_journal_agrees_with_what_its_caller_heard()
    {
        var heard = new List<long>();
        for (var attempt = 0; attempt < 200; attempt++)
        {
            using var cancelling = new CancellationTokenSource();
            var append = Task.Run(() => Journal.AppendAsync("a", heard.Count, BitConverter.GetBytes(attempt), cancelling.Token).AsTask());
            if (attempt % 2 == 1)
                await cancelling.CancelAsync();
            try
            {
                await append;
                heard.Add(attempt);
            }
            catch (OperationCanceledException)
            {
            }
        }

        var written = await ToListAsync(Journal.ReadStreamAsync("a", 0, Cancellation));
        Assert.Equal(heard, written.Select(batch => (long)BitConverter.ToInt32(batch.Bytes.Span)));
    }

    [Fact]
    public async Task An_empty_batch_and_a_large_one_come_back_as_they_were()
    {
        var large = new byte[3 << 20];
        new Random(7).NextBytes(large);
        await Journal.AppendAsync("a", 0, ReadOnlyMemory<byte>.Empty, Cancellation);
        await Journal.AppendAsync("a", 1, large, Cancellation);

        var batches = await ToListAsync(Journal.ReadStreamAsync("a", 0, Cancellation));
        Assert.Empty(batches[0].Bytes.ToArray());
        Assert.Equal(large, batches[1].Bytes.ToArray());
    }

    [Fact]
    public async Task A_reader_may_read_while_more_is_appended()
    {
        for (var sequence = 0; sequence < 200; sequence++)
            await AppendAsync("a", sequence, "before");

        var seen = 0L;
        await foreach (var batch in Journal.ReadStreamAsync("a", 0, Cancellation))
        {
            Assert.Equal(seen++, batch.Sequence);
            if (batch.Sequence < 200)
                await AppendAsync("b", batch.Sequence, "meanwhile");
        }

        Assert.Equal(200, seen);
        Assert.Equal(400, (await AllAsync()).Count);
    }

    [Fact]
    public async Task A_closed_journal_takes_nothing()
    {
        await AppendAsync("a", 0, "first");
        await Journal.DisposeAsync();

        await Assert.ThrowsAsync<JournalUnavailableException>(() => AppendAsync("a", 1, "late"));
    }

    private protected Task AppendAsync(string stream, long sequence, string text) => AppendAsync(Journal, stream, sequence, text);

    private protected static Task AppendAsync(IJournal journal, string stream, long sequence, string text) =>
        journal.AppendAsync(stream, sequence, Encoding.UTF8.GetBytes(text), Cancellation).AsTask();

    private protected async Task<List<string>> StreamAsync(string stream, long from = 0) =>
        (await ToListAsync(Journal.ReadStreamAsync(stream, from, Cancellation))).ConvertAll(Render);

    private protected Task<List<string>> AllAsync() => AllAsync(Journal);

    /// <summary>All streams, in the order of their names.</summary>
    private protected static async Task<List<string>> AllAsync(IJournal journal)
    {
        var all = new List<string>();
        foreach (var stream in (await journal.ReadHeadsAsync(Cancellation)).Keys.Order(StringComparer.Ordinal))
            all.AddRange((await ToListAsync(journal.ReadStreamAsync(stream, 0, Cancellation))).ConvertAll(Render));
        return all;
    }

    private protected static string Render(JournalBatch batch) =>
        $"{batch.Stream} {batch.Sequence} {Encoding.UTF8.GetString(batch.Bytes.Span)}";

    private protected static async Task<List<JournalBatch>> ToListAsync(IAsyncEnumerable<JournalBatch> batches)
    {
        var list = new List<JournalBatch>();
        await foreach (var batch in batches)
            list.Add(batch);
        return list;
    }
}

public sealed class MemoryJournalTests : JournalContract
{
    private protected override IJournal Open() => new MemoryJournal();
}
