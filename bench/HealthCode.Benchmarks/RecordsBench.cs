using System.Diagnostics;
using System.Text.Json;
using HealthCode.Domain;
using HealthCode.Storage;

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
            AddFacts(facts, new PersonId((ulong)person * 0x9E37_79B9_7F4A_7C15, (ulong)person * 0xD1B5_4A32_D192_ED03), population.Of(person));
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

    private static void AddFacts(List<(Evidence, byte[])> facts, PersonId person, RecordFacts record)
    {
        var id = 1UL;
        void Add(Evidence fact) => facts.Add((fact, EvidenceCodec.Encode([fact])));
        EvidenceId Next() => new(id++ * 0x9E37_79B9_7F4A_7C15);
        for (var back = 0; back < ReportDays.Kept; back++)
        {
            if ((record.Reports.Normal & (1UL << back)) == 0)
                continue;
            var at = new Minute(record.Reports.Last.Plus(-back).Start.Value + 400);
            Add(new Declaration { Id = Next(), Person = person, Happened = at, Received = at, Source = Source.Resident });
        }
        foreach (var at in record.NegativeTests)
            Add(new Test { Id = Next(), Person = person, Happened = at, Received = at, Source = Source.Laboratory, Result = TestResult.Negative, Institution = "Centre 3" });
        for (var index = 0; index < record.Entries.Length; index++)
        {
            var entry = record.Entries[index];
            if (FactOf(entry, index + 1 < record.Entries.Length ? record.Entries[index + 1] : default, Next, person) is { } fact)
                Add(fact);
        }
    }

    private static Evidence? FactOf(RecordEntry entry, RecordEntry next, Func<EvidenceId> id, PersonId person)
    {
        var at = entry.Start;
        return entry.Kind switch
        {
            EvidenceKind.Declaration => new Declaration
            {
                Id = id(), Person = person, Happened = at, Received = at, Source = entry.Source, Symptoms = entry.Symptoms,
                TemperatureTenths = (short)entry.TemperatureTenths,
            },
            EvidenceKind.Stay => new Stay
            {
                Id = id(), Person = person, Happened = at, Received = at, Source = entry.Source, Area = entry.Area, Until = entry.Until, Confidence = entry.Confidence,
            },
            EvidenceKind.Journey => entry.Detail == RecordEntry.JourneyTo ? null : new Journey
            {
                Id = id(), Person = person, Happened = at, Received = at, Source = entry.Source, Mode = JourneyMode.Train, Number = "G1234", Carriage = "5",
                Seat = "12A", From = entry.Area, To = next.Area, Until = entry.Until,
            },
            EvidenceKind.Vaccination => new Vaccination
            {
                Id = id(), Person = person, Happened = at, Received = at, Source = entry.Source, Dose = entry.Detail, Vaccine = "inactivated",
            },
            EvidenceKind.Test => new Test
            {
                Id = id(), Person = person, Happened = at, Received = at, Source = entry.Source, Result = (TestResult)entry.Detail, Institution = "Centre 3",
            },
            EvidenceKind.Contact => new Contact
            {
                Id = id(), Person = person, Happened = at, Received = at, Source = entry.Source, Degree = (ContactKind)entry.Detail, Circumstance = "the same table",
            },
            EvidenceKind.Order => new Order
            {
                Id = id(), Person = person, Happened = at, Received = at, Source = entry.Source, Ordered = (OrderKind)entry.Detail, Institution = "Centre", Basis = "Article 39",
            },
            EvidenceKind.Release => new Release
            {
                Id = id(), Person = person, Happened = at, Received = at, Source = entry.Source, Released = (OrderKind)entry.Detail, Institution = "Centre",
            },
            EvidenceKind.Diagnosis => new Diagnosis
            {
                Id = id(), Person = person, Happened = at, Received = at, Source = entry.Source, Status = (DiagnosisStatus)entry.Detail, Institution = "Hospital 1",
            },
            _ => new Arrival { Id = id(), Person = person, Happened = at, Received = at, Source = entry.Source, Country = "FRA", Port = new(310115000000) },
        };
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
