using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>The batches of a stream that were asked for last, opened: a feed that is sent again asks for the same ones in a row.</summary>
internal sealed class RecentBatches(EvidenceStore store, string stream, EvidenceStore.FindKey keyOf)
{
    private const int Kept = 8;

    private readonly List<(long Sequence, IReadOnlyDictionary<(PersonId, EvidenceId), Evidence> Facts)> recent = new(Kept);

    /// <summary>Whether a fact whose id is known says what the known one says.</summary>
    public async Task<Acceptance> CompareAsync(Evidence fact, long sequence)
    {
        var facts = await FactsOfAsync(sequence, CancellationToken.None);
        return !facts.TryGetValue((fact.Person, fact.Id), out var known) || known.SameFactAs(fact) ? Acceptance.Known : Acceptance.KeyReused;
    }

    public async Task<IEnumerable<Evidence>> ReadAsync(long sequence, CancellationToken cancellation) =>
        (await FactsOfAsync(sequence, cancellation)).Values;

    public void Clear() => recent.Clear();

    private async Task<IReadOnlyDictionary<(PersonId, EvidenceId), Evidence>> FactsOfAsync(long sequence, CancellationToken cancellation)
    {
        var found = recent.FindIndex(batch => batch.Sequence == sequence);
        if (found >= 0)
            return recent[found].Facts;
        var facts = new Dictionary<(PersonId, EvidenceId), Evidence>();
        foreach (var evidence in (await store.ReadOneAsync(stream, sequence, keyOf, cancellation)).Facts)
            facts[(evidence.Person, evidence.Id)] = evidence;
        if (recent.Count == Kept)
            recent.RemoveAt(0);
        recent.Add((sequence, facts));
        return facts;
    }
}
