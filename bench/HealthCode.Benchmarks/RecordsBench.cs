using System.Diagnostics;
using System.Text.Json;
using HealthCode.Domain;

namespace HealthCode.Benchmarks;

/// <summary>What a partition keeps of its people: bytes each, facts taken in, a snapshot written and read.</summary>
/// <remarks>
/// Reading a snapshot is held against a bare copy of the same bytes into new arrays. Both sides do so on one thread, and
/// times are of processor time. The people are those of <see cref="Population"/>, as evidence, in the order of its moments.
/// </remarks>
internal static class RecordsBench
{
    private const int Rounds = 5;

    /// <summary>So many people of ten million are in one of 256 partitions.</summary>
    private const int PerTable = 39_063;

    public static void Run()
    {
        var facts = new List<(Evidence Fact, byte[] Encoded)>();
        var population = new Population();
        for (var person = 0; person < PerTable; person++)
            facts.AddRange(PopulationEvidence.Of(new PersonId((ulong)person * 0x9E37_79B9_7F4A_7C15, (ulong)person * 0xD1B5_4A32_D192_ED03), population.Of(person)));
        facts.Sort((a, b) => a.Fact.Received.CompareTo(b.Fact.Received));
        Console.WriteLine($"{facts.Count:N0} facts of {PerTable:N0} people");

        RecordTable table = null!;
        var folding = Best(() => table = Fold(facts));
        var inPlace = facts.Where(fact => fact.Fact is Declaration { Symptoms: Symptoms.None, TemperatureTenths: 0 }).ToList();
        var visits = Enumerable.Range(0, inPlace.Count).Select(number => ((Evidence)new Visit
        {
            Id = new((ulong)number + 1_000_000), Person = inPlace[number].Fact.Person, Happened = inPlace[number].Fact.Happened,
            Received = inPlace[number].Fact.Received, Source = Source.Checkpoint, Place = "", Area = default,
        }, Array.Empty<byte>())).ToList();
        var resident = table.Bytes;
        var visiting = Best(() => FoldAll(Fold(facts), visits)) - folding;

        IReadOnlyList<ReadOnlyMemory<byte>> parts = [];
        var writing = Best(() => parts = table.WriteParts());
        var megabytes = parts.Sum(part => (long)part.Length) / 1e6;
        RecordTable read = null!;
        var reading = Best(() => read = RecordTable.ReadFrom(parts));
        var copying = Best(() => Copy(parts));
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            bench = "records", ratio = Round(reading / copying), unit = "x a copy of the snapshot's bytes, processor time",
            detail = new
            {
                people = PerTable, factsPerPerson = Round(facts.Count / (double)PerTable),
                bytesPerPersonFolded = Round(resident / (double)PerTable), bytesPerPersonRead = Round(read.Bytes / (double)PerTable),
                bytesPerPersonSnapshot = Round(megabytes * 1e6 / PerTable), foldsPerSecond = Math.Round(facts.Count / folding),
                visitsPerSecond = Math.Round(visits.Count / visiting), writeMegabytesPerSecond = Math.Round(megabytes / writing),
                readMegabytesPerSecond = Math.Round(megabytes / reading), copyMegabytesPerSecond = Math.Round(megabytes / copying),
                processorSecondsToRead10Million = Round(reading * 10_000_000 / PerTable),
            },
        }));
    }

    private static RecordTable Fold(List<(Evidence Fact, byte[] Encoded)> facts)
    {
        var table = new RecordTable();
        FoldAll(table, facts);
        return table;
    }

    private static void FoldAll(RecordTable table, List<(Evidence Fact, byte[] Encoded)> facts)
    {
        var sequence = 0;
        foreach (var (fact, encoded) in facts)
        {
            if (!table.Fold(fact, sequence++ / 100, encoded))
                throw new InvalidOperationException("A fact was there already.");
        }
    }

    private static void Copy(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        foreach (var part in parts)
            part.Span.CopyTo(GC.AllocateUninitializedArray<byte>(part.Length));
    }

    /// <summary>Seconds of processor time of the best round.</summary>
    private static double Best(Action work)
    {
        work();
        var best = double.MaxValue;
        using var self = Process.GetCurrentProcess();
        for (var round = 0; round < Rounds; round++)
        {
            GC.Collect();
            self.Refresh();
            var before = self.TotalProcessorTime;
            work();
            self.Refresh();
            best = Math.Min(best, (self.TotalProcessorTime - before).TotalSeconds);
        }
        return best;
    }

    private static double Round(double value) => Math.Round(value, 2);
}
