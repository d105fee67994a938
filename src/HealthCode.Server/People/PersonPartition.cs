using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Server.People;

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

/// <summary>The records of some thousands of people, and the only writer of their stream.</summary>
/// <remarks>
/// Durable first, resident second: the partition never knows anything the journal could not give back. One turn at a
/// time enters it (the grain sees to that), but turns interleave where they wait for the journal. What comes in
/// during an append waits in <see cref="pending"/> and goes out together as the next batch, so a partition has never
/// more than one append under way and its sequence needs no lock.
/// </remarks>
public sealed class PersonPartition(int number, IJournal journal)
{
    private readonly string stream = JournalStreams.Of(number);

    /// <summary>Evidence in one batch at most; a batch is one row of the journal.</summary>
    private const int BatchSizeMax = 4_096;

    private readonly Dictionary<PersonId, PersonRecord> records = [];
    private readonly Dictionary<(PersonId, EvidenceId), Pending> pendingById = [];
    private List<Pending> pending = [];
    private long sequence;
    private bool appending;

    private sealed record Pending(Evidence Evidence, TaskCompletionSource<Acceptance> Done);

    /// <summary>Another writer owns the stream now. This one must step down; it can acknowledge nothing any more.</summary>
    public bool IsStale { get; private set; }

    public int People => records.Count;

    /// <summary>Folds all that the journal has of this partition. Call once, before anything else.</summary>
    public async Task ReplayAsync(CancellationToken cancellation)
    {
        await foreach (var batch in journal.ReadStreamAsync(stream, 0, cancellation))
        {
            foreach (var evidence in EvidenceCodec.Decode(batch))
                RecordOf(evidence.Person).Fold(evidence);
            sequence = batch.Sequence + 1;
        }
    }

    /// <summary>The person's record; null when nothing is known of them.</summary>
    public PersonRecord? Find(PersonId person) => records.GetValueOrDefault(person);

    /// <summary>Returns when the fact is durable and shows in every later decision.</summary>
    /// <exception cref="StaleWriterException">Another node owns the partition; nothing was acknowledged.</exception>
    /// <exception cref="JournalUnavailableException">The fact may not be durable; the caller may send it again.</exception>
    public Task<Acceptance> AcceptAsync(Evidence evidence)
    {
        if (Find(evidence.Person)?.Find(evidence.Id) is { } known)
            return Task.FromResult(known.SameFactAs(evidence) ? Acceptance.Known : Acceptance.KeyReused);

        // The first of two at once is still on its way to the disk: the second is answered when that is there.
        if (pendingById.TryGetValue((evidence.Person, evidence.Id), out var first))
            return AnswerAfterAsync(first, evidence);

        var entry = new Pending(evidence, new(TaskCreationOptions.RunContinuationsAsynchronously));
        pending.Add(entry);
        pendingById.Add((evidence.Person, evidence.Id), entry);
        if (!appending)
            _ = AppendPendingAsync();
        return entry.Done.Task;
    }

    private static async Task<Acceptance> AnswerAfterAsync(Pending first, Evidence evidence)
    {
        await first.Done.Task;
        return first.Evidence.SameFactAs(evidence) ? Acceptance.Known : Acceptance.KeyReused;
    }

    private async Task AppendPendingAsync()
    {
        appending = true;
        while (pending.Count > 0)
        {
            var batch = TakeBatch();
            try
            {
                await journal.AppendAsync(
                    stream, sequence, EvidenceCodec.Encode(batch.ConvertAll(entry => entry.Evidence)), CancellationToken.None);
                sequence++;
                Acknowledge(batch);
            }
            catch (Exception failure)
            {
                IsStale |= failure is StaleWriterException;
                Fail(batch, failure);
            }
        }
        appending = false;
    }

    private List<Pending> TakeBatch()
    {
        var batch = pending.Count <= BatchSizeMax ? pending : pending.GetRange(0, BatchSizeMax);
        pending = pending.Count <= BatchSizeMax ? [] : pending.GetRange(BatchSizeMax, pending.Count - BatchSizeMax);
        return batch;
    }

    private void Acknowledge(List<Pending> batch)
    {
        foreach (var entry in batch)
        {
            RecordOf(entry.Evidence.Person).Fold(entry.Evidence);
            pendingById.Remove((entry.Evidence.Person, entry.Evidence.Id));
            entry.Done.SetResult(Acceptance.Accepted);
        }
    }

    private void Fail(List<Pending> batch, Exception failure)
    {
        foreach (var entry in batch)
        {
            pendingById.Remove((entry.Evidence.Person, entry.Evidence.Id));
            entry.Done.SetException(failure);
        }
    }

    private PersonRecord RecordOf(PersonId person)
    {
        if (!records.TryGetValue(person, out var record))
            records.Add(person, record = new PersonRecord(person));
        return record;
    }
}
