using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Load;

/// <summary>A row of evidence as an ordinary database would keep it: one column a field, codes as numbers.</summary>
internal readonly record struct EvidenceRow(
    long Id, byte[] Person, short Kind, short Source, long Place, int Happened, int Received, int Until, long Value);

/// <summary>A morning's evidence of a region, from a seed; nobody of them exists.</summary>
/// <remarks>
/// Of a hundred pieces 60 are scans at places, 20 stays seen by a telecom operator, 10 health reports, 8 test results and 2 journeys. Each
/// partition's come in batches of 4,096.
/// </remarks>
internal sealed class BulkEvidence
{
    public const int BatchSize = 4_096;

    private static readonly Minute Morning = Minute.Of(new DateTimeOffset(2022, 7, 20, 8, 30, 0, TimeSpan.FromHours(8)));

    private readonly Random random = new(20220720);

    /// <summary>One batch's facts as a partition has them before it seals them, and as rows.</summary>
    public (EvidenceSeal.Sealing[] Facts, EvidenceRow[] Rows) Next()
    {
        var facts = new EvidenceSeal.Sealing[BatchSize];
        var rows = new EvidenceRow[BatchSize];
        for (var index = 0; index < BatchSize; index++)
        {
            var evidence = NextOne();
            facts[index] = new(
                new SealedFact(evidence.Person, evidence.Id, 0, EvidenceCodec.EncodeFact(evidence)), new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64()));
            rows[index] = RowOf(evidence);
        }
        return (facts, rows);
    }

    public static Segment Segment { get; } = Segment.Of(RetentionClass.Short, Morning);

    private Evidence NextOne()
    {
        var person = new PersonId((ulong)random.NextInt64(), (ulong)random.NextInt64());
        var id = new EvidenceId((ulong)random.NextInt64());
        var happened = new Minute(Morning.Value - random.Next(Minute.PerDay));
        return random.Next(100) switch
        {
            < 60 => new Visit
            {
                Id = id, Person = person, Happened = happened, Received = Morning, Source = Source.Checkpoint, Place = $"p{random.Next(2_000_000):D7}",
                Area = Area(), TemperatureTenths = (short)random.Next(360, 370),
            },
            < 80 => new Stay
            {
                Id = id, Person = person, Happened = happened, Received = Morning, Source = Source.Telecom, Area = Area(),
                Until = new(happened.Value + random.Next(30, 600)), Confidence = (byte)random.Next(30, 95),
            },
            < 90 => new Declaration { Id = id, Person = person, Happened = happened, Received = Morning, Source = Source.Resident, TemperatureTenths = (short)random.Next(360, 370) },
            < 98 => new Test
            {
                Id = id, Person = person, Happened = happened, Received = Morning, Source = Source.Laboratory, Result = TestResult.Negative,
                Institution = $"lab-{random.Next(400)}",
            },
            _ => new Journey
            {
                Id = id, Person = person, Happened = happened, Received = Morning, Source = Source.Railway, Mode = JourneyMode.Train, Number = $"G{random.Next(9_999)}",
                From = Area(), To = Area(), Until = new(happened.Value + random.Next(40, 600)),
            },
        };
    }

    private AreaCode Area() => new(330_101_000_000 + (random.Next(600) * 1_000_000L) + (random.Next(1, 11) * 1_000) + random.Next(1, 16));

    // Texts as numbers of a table that is not counted: the other side has the lighter rows.
    private static EvidenceRow RowOf(Evidence evidence)
    {
        var (place, until, value) = evidence switch
        {
            Visit visit => (long.Parse(visit.Place.AsSpan(1), null), 0, visit.Area.Value),
            Stay stay => (stay.Area.Value, stay.Until.Value, (long)stay.Confidence),
            Journey journey => (journey.From.Value, journey.Until.Value, journey.To.Value),
            Test test => (long.Parse(test.Institution.AsSpan(4), null), 0, (long)test.Result),
            Declaration declaration => (0, 0, declaration.TemperatureTenths),
            _ => default,
        };
        var person = new byte[PersonId.Size];
        evidence.Person.WriteTo(person);
        return new((long)evidence.Id.Value, person, (short)evidence.Kind, (short)evidence.Source, place,
            evidence.Happened.Value, evidence.Received.Value, until, value);
    }
}
