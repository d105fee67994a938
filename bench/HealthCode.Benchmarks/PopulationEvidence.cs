using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Benchmarks;

/// <summary>A record of <see cref="Population"/> as the evidence that it follows from.</summary>
internal static class PopulationEvidence
{
    /// <summary>The facts, each with its encoded body, by their kinds and not by their moments.</summary>
    public static List<(Evidence Fact, byte[] Encoded)> Of(PersonId person, RecordFacts record)
    {
        var facts = new List<(Evidence, byte[])>();
        var id = 1UL;
        void Add(Evidence fact) => facts.Add((fact, EvidenceCodec.EncodeFact(fact)));
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
        return facts;
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
}
