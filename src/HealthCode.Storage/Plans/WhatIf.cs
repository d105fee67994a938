using HealthCode.Domain;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Storage;

/// <summary>What is asked: how the draft would decide, against what was in force, with all that was known at a moment.</summary>
public sealed record WhatIfQuestion(Policy InForce, Policy Draft, Minute At);

public readonly record struct WhatIfProgress(int PartitionsDone, int Partitions, long People);

/// <summary>Tries a draft on the whole population, read from the journal: beside the partitions, and without a word to them.</summary>
/// <remarks>
/// One partition after the other is folded, counted and forgotten, so that it needs the memory of one. What came after
/// the moment is left out, of people and of areas alike: it is the population as it was known then. Who lives in which
/// decade of age comes from the back office, which keeps that much in the clear; no profile is opened.
/// </remarks>
public sealed class WhatIf(EvidenceStore store, IDbContextFactory<BackOfficeContext> backOffice, int partitions, TimeProvider time)
{
    /// <summary>How long it rests after each partition, as a share of the time that it took.</summary>
    public double RestShare { get; init; }

    /// <summary>The last minute of a day, and not one that is still to come.</summary>
    public static Minute MomentOf(Day day, Minute now) => Minute.Earlier(new Minute(day.Plus(1).Start.Value - 1), now);

    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<WhatIfOutcome> RunAsync(WhatIfQuestion question, IProgress<WhatIfProgress>? progress, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var (risks, _) = await AreaRiskJournal.LoadAsync(store.Journal, cancellation).ConfigureAwait(false);
        var areas = risks.AsKnownAt(question.At);
        var tally = new WhatIfTally(question, areas, await PersonVault.BirthDecadesAsync(backOffice, cancellation).ConfigureAwait(false));
        for (var partition = 0; partition < partitions; partition++)
        {
            var begun = time.GetTimestamp();
            foreach (var record in await RecordsAsync(partition, question.At, cancellation).ConfigureAwait(false))
            {
                cancellation.ThrowIfCancellationRequested();
                tally.Count(record);
            }
            progress?.Report(new(partition + 1, partitions, tally.People));
            await Task.Delay(time.GetElapsedTime(begun) * RestShare, time, cancellation).ConfigureAwait(false);
        }
        return tally.Outcome(time.GetElapsedTime(started));
    }

    private async Task<IEnumerable<PersonRecord>> RecordsAsync(int partition, Minute at, CancellationToken cancellation)
    {
        var evidence = new Dictionary<PersonId, List<Evidence>>();
        await foreach (var batch in store.ReadAsync(JournalStreams.Of(partition), 0, cancellation).ConfigureAwait(false))
        {
            foreach (var fact in batch.Facts.Where(fact => fact.Received <= at))
            {
                if (!evidence.TryGetValue(fact.Person, out var known))
                    evidence.Add(fact.Person, known = []);
                known.Add(fact);
            }
        }
        return evidence.Select(person => RecordOf(person.Key, person.Value));
    }

    private static PersonRecord RecordOf(PersonId person, List<Evidence> evidence)
    {
        var record = new PersonRecord(person);
        record.FoldMany(evidence);
        return record;
    }
}
