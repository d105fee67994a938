using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>A person's key that is not destroyed.</summary>
/// <param name="Generation">0 for their first; one more after each deletion.</param>
public readonly record struct SealingKey(byte Generation, UInt128 Key)
{
    // A key in a log would outlive its destruction.
    public override string ToString() => $"key of generation {Generation}";
}

/// <summary>The keys of people: one seals all that is known of a person, and to destroy it deletes them.</summary>
public sealed class PersonKeyring(IKeyStore keys, KeyWrap wrap, int partitions)
{
    /// <returns>Null when the person has no key, or it was destroyed.</returns>
    public async Task<SealingKey?> FindAsync(PersonId person, CancellationToken cancellation)
    {
        var stored = await keys.FindAsync(JournalStreams.Of(person, partitions), [EvidenceStore.IdOf(person)], cancellation).ConfigureAwait(false);
        return stored.Count > 0 ? Unwrapped(stored[^1], wrap) : null;
    }

    /// <summary>Whether the person was deleted, and has not come again since.</summary>
    public async Task<bool> IsDestroyedAsync(PersonId person, CancellationToken cancellation) =>
        (await keys.FindAsync(JournalStreams.Of(person, partitions), [EvidenceStore.IdOf(person)], cancellation).ConfigureAwait(false)) is [.., { IsDestroyed: true }];

    /// <summary>The keys of all these people, made for those who have none.</summary>
    public async Task<Dictionary<PersonId, SealingKey>> EnsureAsync(IEnumerable<PersonId> people, CancellationToken cancellation)
    {
        var found = new Dictionary<PersonId, SealingKey>();
        foreach (var group in people.Distinct().GroupBy(person => JournalStreams.Of(person, partitions)))
        {
            foreach (var (person, key) in await EnsureAsync(keys, wrap, group.Key, [.. group], cancellation).ConfigureAwait(false))
                found.Add(person, key);
        }
        return found;
    }

    /// <param name="people">All of one stream, each once.</param>
    internal static async Task<Dictionary<PersonId, SealingKey>> EnsureAsync(
        IKeyStore keys, KeyWrap wrap, string stream, IReadOnlyList<PersonId> people, CancellationToken cancellation)
    {
        var found = new Dictionary<PersonId, SealingKey>(people.Count);
        var next = people.ToDictionary(person => person, _ => 0);
        foreach (var stored in await keys.FindAsync(stream, [.. people.Select(EvidenceStore.IdOf)], cancellation).ConfigureAwait(false))
        {
            var person = PersonId.FromBytes(stored.Id);
            // Somebody who was deleted comes again under a key of the next generation.
            next[person] = stored.Generation + 1;
            if (Unwrapped(stored, wrap) is { } key)
                found[person] = key;
        }
        var made = people.Where(person => !found.ContainsKey(person))
            .Select(person => new StoredKey(EvidenceStore.IdOf(person), next[person], wrap.Wrap(KeyWrap.NewKey()))).ToList();
        if (made.Count == 0)
            return found;
        // Another may have been first: what counts is what is there now.
        foreach (var stored in await keys.AddAsync(stream, made, cancellation).ConfigureAwait(false))
            found[PersonId.FromBytes(stored.Id)] = Unwrapped(stored, wrap)
                ?? throw new JournalUnavailableException("A person was deleted while a key was made for them.");
        return found;
    }

    private static SealingKey? Unwrapped(StoredKey stored, KeyWrap wrap) => stored.Wrapped is null ? null
        : new(checked((byte)stored.Generation), PersonKeys.KeyOf(wrap.Unwrap(stored.Wrapped)));
}
