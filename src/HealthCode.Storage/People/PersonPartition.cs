using System.Diagnostics;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>How a fact was taken in.</summary>
public enum Acceptance : byte
{
    /// <summary>Durable and folded.</summary>
    Accepted = 1,

    /// <summary>It was there already: a retry. Nothing was written.</summary>
    Known = 2,

    /// <summary>Another fact of this person has this id. Nothing was written.</summary>
    KeyReused = 3,
}

/// <summary>So much waits already that a further fact would wait too long. Nothing was written; send it again later.</summary>
public sealed class PartitionBusyException() : Exception("The partition has as much waiting as it may.");

/// <summary>The records of some thousands of people, and the only writer of their stream.</summary>
/// <remarks>
/// Durable first, resident second: the partition never knows anything the journal could not give back. One turn at a
/// time enters it (the grain sees to that), but turns interleave where they wait for a store. What comes in during an
/// append waits in <see cref="pending"/> and goes out together as the next, so a partition has never more than one append
/// under way and its sequence needs no lock.
///
/// <code>
///   accept ─► known already? ─► pending ─┐                             ┌─► fold ─► answer
///                                        ├─► keys ─► seal ─► journal ──┤
///   delete ─────────────► deletions ─────┘   (new people)              └─► stale: step down
/// </code>
/// </remarks>
public sealed class PersonPartition(int number, EvidenceStore store)
{
    /// <summary>Facts that may wait, at most: some seconds of work.</summary>
    public const int PendingMax = 50_000;

    /// <summary>Facts in one append, at most.</summary>
    private const int AppendSizeMax = 4_096;

    private readonly string stream = JournalStreams.Of(number);
    private readonly Dictionary<(PersonId, EvidenceId), Pending> underway = [];
    private readonly Queue<Deletion> deletions = new();
    private RecentBatches recent = null!;
    private PartitionState state = new();
    private List<Pending> pending = [];
    private bool working;

    /// <summary>A fact on its way to the disk, and who is told.</summary>
    private sealed record Pending(Evidence Evidence, Submission Submission, int Index)
    {
        /// <summary>Those who sent it again meanwhile.</summary>
        public List<(Evidence Evidence, Submission Submission, int Index)>? Followers { get; set; }

        public byte[] Body { get; } = EvidenceCodec.EncodeFact(Evidence);
    }

    /// <summary>Facts that came together and are answered together.</summary>
    private sealed class Submission(int count)
    {
        /// <summary>What asked for it: the append is traced as a part of the first that it serves.</summary>
        public ActivityContext Asked { get; } = Activity.Current?.Context ?? default;

        private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int left = count;

        public Acceptance[] Answers { get; } = new Acceptance[count];

        public Task Done => done.Task;

        public void Answer(int index, Acceptance answer)
        {
            Answers[index] = answer;
            if (--left == 0)
                done.TrySetResult();
        }

        public void Fail(Exception failure) => done.TrySetException(failure);
    }

    private sealed record Deletion(PersonId Person, DateTimeOffset At, TaskCompletionSource<bool> Done);

    /// <summary>Another writer owns the stream now. This one must step down; it can acknowledge nothing any more.</summary>
    public bool IsStale { get; private set; }

    public RecordTable Records => state.Records;

    /// <summary>The sequence that the next batch will have.</summary>
    public long NextSequence => state.NextSequence;

    /// <summary>Facts that wait to be written.</summary>
    public int PendingCount => pending.Count;

    /// <summary>Batches that a start would have to read after the snapshot.</summary>
    public long SinceSnapshot => state.NextSequence - snapshotSequence;

    /// <summary>Why the snapshot was not used at the opening; null when it was, or when there is none.</summary>
    public string? SnapshotProblem { get; private set; }

    private long snapshotSequence;

    // Until the snapshot is written anew, whatever fails on the way.
    private bool snapshotHoldsMore;

    /// <summary>Takes up the snapshot, and folds what the journal has since. Call once, before anything else.</summary>
    /// <param name="fence">Whether another owner may still be writing: then nothing of theirs can follow what was read.</param>
    /// <exception cref="JournalDamagedException">The journal is not what was written.</exception>
    /// <exception cref="JournalUnavailableException">The store does not answer.</exception>
    public async Task OpenAsync(bool fence, DateTimeOffset now, CancellationToken cancellation)
    {
        (state, SnapshotProblem) = await PartitionSnapshot.ReadAsync(store, stream, cancellation);
        recent = new RecentBatches(store, stream, state.FindKey);
        snapshotSequence = state.NextSequence;
        if (SnapshotProblem is not null || snapshotSequence > 0)
            Instruments.Snapshots.Add(1, new KeyValuePair<string, object?>("outcome", SnapshotProblem is null ? "used" : "not-used"));
        await CatchUpAsync(cancellation);
        await FenceAsync(fence, cancellation);
        await DestroyAsync(now);
    }

    private async Task FenceAsync(bool fence, CancellationToken cancellation)
    {
        while (fence)
        {
            try
            {
                await store.Journal.AppendAsync(stream, state.NextSequence, EvidenceSeal.Fence, cancellation);
                state.Skip(Segment.Permanent);
                return;
            }
            catch (StaleWriterException)
            {
                // The former owner was quicker once more.
                await CatchUpAsync(cancellation);
            }
        }
    }

    /// <summary>Returns when all facts are durable and show in every later decision; the answers are in their order.</summary>
    /// <exception cref="PartitionBusyException">Too much waits; nothing of this was taken.</exception>
    /// <exception cref="StaleWriterException">Another node owns the partition; nothing was acknowledged.</exception>
    /// <exception cref="JournalUnavailableException">Some may be durable and others not; the caller may send all again.</exception>
    public async Task<Acceptance[]> AcceptAsync(IReadOnlyList<Evidence> facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (pending.Count > 0 && pending.Count + facts.Count > PendingMax)
            throw new PartitionBusyException();
        if (facts.Count == 0)
            return [];
        var submission = new Submission(facts.Count);
        List<(int Index, long Sequence)>? repeated = null;
        for (var index = 0; index < facts.Count; index++)
        {
            if (state.Records.Knows(facts[index].Person, facts[index].Id, out var sequence))
                (repeated ??= []).Add((index, sequence));
            else
                Enqueue(facts[index], submission, index);
        }
        Work();
        foreach (var (index, sequence) in repeated ?? [])
            submission.Answer(index, await recent.CompareAsync(facts[index], sequence));
        await submission.Done;
        for (var index = 0; index < facts.Count; index++)
            Instruments.CountEvidence(facts[index].Kind, submission.Answers[index]);
        return submission.Answers;
    }

    /// <summary>
    /// Deletes a person: their key is destroyed, and with it all that was ever said of them, in the journal and wherever it
    /// was copied. Returns when it is.
    /// </summary>
    /// <returns>False when nothing was known of them.</returns>
    /// <exception cref="JournalUnavailableException">The key may not be destroyed yet; ask again.</exception>
    public Task<bool> DeleteAsync(PersonId person, DateTimeOffset at)
    {
        var deletion = new Deletion(person, at, new(TaskCreationOptions.RunContinuationsAsynchronously));
        deletions.Enqueue(deletion);
        Work();
        return deletion.Done.Task;
    }

    /// <summary>All that is kept of a person, read from the journal; oldest batch first.</summary>
    /// <exception cref="JournalUnavailableException">The store does not answer.</exception>
    public async Task<IReadOnlyList<Evidence>> ReadAsync(PersonId person, CancellationToken cancellation)
    {
        var facts = new List<Evidence>();
        foreach (var sequence in state.Records.ReadSequences(person))
            facts.AddRange((await recent.ReadAsync(sequence, cancellation)).Where(fact => fact.Person == person));
        return facts;
    }

    /// <summary>Writes what is resident, so that the next start begins here.</summary>
    public async Task WriteSnapshotAsync(CancellationToken cancellation)
    {
        // What a deletion has not destroyed yet it destroys with the snapshot's key.
        if (state.ToDestroy.Count > 0)
            return;
        var sequence = state.NextSequence;
        // The state is copied in this turn; it may change while the copy is written.
        await PartitionSnapshot.WriteAsync(store, stream, state, cancellation);
        Instruments.Snapshots.Add(1, new KeyValuePair<string, object?>("outcome", "written"));
        snapshotSequence = Math.Max(snapshotSequence, sequence);
    }

    /// <summary>
    /// Forgets what the region keeps no longer, and the snapshot that holds it: its key is destroyed, so that no copy of it tells
    /// more than the region keeps.
    /// </summary>
    /// <returns>How many facts.</returns>
    /// <exception cref="JournalUnavailableException">The old snapshot may be there still; what is resident has forgotten.</exception>
    public async Task<int> ForgetAsync(Retention retention, DateTimeOffset now, CancellationToken cancellation)
    {
        var forgotten = state.Forget(retention, Minute.Of(now));
        snapshotHoldsMore |= forgotten > 0;
        if (snapshotHoldsMore)
        {
            if (await PartitionSnapshot.KeyAsync(store, stream, cancellation) is { } key)
            {
                await store.Keys.DestroyAsync(
                    [new KeyRange(EvidenceStore.SnapshotScope, PartitionSnapshot.IdOf(stream), key.Generation)], now.ToUnixTimeSeconds(), cancellation);
            }
            // It replaces none of a later batch, and one of the same is the old one, too.
            await store.Snapshots.DeleteAsync(stream, cancellation);
            await WriteSnapshotAsync(cancellation);
            snapshotHoldsMore = false;
        }
        return forgotten;
    }

    private async Task CatchUpAsync(CancellationToken cancellation)
    {
        var reader = new PartitionReader(store, stream, state);
        await foreach (var batch in store.Journal.ReadStreamAsync(stream, state.NextSequence, cancellation))
            await reader.TakeAsync(batch, cancellation);
    }

    private void Enqueue(Evidence fact, Submission submission, int index)
    {
        // The first of two at once is still on its way to the disk: the second is answered when that is there.
        if (underway.TryGetValue((fact.Person, fact.Id), out var first))
        {
            (first.Followers ??= []).Add((fact, submission, index));
            return;
        }
        var entry = new Pending(fact, submission, index);
        pending.Add(entry);
        Instruments.FactsWaiting.Add(1);
        underway.Add((fact.Person, fact.Id), entry);
    }

    private void Work()
    {
        if (!working)
            _ = WorkAsync();
    }

    private async Task WorkAsync()
    {
        working = true;
        while (deletions.Count > 0 || pending.Count > 0)
        {
            if (deletions.TryDequeue(out var deletion))
                await DeleteAsync(deletion);
            else
                await AppendAsync(TakePending());
        }
        working = false;
    }

    private List<Pending> TakePending()
    {
        var taken = pending.Count <= AppendSizeMax ? pending : pending.GetRange(0, AppendSizeMax);
        pending = pending.Count <= AppendSizeMax ? [] : pending.GetRange(AppendSizeMax, pending.Count - AppendSizeMax);
        return taken;
    }

    private async Task AppendAsync(List<Pending> facts)
    {
        using var trace = TraceAppend(facts);
        var began = Stopwatch.GetTimestamp();
        try
        {
            await MakeKeysAsync(facts);
            // A batch has one segment, so that it can be erased as a whole when its time is over.
            var groups = facts.GroupBy(fact => Retention.SegmentOf(fact.Evidence)).ToList();
            var batches = new List<NewBatch>(groups.Count);
            foreach (var group in groups)
                batches.Add(new NewBatch(group.Key, await SealAsync(group.Key, state.NextSequence + batches.Count, [.. group])));
            await store.Journal.AppendAsync(stream, state.NextSequence, batches, CancellationToken.None);
            Instruments.AppendDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds);
            Instruments.AppendFacts.Record(facts.Count);
            foreach (var group in groups)
                Acknowledge(group.Key, [.. group]);
        }
        catch (Exception failure)
        {
            IsStale |= failure is StaleWriterException;
            trace?.SetStatus(ActivityStatusCode.Error, failure.GetType().Name);
            Fail(facts, failure);
        }
        finally
        {
            Instruments.FactsWaiting.Add(-facts.Count);
        }
    }

    // One append serves many requests: it is a part of the first one's trace, and says with how many facts it went.
    private Activity? TraceAppend(List<Pending> facts) => Instruments.Traces.StartActivity(
        "journal append", ActivityKind.Internal, facts[0].Submission.Asked, [new("partition", number), new("facts", facts.Count)]);

    /// <summary>Gives a key to each person who has none yet: what is sealed must be openable as soon as it is durable.</summary>
    private async Task MakeKeysAsync(List<Pending> facts)
    {
        if (facts.Exists(fact => state.ToDestroy.ContainsKey(fact.Evidence.Person)))
            await DestroyAsync(facts[0].Evidence.Received.ToDateTimeOffset());
        var keyless = facts.Select(fact => fact.Evidence.Person).Where(person => !state.TryGetKey(person, out _)).Distinct().ToList();
        if (keyless.Count == 0)
            return;
        foreach (var (person, key) in await PersonKeyring.EnsureAsync(store.Keys, store.Wrap, stream, keyless, CancellationToken.None))
            state.SetKey(person, key.Generation, key.Key);
    }

    private async Task<byte[]> SealAsync(Segment segment, long sequence, List<Pending> facts)
    {
        var key = await store.SegmentKeyAsync(segment, CancellationToken.None);
        return EvidenceSeal.Seal(stream, sequence, segment, key, facts.ConvertAll(Sealing));

        EvidenceSeal.Sealing Sealing(Pending fact)
        {
            var (person, id) = (fact.Evidence.Person, fact.Evidence.Id);
            state.TryGetKey(person, out var personKey);
            return new(new SealedFact(person, id, state.GenerationOf(person), fact.Body), personKey);
        }
    }

    private void Acknowledge(Segment segment, List<Pending> facts)
    {
        foreach (var fact in facts)
            state.Records.Fold(fact.Evidence, state.NextSequence, fact.Body);
        state.Skip(segment);
        foreach (var fact in facts)
        {
            underway.Remove((fact.Evidence.Person, fact.Evidence.Id));
            fact.Submission.Answer(fact.Index, Acceptance.Accepted);
            foreach (var (evidence, submission, index) in fact.Followers ?? [])
                submission.Answer(index, fact.Evidence.SameFactAs(evidence) ? Acceptance.Known : Acceptance.KeyReused);
        }
    }

    private void Fail(List<Pending> facts, Exception failure)
    {
        foreach (var fact in facts)
        {
            underway.Remove((fact.Evidence.Person, fact.Evidence.Id));
            fact.Submission.Fail(failure);
            foreach (var (_, submission, _) in fact.Followers ?? [])
                submission.Fail(failure);
        }
    }

    private async Task DeleteAsync(Deletion deletion)
    {
        try
        {
            var isKnown = await RecordDeletionAsync(deletion.Person, deletion.At);
            await DestroyAsync(deletion.At);
            deletion.Done.SetResult(isKnown);
        }
        catch (Exception failure)
        {
            IsStale |= failure is StaleWriterException;
            deletion.Done.SetException(failure);
        }
    }

    // On the record first, under the stream's own fence: a key store cannot tell a destruction that comes late, or from a
    // former owner, from one that is meant now.
    private async Task<bool> RecordDeletionAsync(PersonId person, DateTimeOffset at)
    {
        var generations = await store.Keys.FindAsync(stream, [EvidenceStore.IdOf(person)], CancellationToken.None);
        var newest = generations.Count == 0 ? null : generations[^1];
        if (newest is null || (newest.IsDestroyed && !state.Records.Contains(person)))
            return false;
        var segment = Segment.Of(RetentionClass.Standing, Minute.Of(at));
        var generation = (byte)newest.Generation;
        var batch = EvidenceSeal.SealDeletion(
            stream, state.NextSequence, segment, await store.SegmentKeyAsync(segment, CancellationToken.None), person, generation);
        await store.Journal.AppendAsync(stream, state.NextSequence, [new NewBatch(segment, batch)], CancellationToken.None);
        state.Skip(segment);
        state.Remove(person);
        state.ToDestroy[person] = generation;
        recent.Clear();
        return true;
    }

    /// <summary>Destroys what deletions on the record have left to destroy, and the snapshot with it, which holds those people too.</summary>
    private async Task DestroyAsync(DateTimeOffset at)
    {
        if (state.ToDestroy.Count == 0)
            return;
        var people = state.ToDestroy.ToList();
        var snapshot = await PartitionSnapshot.KeyAsync(store, stream, CancellationToken.None);
        await store.Keys.DestroyAsync(
            [
                .. people.Select(person => new KeyRange(stream, EvidenceStore.IdOf(person.Key), person.Value)),
                new KeyRange(EvidenceStore.SnapshotScope, PartitionSnapshot.IdOf(stream), snapshot?.Generation ?? -1),
            ],
            at.ToUnixTimeSeconds(), CancellationToken.None);
        foreach (var (person, generation) in people)
        {
            if (state.ToDestroy.GetValueOrDefault(person) == generation)
                state.ToDestroy.Remove(person);
        }
        snapshotSequence = 0;
    }
}
