using HealthCode.Domain;

namespace HealthCode.Benchmarks;

/// <summary>People's records of a fortnight in a province under regular screening, from a seed; nobody of them exists.</summary>
/// <remarks>
/// The mix of each record: a home since long ago; 0.8 other stays, a third of them from a phone's mast and half of those
/// unsure; a daily report on nine days of ten and a symptom in one of 400; four negative tests in the fortnight (one every
/// three to four days); 1.7 doses of vaccine, of which the last is kept; a journey for 3 in 100; and in 10,000 people 30 close and 20
/// secondary contacts, 40 orders of which half are released, 10 arrivals from abroad, 3 cases, 2 positive tests. Of 90,000
/// communities 120 are or were at high risk and 240 at medium, beside 5 townships and a county.
/// </remarks>
internal sealed class Population
{
    private const int Counties = 600, Townships = 10, Committees = 15;
    private const long FirstCounty = 330_101_000_000;

    public static readonly Minute Now = Minute.Of(new DateTimeOffset(2022, 7, 20, 8, 30, 0, TimeSpan.FromHours(8)));
    private static readonly Minute Fortnight = new(Now.Value - (14 * Minute.PerDay));

    private readonly List<RecordEntry> entries = [];
    private readonly List<Minute> tests = [];

    /// <summary>One person's facts, in the buffers of this object until the next call.</summary>
    public RecordFacts Of(int person)
    {
        var random = new Random(person);
        entries.Clear();
        tests.Clear();
        AddStays(random);
        var reports = ReportsOf(random);
        AddTests(random);
        if (random.Next(100) < 85)
            Add(EvidenceKind.Vaccination, (byte)random.Next(1, 4), new(Now.Value - random.Next(100_000, 700_000)));
        if (random.Next(100) < 3)
            AddJourney(random);
        AddRare(random);
        entries.Sort((a, b) => a.Start.CompareTo(b.Start));
        return new RecordFacts(
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(tests), reports);
    }

    /// <summary>Which areas are at risk, and when.</summary>
    public static IReadOnlyList<AreaRisk> Risks()
    {
        var random = new Random(-1);
        var risks = new List<AreaRisk>();
        void Set(AreaCode area, RiskLevel level)
        {
            var from = new Minute(Fortnight.Value + random.Next(-4 * Minute.PerDay, 13 * Minute.PerDay));
            var until = random.Next(3) == 0 ? Minute.Never : from.PlusDays(random.Next(5, 15));
            risks.Add(new AreaRisk(new Guid(risks.Count, 0, 0, new byte[8]), area, level, from, until, "outbreak", "officer", from));
        }
        for (var index = 0; index < 120; index++)
            Set(Committee(random), RiskLevel.High);
        for (var index = 0; index < 240; index++)
            Set(Committee(random), RiskLevel.Medium);
        for (var index = 0; index < 5; index++)
            Set(new(Committee(random).Value / 1_000 * 1_000), RiskLevel.Medium);
        Set(new(Committee(random).Value / 1_000_000 * 1_000_000), RiskLevel.Medium);
        return risks;
    }

    private void AddStays(Random random)
    {
        var home = Committee(random);
        entries.Add(new(new(Now.Value - random.Next(30 * Minute.PerDay, 900 * Minute.PerDay)), Minute.Never, home.Value, EvidenceKind.Stay, 0, 100, Source.Resident));
        for (var more = random.Next(10) switch { < 5 => 0, < 8 => 1, < 9 => 2, _ => 3 }; more > 0; more--)
        {
            var from = Moment(random);
            var until = new Minute(Math.Min(Now.Value, from.Value + random.Next(30, 2 * Minute.PerDay)));
            var mast = random.Next(3) == 0;
            var sure = (byte)(mast && random.Next(2) == 0 ? random.Next(20, 79) : mast ? 90 : 100);
            entries.Add(new(from, until, Committee(random).Value, EvidenceKind.Stay, 0, sure, mast ? Source.Telecom : Source.Resident));
        }
    }

    private ReportDays ReportsOf(Random random)
    {
        var reports = default(ReportDays);
        for (var day = Day.Of(Fortnight); day <= Day.Of(Now); day = day.Plus(1))
        {
            if (random.Next(10) == 0)
                continue;
            var ill = random.Next(400) == 0;
            var at = new Minute(day.Start.Value + random.Next(360, 500));
            reports = reports.With(day, !ill);
            if (ill)
                entries.Add(new(at, at, RecordEntry.ValueOf((Symptoms)(1 << random.Next(7)), 360 + random.Next(30)), EvidenceKind.Declaration, 0, 100, Source.Resident));
        }
        return reports;
    }

    private void AddTests(Random random)
    {
        for (var at = Fortnight.Value + random.Next(4 * Minute.PerDay); at < Now.Value; at += random.Next(2 * Minute.PerDay, 5 * Minute.PerDay))
            tests.Add(new(at));
    }

    private void AddJourney(Random random)
    {
        var from = Moment(random);
        var until = new Minute(from.Value + random.Next(40, 600));
        entries.Add(new(from, until, Committee(random).Value, EvidenceKind.Journey, RecordEntry.JourneyFrom, 100, Source.Railway));
        entries.Add(new(from, until, Committee(random).Value, EvidenceKind.Journey, RecordEntry.JourneyTo, 100, Source.Railway));
    }

    private void AddRare(Random random)
    {
        var draw = random.Next(10_000);
        switch (draw)
        {
            case < 30:
                Add(EvidenceKind.Contact, (byte)ContactKind.Close, Moment(random));
                break;
            case < 50:
                Add(EvidenceKind.Contact, (byte)ContactKind.Secondary, Moment(random));
                break;
            case < 90:
                var kind = (byte)random.Next(1, 4);
                var ordered = Moment(random);
                Add(EvidenceKind.Order, kind, ordered);
                if (random.Next(2) == 0)
                    Add(EvidenceKind.Release, kind, new(Math.Min(Now.Value, ordered.Value + random.Next(10 * Minute.PerDay))));
                break;
            case < 100:
                Add(EvidenceKind.Arrival, 0, Moment(random));
                break;
            case < 103:
                var found = Moment(random);
                Add(EvidenceKind.Diagnosis, (byte)random.Next(1, 4), found);
                if (random.Next(3) == 0)
                    Add(EvidenceKind.Diagnosis, (byte)random.Next(4, 6), new(Math.Min(Now.Value, found.Value + random.Next(1, 12 * Minute.PerDay))));
                break;
            case < 105:
                Add(EvidenceKind.Test, (byte)TestResult.Positive, Moment(random));
                break;
        }
    }

    private void Add(EvidenceKind kind, byte detail, Minute at) => entries.Add(new(at, at, 0, kind, detail, 100, Source.Epidemiologist));

    private static Minute Moment(Random random) => new(random.Next(Fortnight.Value, Now.Value));

    private static AreaCode Committee(Random random)
    {
        var (county, township, committee) = (random.Next(Counties), random.Next(1, Townships + 1), random.Next(1, Committees + 1));
        return new(FirstCounty + ((county / 20 * 100L) + (county % 20)) * 1_000_000 + (township * 1_000L) + committee);
    }
}
