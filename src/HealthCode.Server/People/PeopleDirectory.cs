using System.Diagnostics;
using HealthCode.Domain;
using HealthCode.Server.Hosting;
using HealthCode.Server.Security;
using HealthCode.Storage;
using HealthCode.Tokens;
using Microsoft.Extensions.Caching.Memory;
using Orleans.Concurrency;

namespace HealthCode.Server.People;

/// <summary>From a person to the partition that keeps them: the one way by which features reach people.</summary>
internal sealed class PeopleDirectory(
    IGrainFactory grains, RegionOptions region, KeyRing keys, PersonVault vault, IMemoryCache cache, TimeProvider time)
{
    private static readonly TimeSpan NameKept = TimeSpan.FromMinutes(10);

    /// <summary>How long a display waits for a name, and how long none is asked for after that was in vain.</summary>
    private static readonly TimeSpan NameWaitMax = TimeSpan.FromSeconds(1);

    private const string Nameless = "*";

    private long askAgainAt;

    private readonly byte[] secret = keys.Secret("person-id");
    private readonly IPersonPartitionGrain?[] partitions = new IPersonPartitionGrain?[region.Partitions];

    public PersonId PersonOf(IdentityDocument document) => document.PersonIn(secret);

    public async Task<ShownCode> ShowAsync(PersonId person)
    {
        var began = Stopwatch.GetTimestamp();
        var shown = await Patience.TryAsync(time, () => PartitionOf(person).Show(PersonKey.Of(person)));
        Instruments.DisplayDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds);
        return shown;
    }

    public Task<Decided> DecideAsync(PersonId person) =>
        Patience.TryAsync(time, () => PartitionOf(person).Decide(PersonKey.Of(person)));

    public Task<ReadPerson> ReadAsync(PersonId person) =>
        Patience.TryAsync(time, () => PartitionOf(person).Read(PersonKey.Of(person)));

    /// <summary>All that is kept of a person, folded anew.</summary>
    public async Task<PersonRecord> RecordAsync(PersonId person)
    {
        var record = new PersonRecord(person);
        foreach (var evidence in EvidenceCodec.Decode((await ReadAsync(person)).Evidence))
            record.Fold(evidence);
        return record;
    }

    /// <summary>Deletes a person: nothing that was ever said of them can be read afterwards, in no copy.</summary>
    public Task<bool> DeleteAsync(PersonId person) => PartitionOf(person).Delete(PersonKey.Of(person));

    /// <returns>False when something holds the person, and nothing was destroyed.</returns>
    public Task<bool> TryDeleteAsync(PersonId person) =>
        Patience.TryAsync(time, () => PartitionOf(person).DeleteUnlessHeld(PersonKey.Of(person)));

    /// <summary>Lets go of what is remembered here of somebody who was deleted.</summary>
    public void Forget(PersonId person) => cache.Remove(person);

    /// <summary>Returns when durable.</summary>
    public async Task<Acceptance> AcceptAsync(Evidence evidence) => (await AcceptAsync(
        evidence.Person.PartitionOf(region.Partitions), EvidenceCodec.Encode([evidence])))[0];

    /// <summary>Returns, in their order, when all are durable; they may be of different people.</summary>
    public async Task<Acceptance[]> AcceptAsync(IEnumerable<Evidence> evidence)
    {
        var facts = evidence.ToList();
        var answers = new Acceptance[facts.Count];
        await Task.WhenAll(Enumerable.Range(0, facts.Count)
            .GroupBy(index => facts[index].Person.PartitionOf(region.Partitions))
            .Select(async group =>
            {
                int[] indices = [.. group];
                var batch = EvidenceCodec.Encode([.. indices.Select(index => facts[index])]);
                var taken = await AcceptAsync(group.Key, batch);
                for (var at = 0; at < taken.Length; at++)
                    answers[indices[at]] = taken[at];
            }));
        return answers;
    }

    private Task<Acceptance[]> AcceptAsync(int partition, byte[] batch) =>
        Patience.TryAsync(time, () => Partition(partition).Accept(batch.AsImmutable()));

    /// <summary>The masked name, as a guard sees it; null for a person who has not applied.</summary>
    public async ValueTask<string?> MaskedNameAsync(PersonId person, CancellationToken cancellation)
    {
        if (cache.TryGetValue(person, out string? masked))
            return masked;
        var profile = await vault.GetAsync(person, cancellation);
        masked = profile is not null && PersonName.TryParse(profile.Name, out var name, out _) ? name.Masked : null;
        if (masked is not null)
            cache.Set(person, masked, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = NameKept });
        return masked;
    }

    /// <summary>
    /// The masked name for a code that is shown or checked; <c>*</c> when it is not known, also because the store does not
    /// answer soon: a code without a name is better than none.
    /// </summary>
    public async ValueTask<string> ShownNameAsync(PersonId person, CancellationToken cancellation) =>
        (await AskSoonAsync(person, cancellation)).Name ?? Nameless;

    /// <summary>Whether the vault says that it does not know the person: they were deleted. A store that does not answer says nothing.</summary>
    public async ValueTask<bool> IsGoneAsync(PersonId person, CancellationToken cancellation) =>
        await AskSoonAsync(person, cancellation) is (true, null);

    private async ValueTask<(bool IsAnswered, string? Name)> AskSoonAsync(PersonId person, CancellationToken cancellation)
    {
        if (cache.TryGetValue(person, out string? known))
            return (true, known);
        // While the store is away, one display after the other would wait for it, and take connections from what brings it back.
        if (time.GetTimestamp() < Volatile.Read(ref askAgainAt))
            return (false, null);
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        soon.CancelAfter(NameWaitMax);
        try
        {
            return (true, await MaskedNameAsync(person, soon.Token).AsTask().WaitAsync(soon.Token));
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested && (failure is OperationCanceledException || Outage.Is(failure)))
        {
            Volatile.Write(ref askAgainAt, time.GetTimestamp() + (long)(time.TimestampFrequency * NameWaitMax.TotalSeconds));
            return (false, null);
        }
    }

    private IPersonPartitionGrain PartitionOf(PersonId person) => Partition(person.PartitionOf(region.Partitions));

    // Orleans works a reference out anew each time, from the names of types: a twentieth of what a display costs.
    private IPersonPartitionGrain Partition(int number) => partitions[number] ??= grains.GetGrain<IPersonPartitionGrain>(number);
}
