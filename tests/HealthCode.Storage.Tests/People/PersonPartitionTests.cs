using TestResult = HealthCode.Domain.TestResult;

namespace HealthCode.Storage.Tests;

/// <summary>One partition over its stores: what it takes in, what it begins from, what it deletes.</summary>
public sealed class PersonPartitionTests : IAsyncDisposable
{
    private const string Stream = "people/0007";

    private static readonly PersonId Li = new(7, 1);
    private static readonly PersonId Wang = new(7, 2);
    private static readonly Minute Noon = Minute.Of(new DateTimeOffset(2020, 3, 18, 4, 0, 0, TimeSpan.Zero));
    private static readonly DateTimeOffset Evening = new(2020, 3, 18, 12, 0, 0, TimeSpan.Zero);

    private readonly MemoryJournal journal = new();
    private readonly MemoryKeyStore keys = new();
    private readonly MemorySnapshotStore snapshots = new();
    private readonly KeyWrap wrap = new(new byte[32]);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await journal.DisposeAsync();
        await keys.DisposeAsync();
        await snapshots.DisposeAsync();
        wrap.Dispose();
    }

    [Fact]
    public async Task What_was_taken_in_is_there_after_a_start_from_the_journal_and_after_one_from_a_snapshot()
    {
        var first = await OpenAsync();
        await first.AcceptAsync([Fever(Li, 1), Negative(Li, 2), Home(Wang, 3)]);

        Same(first, await OpenAsync());
        await first.WriteSnapshotAsync(Cancellation);
        await first.AcceptAsync([Negative(Wang, 4)]);
        var second = await OpenAsync();
        Same(first, second);
        Assert.Null(second.SnapshotProblem);
        Assert.Equal(1, second.SinceSnapshot);
    }

    [Fact]
    public async Task A_fact_sent_again_is_known_and_another_under_its_id_is_refused_before_and_after_a_restart()
    {
        var partition = await OpenAsync();
        Assert.Equal([Acceptance.Accepted, Acceptance.Known, Acceptance.KeyReused],
            await partition.AcceptAsync([Negative(Li, 1), Negative(Li, 1), Fever(Li, 1)]));
        Assert.Equal([Acceptance.Known, Acceptance.KeyReused], await partition.AcceptAsync([Negative(Li, 1), Fever(Li, 1)]));

        var again = await OpenAsync();
        Assert.Equal([Acceptance.Known, Acceptance.KeyReused, Acceptance.Accepted],
            await again.AcceptAsync([Negative(Li, 1), Fever(Li, 1), Fever(Wang, 1)]));
        Assert.Single(await again.ReadAsync(Li, Cancellation));
    }

    [Fact]
    public async Task Nothing_of_what_is_said_about_a_person_stands_in_the_journal_in_the_clear()
    {
        var partition = await OpenAsync();
        await partition.AcceptAsync([Negative(Li, 1) with { Institution = "第一医院" }, Fever(Li, 2) with { EnteredBy = "worker-wu" }]);

        var bytes = new List<byte>();
        await foreach (var batch in journal.ReadStreamAsync(Stream, 0, Cancellation))
            bytes.AddRange(batch.Bytes.ToArray());
        foreach (var secret in (byte[][])[[.. "第一医院"u8], [.. "worker-wu"u8], IdOf(Li)])
            Assert.Equal(-1, bytes.ToArray().AsSpan().IndexOf(secret));
    }

    [Fact]
    public async Task A_deleted_person_is_unreadable_in_journal_and_snapshot_also_in_copies_that_were_made_before()
    {
        var partition = await OpenAsync();
        await partition.AcceptAsync([Fever(Li, 1), Negative(Wang, 2)]);
        await partition.WriteSnapshotAsync(Cancellation);
        var copy = await snapshots.ReadAsync(Stream, Cancellation);

        Assert.True(await partition.DeleteAsync(Li, Evening));

        Assert.False(partition.Records.Contains(Li));
        Assert.Empty(await partition.ReadAsync(Li, Cancellation));
        Assert.Single(await partition.ReadAsync(Wang, Cancellation));
        Assert.False((await OpenAsync()).Records.Contains(Li));
        // Somebody puts the copied snapshot back, and the journal's copy is what it always was.
        await snapshots.DeleteAsync(Stream, Cancellation);
        await snapshots.WriteAsync(Stream, copy!.Sequence, copy.Format, copy.Parts, Cancellation);
        var restored = await OpenAsync();
        Assert.NotNull(restored.SnapshotProblem);
        Assert.False(restored.Records.Contains(Li));
        Assert.Single(await restored.ReadAsync(Wang, Cancellation));
        Assert.DoesNotContain(await FactsAsync(), fact => fact.Person == Li);
    }

    [Fact]
    public async Task Whoever_was_deleted_can_come_again_and_what_was_before_stays_closed()
    {
        var partition = await OpenAsync();
        await partition.AcceptAsync([Fever(Li, 1)]);
        await partition.DeleteAsync(Li, Evening);
        await partition.AcceptAsync([Negative(Li, 2)]);
        await partition.DeleteAsync(Li, Evening);
        await partition.AcceptAsync([Negative(Li, 3), Fever(Wang, 4)]);

        Assert.Equal([new EvidenceId(3)], (await partition.ReadAsync(Li, Cancellation)).Select(fact => fact.Id));
        await partition.WriteSnapshotAsync(Cancellation);
        var again = await OpenAsync();
        Same(partition, again);
        Assert.Null(again.SnapshotProblem);
        await snapshots.DeleteAsync(Stream, Cancellation);
        Same(partition, await OpenAsync());
        Assert.False(await again.DeleteAsync(new PersonId(7, 99), Evening));
    }

    [Fact]
    public async Task A_damaged_snapshot_is_noticed_and_the_journal_read_instead()
    {
        var partition = await OpenAsync();
        await partition.AcceptAsync([Fever(Li, 1), Negative(Wang, 2)]);
        await partition.WriteSnapshotAsync(Cancellation);
        var whole = (await snapshots.ReadAsync(Stream, Cancellation))!;
        var random = new Random(20200318);
        for (var attempt = 0; attempt < 50; attempt++)
        {
            var parts = whole.Parts.Select(part => part.ToArray()).ToList();
            var part = parts[random.Next(parts.Count)];
            part[random.Next(part.Length)] ^= (byte)(1 << random.Next(8));
            await snapshots.DeleteAsync(Stream, Cancellation);
            await snapshots.WriteAsync(Stream, whole.Sequence, whole.Format, [.. parts.Select(bytes => (ReadOnlyMemory<byte>)bytes)], Cancellation);

            var opened = await OpenAsync();
            Assert.NotNull(opened.SnapshotProblem);
            Same(partition, opened);
        }
    }

    [Fact]
    public async Task Of_two_owners_the_former_can_acknowledge_nothing_once_the_later_has_put_up_its_fence()
    {
        var former = await OpenAsync();
        await former.AcceptAsync([Fever(Li, 1)]);
        var later = await OpenAsync(fence: true);

        await Assert.ThrowsAsync<StaleWriterException>(() => former.AcceptAsync([Negative(Li, 2)]));
        Assert.True(former.IsStale);
        Assert.Equal([Acceptance.Accepted], await later.AcceptAsync([Negative(Li, 2)]));
        Same(later, await OpenAsync());
    }

    [Fact]
    public async Task What_is_older_than_its_class_is_kept_is_forgotten_and_erased_and_the_chain_still_holds()
    {
        var retention = new Retention(ShortDays: 60, LongDays: 730);
        var partition = await OpenAsync();
        await partition.AcceptAsync([Negative(Li, 1), Home(Li, 2), Case(Li, 3)]);
        var after = Noon.PlusDays(70);
        await partition.AcceptAsync([Negative(Li, 4) with { Happened = after, Received = after }]);

        Assert.Equal(1, await partition.ForgetAsync(retention, after.ToDateTimeOffset(), Cancellation));
        foreach (var (segment, _) in (await Store.ReadSegmentsAsync(Cancellation)).Where(segment => retention.IsOver(segment.Segment, after)))
            Assert.Equal(1, await Store.EraseAsync(segment, Evening, Cancellation));

        Assert.Equal([new EvidenceId(2), new(3), new(4)], (await partition.ReadAsync(Li, Cancellation)).Select(fact => fact.Id).Order());
        Same(partition, await OpenAsync());
        await foreach (var stream in JournalVerification.VerifyAsync(journal, null, Cancellation))
            Assert.Empty(stream.Findings);
    }

    [Fact]
    public async Task Of_a_batch_of_the_first_version_which_was_not_sealed_nothing_is_lost()
    {
        await journal.AppendAsync(Stream, 0, EvidenceCodec.Encode([Fever(Li, 1), Negative(Li, 2)]), Cancellation);

        var partition = await OpenAsync();
        await partition.AcceptAsync([Negative(Li, 3)]);
        Assert.Equal([new EvidenceId(1), new(2), new(3)], (await partition.ReadAsync(Li, Cancellation)).Select(fact => fact.Id).Order());
    }

    [Fact]
    public async Task A_key_that_is_gone_without_having_been_destroyed_is_told_and_not_passed_over()
    {
        var partition = await OpenAsync();
        await partition.AcceptAsync([Fever(Li, 1)]);
        var withoutKeys = new EvidenceStore(journal, new MemoryKeyStore(), snapshots, wrap);

        var damaged = await Assert.ThrowsAsync<JournalDamagedException>(() => new PersonPartition(7, withoutKeys).OpenAsync(fence: false, Evening, Cancellation));
        Assert.Contains("restore the keys", damaged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_than_may_wait_is_refused_at_once_and_what_waits_is_taken()
    {
        var slow = new HeldJournal(journal);
        var partition = new PersonPartition(7, new EvidenceStore(slow, keys, snapshots, wrap));
        await partition.OpenAsync(fence: false, Evening, Cancellation);
        var first = partition.AcceptAsync([Fever(Li, 1)]);
        var waiting = partition.AcceptAsync([.. Enumerable.Range(2, PersonPartition.PendingMax).Select(id => Negative(new(7, (ulong)id), 1))]);

        await Assert.ThrowsAsync<PartitionBusyException>(() => partition.AcceptAsync([Negative(new(7, 0), 1)]));
        slow.Release();
        Assert.Equal([Acceptance.Accepted], await first);
        Assert.All(await waiting, answer => Assert.Equal(Acceptance.Accepted, answer));
        Assert.Equal([Acceptance.Accepted], await partition.AcceptAsync([Negative(new(7, 0), 1)]));
    }

    [Fact]
    public async Task A_fact_that_comes_again_while_the_first_is_on_its_way_is_answered_when_that_is_durable()
    {
        var slow = new HeldJournal(journal);
        var partition = new PersonPartition(7, new EvidenceStore(slow, keys, snapshots, wrap));
        await partition.OpenAsync(fence: false, Evening, Cancellation);
        var first = partition.AcceptAsync([Fever(Li, 1)]);
        var second = partition.AcceptAsync([Fever(Li, 1), Negative(Li, 1)]);

        Assert.False(second.IsCompleted);
        slow.Release();
        Assert.Equal([Acceptance.Accepted], await first);
        Assert.Equal([Acceptance.Known, Acceptance.KeyReused], await second);
    }

    /// <summary>A journal whose appends wait until they are let go.</summary>
    private sealed class HeldJournal(IJournal inner) : IJournal
    {
        private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Release() => released.SetResult();

        public async ValueTask AppendAsync(string stream, long sequence, IReadOnlyList<NewBatch> batches, CancellationToken cancellation)
        {
            await released.Task;
            await inner.AppendAsync(stream, sequence, batches, cancellation);
        }

        public IAsyncEnumerable<JournalBatch> ReadStreamAsync(string stream, long fromSequence, CancellationToken cancellation) =>
            inner.ReadStreamAsync(stream, fromSequence, cancellation);

        public Task<IReadOnlyDictionary<string, JournalHead>> ReadHeadsAsync(CancellationToken cancellation) => inner.ReadHeadsAsync(cancellation);

        public Task<long> EraseAsync(Segment segment, CancellationToken cancellation) => inner.EraseAsync(segment, cancellation);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private EvidenceStore Store => new(journal, keys, snapshots, wrap);

    private async Task<PersonPartition> OpenAsync(bool fence = false)
    {
        var partition = new PersonPartition(7, Store);
        await partition.OpenAsync(fence, Evening, Cancellation);
        return partition;
    }

    private async Task<List<Evidence>> FactsAsync()
    {
        var facts = new List<Evidence>();
        await foreach (var batch in Store.ReadAsync(Stream, 0, Cancellation))
            facts.AddRange(batch.Facts);
        return facts;
    }

    private static void Same(PersonPartition expected, PersonPartition actual)
    {
        Assert.Equal(expected.NextSequence, actual.NextSequence);
        Assert.Equal(expected.Records.FactCount, actual.Records.FactCount);
        foreach (var person in (PersonId[])[Li, Wang])
        {
            var a = expected.Records.Find(person);
            var b = actual.Records.Find(person);
            Assert.Equal(a.Entries.ToArray(), b.Entries.ToArray());
            Assert.Equal(a.NegativeTests.ToArray(), b.NegativeTests.ToArray());
            Assert.Equal(a.Reports, b.Reports);
        }
    }

    private static byte[] IdOf(PersonId person)
    {
        var id = new byte[PersonId.Size];
        person.WriteTo(id);
        return id;
    }

    private static Declaration Fever(PersonId person, ulong id) => new()
    {
        Id = new(id), Person = person, Happened = Noon, Received = Noon, Source = Source.Resident, Symptoms = Symptoms.Fever,
    };

    private static Test Negative(PersonId person, ulong id) => new()
    {
        Id = new(id), Person = person, Happened = Noon, Received = Noon, Source = Source.Laboratory, Result = TestResult.Negative, Institution = "CDC",
    };

    private static Stay Home(PersonId person, ulong id) => new()
    {
        Id = new(id), Person = person, Happened = Noon, Received = Noon, Source = Source.Resident, Area = new(990101), Until = Minute.Never,
    };

    private static Diagnosis Case(PersonId person, ulong id) => new()
    {
        Id = new(id), Person = person, Happened = Noon, Received = Noon, Source = Source.Hospital, Status = DiagnosisStatus.Suspected, Institution = "CDC",
    };
}
