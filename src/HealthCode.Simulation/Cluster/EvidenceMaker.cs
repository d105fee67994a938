using HealthCode.Domain;

namespace HealthCode.Simulation;

/// <summary>Evidence of every kind about a few people, by chance: with corrections, answers, and late arrivals.</summary>
internal sealed class EvidenceMaker(Random random, IReadOnlyList<PersonId> people)
{
    private static readonly Minute Begin = Minute.Of(new DateTimeOffset(2020, 3, 1, 0, 0, 0, TimeSpan.Zero));

    private readonly List<Evidence> made = [];
    private ulong ids;

    /// <summary>One to four facts about people of one partition.</summary>
    public IReadOnlyList<Evidence> Some()
    {
        var first = people[random.Next(people.Count)];
        var facts = new List<Evidence> { One(first) };
        while (facts.Count < 4 && random.Next(3) == 0)
            facts.Add(One(first));
        made.AddRange(facts);
        return facts;
    }

    private Evidence One(PersonId person)
    {
        var id = new EvidenceId(++ids);
        var happened = Begin.Plus(TimeSpan.FromMinutes(random.Next(3 * Minute.PerDay)));
        var received = Minute.Later(happened, Begin.PlusDays(1));
        var area = new AreaCode(990101);
        return random.Next(15) switch
        {
            0 => new Stay { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Telecom, Area = area, Until = happened.PlusDays(1), Confidence = (byte)random.Next(1, 101) },
            1 => new Visit { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Checkpoint, Place = "market", Area = area },
            2 => new Diagnosis { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Hospital, Status = Any<DiagnosisStatus>(), Institution = "CDC" },
            3 or 4 when Earlier(person) is { } corrected => new Correction { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Epidemiologist, Corrects = corrected.Id, Reason = "mistaken" },
            5 => new Journey { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Railway, Mode = Any<JourneyMode>(), Number = "G1", From = area, To = area, Until = happened.PlusDays(1) },
            6 or 7 => new Test { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Laboratory, Result = Any<TestResult>(), Institution = "lab" },
            8 => new Vaccination { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Hospital, Dose = (byte)random.Next(1, 4), Vaccine = "v" },
            9 => new Contact { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Tracing, Degree = Any<ContactKind>(), Circumstance = "table" },
            10 => new Order { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Epidemiologist, Ordered = OrderKind.HomeIsolation, Institution = "CDC", Basis = "art. 39" },
            11 => new Release { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Epidemiologist, Released = Any<OrderKind>(), Institution = "CDC" },
            12 => new Domain.Arrival { Id = id, Person = person, Happened = happened, Received = received, Source = Source.BorderControl, Country = "FRA", Port = area },
            13 when Earlier(person) is { } asked => new Answer { Id = id, Person = person, Happened = happened, Received = received, Source = Source.Resident, Question = asked.Id, WasThere = random.Next(2) == 0 },
            14 => new Pass { Id = id, Person = person, Happened = happened, Received = received, Source = Source.CommunityWorker, Until = happened.PlusDays(1), Purpose = "clinic" },
            _ => new Declaration
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = Source.Resident,
                Symptoms = random.Next(3) == 0 ? Symptoms.Fever : Symptoms.None, Contact = Any<DeclaredContact>(),
            },
        };
    }

    private Evidence? Earlier(PersonId person)
    {
        var own = made.FindAll(fact => fact.Person == person);
        return own.Count == 0 ? null : own[random.Next(own.Count)];
    }

    private T Any<T>() where T : struct, Enum
    {
        var values = Enum.GetValues<T>();
        return values[random.Next(values.Length)];
    }
}
