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
    public async Task Several_batches_of_one_append_follow_each_other_and_each_keeps_its_segment()
    {
        await AppendAsync("a", 0, "first");
        await Journal.AppendAsync("a", 1, [Batch("second", March), Batch("third", Standing), Batch("", April)], Cancellation);
        await AppendAsync("a", 4, "fifth");

        var batches = await ToListAsync(Journal.ReadStreamAsync("a", 0, Cancellation));
        Assert.Equal(["a 0 first", "a 1 second", "a 2 third", "a 3 ", "a 4 fifth"], batches.ConvertAll(Render));
        Assert.Equal([Segment.Permanent, March, Standing, April, Segment.Permanent], batches.Select(batch => batch.Segment));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Of_a_stale_append_of_several_batches_none_is_written(long sequence)
    {
        await Journal.AppendAsync("a", 0, [Batch("first", March), Batch("second", March)], Cancellation);

        await Assert.ThrowsAsync<StaleWriterException>(
            () => Journal.AppendAsync("a", sequence, [Batch("stale", March), Batch("stale", March), Batch("stale", March)], Cancellation).AsTask());

        Assert.Equal(["a 0 first", "a 1 second"], await AllAsync());
        Assert.Equal(2, (await Journal.ReadHeadsAsync(Cancellation))["a"].NextSequence);
    }

    [Fact]
    public async Task An_append_of_no_batch_is_a_mistake()
    {
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Journal.AppendAsync("a", 0, Array.Empty<NewBatch>(), Cancellation).AsTask());
    }

    [Fact]
    public async Task The_chain_of_each_batch_follows_from_the_one_before_whatever_store_it_is_in()
    {
        await Journal.AppendAsync("a", 0, [Batch("first", March), Batch("second", Standing)], Cancellation);

        var chain = JournalChain.Start;
        await foreach (var batch in Journal.ReadStreamAsync("a", 0, Cancellation))
        {
            Assert.Equal(JournalChain.ChecksumOf(batch.Bytes.Span), batch.Checksum);
            chain = chain.Next("a", batch.Sequence, batch.Segment, batch.Checksum);
            Assert.Equal(chain, batch.Chain);
        }
        // Worked out apart from this program.
        Assert.Equal("9052b0b52346068841b2f021d98bb60d", chain.ToString());
        Assert.Equal(new JournalHead(2, chain), (await Journal.ReadHeadsAsync(Cancellation))["a"]);
    }

    [Fact]
    public async Task Erasing_a_segment_takes_its_bytes_and_nothing_else_and_the_chain_still_verifies()
    {
        var large = new byte[100_000];
        await Journal.AppendAsync("a", 0, [Batch("kept", Standing), Batch("erased", March), new(March, large)], Cancellation);
        await Journal.AppendAsync("b", 0, [Batch("erased too", March), Batch("later", April)], Cancellation);
        var before = await Journal.ReadHeadsAsync(Cancellation);

        Assert.Equal(3, await Journal.EraseAsync(March, Cancellation));
        Assert.Equal(0, await Journal.EraseAsync(March, Cancellation));
        Assert.Equal(0, await Journal.EraseAsync(Segment.Of(RetentionClass.Long, default), Cancellation));

        var batches = await ToListAsync(Journal.ReadStreamAsync("a", 0, Cancellation));
        Assert.Equal([false, true, true], batches.Select(batch => batch.IsErased));
        Assert.Equal(["a 0 kept", "a 1 ", "a 2 "], batches.ConvertAll(Render));
        Assert.Equal(JournalChain.ChecksumOf(large), batches[2].Checksum);
        Assert.Equal(["b 0 ", "b 1 later"], await StreamAsync("b"));
        Assert.Equal(before, await Journal.ReadHeadsAsync(Cancellation));
        var verified = await VerifyAsync(before);
        Assert.All(verified, stream => Assert.Empty(stream.Findings));
        Assert.Equal([(3, 2), (2, 1)], verified.Select(stream => (stream.Batches, stream.Erased)));
        Assert.Empty(EvidenceCodec.Decode(batches[1]));
    }

    [Fact]
    public async Task A_stream_and_a_segment_go_on_after_the_segment_was_erased()
    {
        await Journal.AppendAsync("a", 0, [new(March, new byte[100_000])], Cancellation);
        await Journal.EraseAsync(March, Cancellation);
        await Journal.AppendAsync("a", 1, [new(March, new byte[100_001]), Batch("small", March)], Cancellation);

        Assert.Equal([0, 100_001, 5], (await ToListAsync(Journal.ReadStreamAsync("a", 0, Cancellation))).Select(batch => batch.Bytes.Length));
        Assert.Equal(2, await Journal.EraseAsync(March, Cancellation));
    }

    [Fact]
    public async Task What_is_permanent_is_never_erased()
    {
        await AppendAsync("a", 0, "kept");

        await Assert.ThrowsAnyAsync<ArgumentException>(() => Journal.EraseAsync(Segment.Permanent, Cancellation));
        Assert.Equal(["a 0 kept"], await AllAsync());
    }

    [Fact]
    public async Task A_stream_that_is_shorter_than_somebody_noted_or_another_one_is_found_out()
    {
        await AppendAsync("a", 0, "first");
        await AppendAsync("b", 0, "first");
        var heads = await Journal.ReadHeadsAsync(Cancellation);
        var noted = new Dictionary<string, JournalHead>
        {
            ["a"] = new(1, new JournalChain(7)), ["b"] = new(3, heads["b"].Chain), ["c"] = new(1, heads["b"].Chain),
        };

        Assert.Equal(
            ["Batch 0 of stream a: the stream up to here is not the one that was noted.",
             "Batch 1 of stream b: it is missing, and all up to 2.", "Batch 0 of stream c: it is missing."],
            (await VerifyAsync(noted)).SelectMany(stream => stream.Findings).Select(finding => finding.ToString()));
        Assert.All(await VerifyAsync(heads), stream => Assert.Empty(stream.Findings));
    }

    [Fact]
    public async Task A_closed_journal_takes_nothing()
    {
        await AppendAsync("a", 0, "first");
        await Journal.DisposeAsync();

        await Assert.ThrowsAsync<JournalUnavailableException>(() => AppendAsync("a", 1, "late"));
    }

    private protected static readonly Segment March = Segment.Of(RetentionClass.Short, MinuteOf("2022-03-16T08:00Z"));
    private protected static readonly Segment April = Segment.Of(RetentionClass.Short, MinuteOf("2022-04-06T08:00Z"));
    private protected static readonly Segment Standing = Segment.Of(RetentionClass.Standing, MinuteOf("2022-03-16T08:00Z"));

    private static Minute MinuteOf(string moment) => Minute.Of(DateTimeOffset.Parse(moment, System.Globalization.CultureInfo.InvariantCulture));

    private protected static NewBatch Batch(string text, Segment segment) => new(segment, Encoding.UTF8.GetBytes(text));

    private protected async Task<List<VerifiedStream>> VerifyAsync(IReadOnlyDictionary<string, JournalHead>? noted = null)
    {
        var verified = new List<VerifiedStream>();
        await foreach (var stream in JournalVerification.VerifyAsync(Journal, noted, Cancellation))
            verified.Add(stream);
        return verified;
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

/// <summary>What every journal notices in rows that somebody changed behind its back. The tables are named alike in all of them.</summary>
public abstract class DurableJournalContract : JournalContract
{
    private protected abstract Task DamageAsync(string sql);

    [Theory]
    [InlineData("DELETE FROM batches WHERE stream = 'a' AND sequence = 0", "0 it is missing")]
    [InlineData("DELETE FROM batches WHERE stream = 'a' AND sequence = 2", "2 it is missing")]
    [InlineData("DELETE FROM batches WHERE stream = 'a' AND sequence IN (1, 2)", "1 it is missing, and all up to 2")]
    [InlineData("DELETE FROM batches WHERE stream = 'a' AND sequence IN (0, 2)", "0 it is missing|2 it is missing")]
    [InlineData("UPDATE batches SET bytes = {flipped} WHERE stream = 'a' AND sequence = 1", "1 its checksum does not fit")]
    [InlineData("UPDATE batches SET checksum = checksum + 1 WHERE stream = 'a' AND sequence = 1", "1 its checksum does not fit")]
    [InlineData("UPDATE batches SET segment = 20000 WHERE stream = 'a' AND sequence = 1", "1 it does not follow from the batches before it")]
    [InlineData("UPDATE batches SET bytes = NULL WHERE stream = 'a' AND sequence = 3", "3 its bytes are gone, and it was to be kept for ever")]
    [InlineData("UPDATE batches SET sequence = 9 WHERE stream = 'a' AND sequence = 3", "3 it is missing, and all up to 8")]
    [InlineData("UPDATE batches SET stream = 'a', sequence = 4 WHERE stream = 'b'", "4 it does not follow from the batches before it")]
    [InlineData("UPDATE batches SET chain = {flipped} WHERE stream = 'a' AND sequence = 1", "1 its chain is none")]
    [InlineData("UPDATE batches SET bytes = NULL WHERE stream = 'b'", "")]
    public async Task Whatever_was_changed_is_named_and_the_rest_is_verified_too(string damage, string findings)
    {
        await Journal.AppendAsync("a", 0, [Batch("zero", March), Batch("one", March), Batch("two", Standing), Batch("three", Segment.Permanent)], Cancellation);
        await Journal.AppendAsync("b", 0, [Batch("zero", March)], Cancellation);
        Assert.All(await VerifyAsync(), stream => Assert.Empty(stream.Findings));

        await DamageAsync(damage.Replace("{flipped}", Flipped, StringComparison.Ordinal));

        var found = (await VerifyAsync()).SelectMany(stream => stream.Findings).Select(finding => $"{finding.Sequence} {finding.What}");
        Assert.Equal(findings.Split('|', StringSplitOptions.RemoveEmptyEntries), found);
    }

    /// <summary>The letters "onf" as the store writes bytes.</summary>
    private protected abstract string Flipped { get; }

    [Theory]
    [InlineData("UPDATE batches SET bytes = {flipped} WHERE stream = 'a' AND sequence = 1", "its checksum does not fit")]
    [InlineData("UPDATE batches SET stream = 'c' WHERE stream = 'a' AND sequence = 1", "it is missing")]
    [InlineData("DELETE FROM batches WHERE stream = 'a' AND sequence = 1", "it is missing")]
    public async Task A_damaged_or_missing_batch_is_named_and_what_came_before_it_is_read(string damage, string what)
    {
        for (var sequence = 0; sequence < 3; sequence++)
            await AppendAsync("a", sequence, $"batch {sequence}");
        await DamageAsync(damage.Replace("{flipped}", Flipped, StringComparison.Ordinal));

        var read = new List<string>();
        var refused = await Assert.ThrowsAsync<JournalDamagedException>(async () =>
        {
            await foreach (var batch in Journal.ReadStreamAsync("a", 0, Cancellation))
                read.Add(Render(batch));
        });

        Assert.Equal(["a 0 batch 0"], read);
        Assert.Equal(("a", 1, what), (refused.Stream, refused.Sequence, refused.What));
        Assert.Equal(["a 2 batch 2"], await StreamAsync("a", from: 2));
    }

    [Fact]
    public async Task A_batch_missing_at_the_start_of_its_stream_is_noticed_too()
    {
        await AppendAsync("a", 0, "first");
        await AppendAsync("a", 1, "second");
        await DamageAsync("DELETE FROM batches WHERE sequence = 0");

        Assert.Equal(0, (await Assert.ThrowsAsync<JournalDamagedException>(() => StreamAsync("a"))).Sequence);
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
        Assert.All(await VerifyAsync(), stream => Assert.Empty(stream.Findings));
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
    public async Task Of_two_journals_on_one_store_the_one_that_knows_less_is_refused()
    {
        await using var other = Open();
        await AppendAsync("a", 0, "ours");
        await AppendAsync(other, "a", 1, "theirs");

        await Assert.ThrowsAsync<StaleWriterException>(() => AppendAsync("a", 1, "ours, stale"));
        Assert.Equal(["a 0 ours", "a 1 theirs"], await StreamAsync("a"));
        await AppendAsync("a", 2, "ours, knowing");
        Assert.All(await VerifyAsync(), stream => Assert.Empty(stream.Findings));
    }

    [Fact]
    public async Task Of_two_journals_that_append_to_one_stream_exactly_one_wins_each_sequence()
    {
        const int length = 60;
        await using var other = Open();
        var heard = await Task.WhenAll(RaceAsync(Journal, "ours"), RaceAsync(other, "theirs"));

        var acknowledged = heard.SelectMany(each => each).OrderBy(each => each.Sequence).Select(each => $"a {each.Sequence} {each.Text}");
        Assert.Equal(acknowledged, await StreamAsync("a"));
        Assert.Equal(length, (await Journal.ReadHeadsAsync(Cancellation))["a"].NextSequence);
        Assert.All(await VerifyAsync(), stream => Assert.Empty(stream.Findings));

        static async Task<List<(long Sequence, string Text)>> RaceAsync(IJournal journal, string who)
        {
            await Task.Yield();
            var won = new List<(long, string)>();
            for (var sequence = 0; sequence < length; sequence++)
            {
                try
                {
                    await AppendAsync(journal, "a", sequence, who);
                    won.Add((sequence, who));
                }
                catch (StaleWriterException)
                {
                    // Either the other was first, or it has not come so far yet: then this one is the one to append.
                    if ((await journal.ReadHeadsAsync(Cancellation)).GetValueOrDefault("a").NextSequence <= sequence)
                        sequence--;
                }
            }
            return won;
        }
    }
}

public sealed class MemoryJournalTests : JournalContract
{
    private protected override IJournal Open() => new MemoryJournal();
}
