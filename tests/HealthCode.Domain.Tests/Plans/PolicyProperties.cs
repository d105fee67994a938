using CsCheck;

namespace HealthCode.Domain.Tests;

/// <summary>What holds for every history, whatever the people did: random ones of a month, in a few areas that lie in each other.</summary>
public class PolicyProperties
{
    private const int Days = 40;

    private static readonly PersonId Person = new(3, 4);
    private static readonly Day First = Day.Of(new DateOnly(2020, 3, 1));
    private static readonly Policy Policy = Editions.Hangzhou;
    private static readonly string[] AreaDigits = ["330100", "330106", "330106001", "330105", "420100"];

    private static readonly Gen<int> GenMinute = Gen.Int[0, Days * Minute.PerDay];
    private static readonly Gen<AreaCode> GenArea = AnyOf(AreaDigits).Select(Area);

    private static readonly Gen<Evidence> GenDeclaration =
        from at in GenMinute
        from normal in Gen.Int[0, 5]
        from symptoms in Gen.Int[0, 127]
        from tenths in AnyOf<short>(0, 365, 372, 373, 390)
        from contact in AnyOf(DeclaredContact.No, DeclaredContact.Yes, DeclaredContact.Unsure)
        select (Evidence)(normal > 0
            ? new Declaration { Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Resident }
            : new Declaration
            {
                Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Resident,
                Symptoms = (Symptoms)symptoms, TemperatureTenths = tenths, Contact = contact,
            });

    private static readonly Gen<Evidence> GenStay =
        from at in GenMinute
        from length in Gen.Int[-1_000, 10_000]
        from area in GenArea
        from sure in AnyOf<byte>(79, 80, 100)
        select (Evidence)new Stay
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Resident, Area = area, Confidence = sure,
            Until = length <= 0 ? Minute.Never : At(at + length),
        };

    private static readonly Gen<Evidence> GenDiagnosis =
        from at in GenMinute
        from status in Gen.Enum<DiagnosisStatus>()
        select (Evidence)new Diagnosis
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Epidemiologist, Status = status, Institution = "First",
        };

    // A history: dated facts with ids of their own, some of them withdrawn by others.
    private static readonly Gen<Evidence[]> GenHistory =
        from facts in Gen.Frequency((8, GenDeclaration), (3, GenStay), (1, GenDiagnosis)).Array[0, 45]
        from withdrawn in Gen.Int[0, 200].Array[0, 3]
        select (Evidence[])[
            .. facts.Select((fact, index) => fact with { Id = new EvidenceId((ulong)index + 1) }),
            .. withdrawn.Select((index, number) => CorrectionOf(new EvidenceId((ulong)index + 1), 1_000 + (ulong)number)),
        ];

    private static readonly Gen<AreaRisk> GenRisk =
        from area in GenArea
        from level in Gen.Enum<RiskLevel>()
        from at in GenMinute
        from length in Gen.Int[-1_000, 20_000]
        from id in Gen.Guid
        select new AreaRisk(id, area, level, At(at), length <= 0 ? Minute.Never : At(at + length), "outbreak", "somebody", At(0));

    private static readonly Gen<AreaRisks> GenRisks =
        GenRisk.Array[0, 4].Select(risks => risks.Aggregate(AreaRisks.None, (all, risk) => all.With(risk)));

    private static readonly Gen<(Evidence[] Facts, AreaRisks Risks, Minute Now)> GenCase =
        Gen.Select(GenHistory, GenRisks, GenMinute.Select(At)).Select((facts, risks, now) => (facts, risks, now));

    [Fact]
    public void The_order_of_folding_does_not_matter() =>
        Gen.Select(GenCase, Gen.Int).Sample((given, seed) =>
        {
            var shuffled = given.Facts.ToArray();
            new Random(seed).Shuffle(shuffled);
            var (one, other) = (Fold(given.Facts), Fold(shuffled));
            Assert.Equal(one.All, other.All);
            Assert.Equal(one.Standing.ToArray(), other.Standing.ToArray());
            Assert.Equal(Decide(one, given.Risks, given.Now), Decide(other, given.Risks, given.Now));
        });

    [Fact]
    public void Folding_a_fact_twice_changes_nothing() => GenCase.Sample(given =>
    {
        var record = Fold(given.Facts);
        var (standing, version, decision) = (record.Standing.ToArray(), record.Version, Decide(record, given.Risks, given.Now));
        Assert.All(given.Facts, fact => Assert.False(record.Fold(fact)));
        Assert.Equal(standing, record.Standing.ToArray());
        Assert.Equal((version, decision), (record.Version, Decide(record, given.Risks, given.Now)));
    });

    [Fact]
    public void Withdrawing_what_may_hold_a_rule_never_worsens() =>
        Gen.Select(GenCase, Gen.Int[0, 100]).Where((given, _) => given.Facts.Length > 0).Sample((given, index) =>
        {
            var wrong = given.Facts[index % given.Facts.Length];
            var record = Fold(given.Facts);
            var before = Decide(record, given.Risks, given.Now).Colour;
            record.Fold(CorrectionOf(wrong.Id, 9_999));
            var after = Decide(record, given.Risks, given.Now).Colour;
            Assert.True(after <= before || CanEndARule(wrong), $"{before} became {after} when {wrong} was withdrawn");
        });

    [Fact]
    public void Explaining_and_deciding_agree() => GenCase.Sample(given =>
    {
        var explanation = Explanation.Of(Fold(given.Facts), given.Risks, Policy, given.Now);
        var holding = explanation.Rules.Select((rule, index) => rule.Holds ? 1UL << index : 0).Aggregate(0UL, (all, bit) => all | bit);
        Assert.Equal(explanation.Decision.Holding, holding);
        Assert.Equal(explanation.Decision.ReasonCount, explanation.Reasons.Count());
        Assert.Equal(explanation.Decision.Colour, explanation.Reasons.FirstOrDefault()?.Rule.Colour ?? Colour.Green);
        Assert.All(explanation.Reasons, reason => Assert.True(
            reason.Evidence is not null && reason.Since <= given.Now && reason.Until > given.Now));
    });

    [Fact]
    public void Without_new_evidence_the_colour_stays_until_the_next_change() => GenCase.Sample(given =>
    {
        var record = FoldKnown(given.Facts, given.Now);
        var decided = Decide(record, given.Risks, given.Now);
        Assert.True(decided.NextChange > given.Now);
        var end = Math.Min(decided.NextChange.Value - 1, given.Now.Value + (45 * Minute.PerDay));
        for (var minute = given.Now.Value; minute <= end; minute += 60)
            AssertSame(decided, record, given.Risks, new Minute(minute));
        AssertSame(decided, record, given.Risks, new Minute(end));
    }, iter: 300);

    [Fact]
    public void Who_reports_normal_each_day_is_rid_of_a_rule_on_the_day_that_was_named() => GenCase.Sample(given =>
    {
        var record = FoldKnown(given.Facts, given.Now);
        var over = record.All.OfType<Stay>().All(stay => stay.Until <= given.Now);
        foreach (var reason in Explanation.Of(record, given.Risks, Policy, given.Now).Reasons)
        {
            // Nobody can name the day for who is still exposed, or about to be.
            if (reason.EarliestEnd(given.Now) is not { } named || (reason.Rule.Holds[0].Kind == ConditionKind.StayAtRisk && !over))
                continue;
            Assert.Equal(named, EndWhenReporting(reason.Rule, FoldKnown(given.Facts, given.Now), given.Risks, given.Now));
        }
    });

    [Fact]
    public void Who_is_still_exposed_is_not_promised_less_than_all_the_reports() => GenCase.Sample(given =>
    {
        var explanation = Explanation.Of(FoldKnown(given.Facts, given.Now), given.Risks, Policy, given.Now);
        foreach (var reason in explanation.Reasons.Where(reason => reason.Since == given.Now && reason.Rule.Ends.Any(ending => ending.Reports > 0)))
            Assert.Equal(Day.Of(given.Now).Plus(reason.Rule.Ends[0].Reports), reason.EarliestEnd(given.Now));
    });

    [Fact]
    public void Deciding_allocates_nothing()
    {
        var record = Fold(GenHistory.Array[4].Single().SelectMany((facts, turn) => facts
            .Where(fact => fact is not Correction).Select(fact => fact with { Id = new EvidenceId((fact.Id.Value * 10) + (ulong)turn) })));
        var risks = GenRisks.Single();
        var now = At(30 * Minute.PerDay);
        Decide(record, risks, now);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var call = 0; call < 1_000; call++)
            Decide(record, risks, now);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void AssertSame(Decision expected, PersonRecord record, AreaRisks risks, Minute at)
    {
        var colour = Decide(record, risks, at).Colour;
        Assert.True(colour == expected.Colour, $"{expected.Colour} until {expected.NextChange}, but {colour} at {at}");
    }

    /// <summary>Reports normal once on every day from now on, and says on which day the rule ended; gives up after a year.</summary>
    private static Day? EndWhenReporting(Rule rule, PersonRecord record, AreaRisks risks, Minute now)
    {
        for (var day = Day.Of(now); day < Day.Of(now).Plus(365); day = day.Plus(1))
        {
            var at = day == Day.Of(now) ? now : new Minute(day.Start.Value + 480);
            record.Fold(new Declaration
            {
                Id = new EvidenceId(100_000 + (ulong)at.Value), Person = Person, Happened = at, Received = at, Source = Source.Resident,
            });
            var evening = new Minute(day.Plus(1).Start.Value - 1);
            if (!Policy.Find(rule, record.Facts, risks, evening).Holds)
                return day;
        }
        return null;
    }

    private static bool CanEndARule(Evidence evidence) => evidence switch
    {
        Declaration declaration => Policy.IsNormal(declaration),
        Diagnosis diagnosis => diagnosis.Status is DiagnosisStatus.Recovered or DiagnosisStatus.Excluded,
        _ => false,
    };

    private static Decision Decide(PersonRecord record, AreaRisks risks, Minute now) => Policy.Decide(record.Facts, risks, now);

    private static PersonRecord Fold(IEnumerable<Evidence> facts)
    {
        var record = new PersonRecord(Person);
        foreach (var fact in facts)
            record.Fold(fact);
        return record;
    }

    private static PersonRecord FoldKnown(IEnumerable<Evidence> facts, Minute now) => Fold(facts.Where(fact => fact.Received <= now));

    private static Correction CorrectionOf(EvidenceId wrong, ulong id) => new()
    {
        Id = new EvidenceId(id), Person = Person, Happened = At(0), Received = At(0), Source = Source.CommunityWorker, Corrects = wrong, Reason = "wrong",
    };

    private static Minute At(int minutes) => new(First.Start.Value + minutes);

    private static AreaCode Area(string digits) => AreaCode.TryParse(digits, out var area) ? area : throw new FormatException(digits);

    private static Gen<T> AnyOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);
}
