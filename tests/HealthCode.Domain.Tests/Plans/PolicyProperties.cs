using CsCheck;

namespace HealthCode.Domain.Tests;

/// <summary>What holds for every history, whatever the people did: random ones of a month, in a few areas that lie in each other.</summary>
public class PolicyProperties
{
    private const int Days = 40;

    private static readonly PersonId Person = new(3, 4);
    private static readonly Day First = Day.Of(new DateOnly(2020, 3, 1));
    internal static readonly Policy[] Policies = [.. Editions.Shipped, Editions.EveryKind, Editions.EveryKind];
    private static readonly string[] AreaDigits = ["330100", "330106", "330106001", "330105", "420100"];

    internal static readonly Gen<int> GenMinute = Gen.Int[0, Days * Minute.PerDay];
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

    private static readonly Gen<Source> GenSource = AnyOf(Source.Telecom, Source.Railway, Source.Epidemiologist);

    private static readonly Gen<Evidence> GenDoubtfulStay =
        from at in GenMinute
        from length in Gen.Int[1, 3_000]
        from area in GenArea
        from sure in Gen.Byte[0, 79]
        select (Evidence)new Stay
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Telecom, Area = area, Confidence = sure, Until = At(at + length),
        };

    private static readonly Gen<Evidence> GenContact =
        from at in GenMinute
        from degree in Gen.Enum<ContactKind>()
        select (Evidence)new Contact
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Tracing, Degree = degree, Circumstance = "",
        };

    private static readonly Gen<Evidence> GenOrder =
        from at in GenMinute
        from kind in AnyOf(OrderKind.CentralIsolation, OrderKind.HomeIsolation, OrderKind.Monitoring)
        select (Evidence)new Order
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Epidemiologist, Ordered = kind, Institution = "", Basis = "",
        };

    private static readonly Gen<Evidence> GenRelease =
        from at in GenMinute
        from kind in Gen.Enum<OrderKind>()
        select (Evidence)new Release
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Epidemiologist, Released = kind, Institution = "",
        };

    private static readonly Gen<Evidence> GenTest =
        from at in GenMinute
        from result in Gen.Frequency((8, Gen.Const(TestResult.Negative)), (1, Gen.Enum<TestResult>()))
        select (Evidence)new Test { Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Laboratory, Result = result, Institution = "" };

    private static readonly Gen<Evidence> GenArrival =
        from at in GenMinute
        select (Evidence)new Arrival
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.BorderControl, Country = "FRA", Port = Area("310115"),
        };

    private static readonly Gen<Evidence> GenJourney =
        from at in GenMinute
        from minutes in Gen.Int[1, 900]
        from fromArea in GenArea
        from toArea in GenArea
        select (Evidence)new Journey
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Railway, Mode = JourneyMode.Train, Number = "G1", From = fromArea,
            To = toArea, Until = At(at + minutes),
        };

    private static readonly Gen<Evidence> GenRecognition =
        from at in GenMinute
        from issuer in AnyOf("410000", "320000")
        from colour in AnyOf(Colour.Green, Colour.Yellow, Colour.Red)
        select (Evidence)new Recognition
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Region, Issuer = Area(issuer), Colour = colour, Reason = "",
        };

    private static readonly Gen<Evidence> GenDose =
        from at in GenMinute
        from dose in Gen.Byte[1, 3]
        select (Evidence)new Vaccination { Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Hospital, Dose = dose, Vaccine = "" };

    private static readonly Gen<Evidence> GenAnswer =
        from at in GenMinute
        from stay in Gen.Int[1, 45]
        from wasThere in Gen.Bool
        select (Evidence)new Answer
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.Resident, Question = new((ulong)stay), WasThere = wasThere,
        };

    private static readonly Gen<Evidence> GenPass =
        from at in GenMinute
        from minutes in Gen.Int[60, 1_440]
        select (Evidence)new Pass
        {
            Id = default, Person = Person, Happened = At(at), Received = At(at), Source = Source.CommunityWorker, Until = At(at + minutes), Purpose = "",
        };

    // What speaks against a person, and takes nothing back.
    private static readonly Gen<Evidence> GenSevere = Gen.OneOf(
        GenContact, GenOrder, GenArrival, GenJourney, GenDoubtfulStay,
        GenTest.Select(test => (Evidence)((Test)test with { Result = TestResult.Positive })),
        GenStay.Select(stay => (Evidence)((Stay)stay with { Confidence = 100 })),
        GenDiagnosis.Select(diagnosis => (Evidence)((Diagnosis)diagnosis with { Status = DiagnosisStatus.Confirmed })),
        GenRecognition.Select(word => (Evidence)((Recognition)word with { Colour = Colour.Red })));

    internal static readonly Gen<Evidence> GenFact = Gen.Frequency(
        (12, GenDeclaration), (3, GenStay), (2, GenDoubtfulStay), (1, GenDiagnosis), (2, GenContact), (1, GenOrder), (1, GenRelease), (4, GenTest),
        (1, GenArrival), (1, GenJourney), (1, GenRecognition), (1, GenDose), (2, GenAnswer), (1, GenPass));

    // A history: dated facts with ids of their own, some of them withdrawn by others.
    private static readonly Gen<Evidence[]> GenHistory =
        from facts in GenFact.Array[0, 45]
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

    internal static readonly Gen<AreaRisks> GenRisks =
        GenRisk.Array[0, 4].Select(risks => risks.Aggregate(AreaRisks.None, (all, risk) => all.With(risk)));

    private static readonly Gen<(Evidence[] Facts, AreaRisks Risks, Minute Now, Policy Policy)> GenCase =
        Gen.Select(GenHistory, GenRisks, GenMinute.Select(At), AnyOf(Policies)).Select((facts, risks, now, policy) => (facts, risks, now, policy));

    [Fact]
    public void The_order_of_folding_does_not_matter() =>
        Gen.Select(GenCase, Gen.Int).Sample((given, seed) =>
        {
            var shuffled = given.Facts.ToArray();
            new Random(seed).Shuffle(shuffled);
            var (one, other) = (Fold(given.Facts), Fold(shuffled));
            Assert.Equal(one.All, other.All);
            Assert.Equal(one.Standing.ToArray(), other.Standing.ToArray());
            Assert.Equal(Decide(one, given), Decide(other, given));
        });

    [Fact]
    public void Folding_a_fact_twice_changes_nothing() => GenCase.Sample(given =>
    {
        var record = Fold(given.Facts);
        var (standing, version, decision) = (record.Standing.ToArray(), record.Version, Decide(record, given));
        Assert.All(given.Facts, fact => Assert.False(record.Fold(fact)));
        Assert.Equal(standing, record.Standing.ToArray());
        Assert.Equal((version, decision), (record.Version, Decide(record, given)));
    });

    [Fact]
    public void Withdrawing_what_may_hold_a_rule_never_worsens() =>
        Gen.Select(GenCase, Gen.Int[0, 100]).Where((given, _) => given.Facts.Length > 0).Sample((given, index) =>
        {
            var wrong = given.Facts[index % given.Facts.Length];
            var record = Fold(given.Facts);
            var before = Decide(record, given).Colour;
            record.Fold(CorrectionOf(wrong.Id, 9_999));
            var after = Decide(record, given).Colour;
            Assert.True(after <= before || CanEndARule(wrong, given.Policy), $"{before} became {after} when {wrong} was withdrawn");
        });

    [Fact]
    public void Explaining_and_deciding_agree() => GenCase.Sample(given =>
    {
        var explanation = Explanation.Of(Fold(given.Facts), given.Risks, given.Policy, given.Now);
        var holding = explanation.Rules.Select((rule, index) => rule.Holds ? 1UL << index : 0).Aggregate(0UL, (all, bit) => all | bit);
        Assert.Equal(explanation.Decision.Holding, holding);
        Assert.Equal(explanation.Decision.ReasonCount, explanation.Reasons.Count());
        Assert.Equal(explanation.Decision.Colour, explanation.Reasons.FirstOrDefault()?.Rule.Colour ?? Colour.Green);
        Assert.All(explanation.Reasons, reason => Assert.True(
            (reason.Evidence is not null || reason.Rule.Number == "SILENT") && reason.Since <= given.Now && reason.Until > given.Now));
    });

    [Fact]
    public void Without_new_evidence_the_colour_stays_until_the_next_change() => GenCase.Sample(given =>
    {
        var record = FoldKnown(given.Facts, given.Now);
        var decided = Decide(record, given);
        Assert.True(decided.NextChange > given.Now);
        var end = Math.Min(decided.NextChange.Value - 1, given.Now.Value + (45 * Minute.PerDay));
        for (var minute = given.Now.Value; minute <= end; minute += 60)
            AssertSame(decided, record, given, new Minute(minute));
        AssertSame(decided, record, given, new Minute(end));
    }, iter: 300);

    [Fact]
    public void Who_reports_normal_each_day_is_rid_of_a_rule_on_the_day_that_was_named() => GenCase.Sample(given =>
    {
        var record = FoldKnown(given.Facts, given.Now);
        var over = record.All.OfType<Stay>().All(stay => stay.Until <= given.Now);
        foreach (var reason in Explanation.Of(record, given.Risks, given.Policy, given.Now).Reasons)
        {
            // Nobody can name the day for who is still exposed, or about to be; and who reports every day is not tested by that.
            var exposed = !over && reason.Rule.Holds.Any(condition => condition.Kind is ConditionKind.StayAtRisk or ConditionKind.StayIn);
            if (reason.EarliestEnd(given.Now) is not { } named || exposed || reason.Rule.Ends.Any(ending => ending.Tests is not null)
                || reason.Rule.Holds.Any(condition => condition.Kind == ConditionKind.JourneyFromRisk || condition.LevelNow))
                continue;
            var ended = EndWhenReporting(reason.Rule, FoldKnown(given.Facts, given.Now), given);
            // The second half of a timeline may pause before a later exposure brings it again.
            Assert.True(reason.Rule.StartsAfterDays > 0 ? ended <= named : ended == named, $"{reason.Rule.Number} was said to end on {named}, and ended on {ended}");
        }
    });

    [Fact]
    public void Who_is_still_exposed_is_not_promised_less_than_all_the_reports() => GenCase.Sample(given =>
    {
        var explanation = Explanation.Of(FoldKnown(given.Facts, given.Now), given.Risks, given.Policy, given.Now);
        foreach (var reason in explanation.Reasons.Where(reason => reason.Since == given.Now && reason.Rule.Ends.Any(ending => ending.Reports > 0)))
            Assert.Equal(Day.Of(given.Now).Plus(reason.Rule.Ends[0].Reports), reason.EarliestEnd(given.Now));
    });

    [Fact]
    public void More_that_speaks_against_a_person_never_improves_the_colour() =>
        Gen.Select(GenCase, GenSevere).Sample((given, more) =>
        {
            var record = Fold(given.Facts);
            var before = Decide(record, given);
            record.Fold(more with { Id = new EvidenceId(77_777) });
            var after = Decide(record, given);
            Assert.True(after.Colour >= before.Colour, $"{before} became {after} by {more}");
        });

    [Fact]
    public void A_reason_ends_only_by_what_may_end_it() =>
        Gen.Select(GenCase, GenFact).Sample((given, more) =>
        {
            var record = Fold(given.Facts);
            var before = Decide(record, given);
            record.Fold(more with { Id = new EvidenceId(77_777) });
            var after = Decide(record, given);
            for (var index = 0; index < given.Policy.Edition.Rules.Count; index++)
            {
                var rule = given.Policy.Edition.Rules[index];
                var ended = (before.Holding & ~after.Holding & (1UL << index)) != 0;
                Assert.False(ended && !MayEnd(rule, more), $"{rule.Number} was ended by {more}");
            }
        });

    [Fact]
    public void A_doubtful_stay_alone_never_colours() =>
        Gen.Select(GenDoubtfulStay.Array[1, 20], GenRisks, GenMinute.Select(At)).Sample((stays, risks, now) =>
        {
            var record = Fold(stays.Select((stay, index) => stay with { Id = new EvidenceId((ulong)index + 1) }));
            Assert.All(Policies, policy => Assert.Equal(Colour.Green, policy.Decide(record.Facts, risks, now).Colour));
        });

    [Fact]
    public void Deciding_allocates_nothing()
    {
        var record = Fold(GenHistory.Array[4].Single().SelectMany((facts, turn) => facts
            .Where(fact => fact is not Correction).Select(fact => fact with { Id = new EvidenceId((fact.Id.Value * 10) + (ulong)turn) })));
        var risks = GenRisks.Single();
        var now = At(30 * Minute.PerDay);
        foreach (var policy in Policies)
        {
            policy.Decide(record.Facts, risks, now);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var call = 0; call < 1_000; call++)
                policy.Decide(record.Facts, risks, now);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    private static void AssertSame(
        Decision expected, PersonRecord record, (Evidence[] Facts, AreaRisks Risks, Minute Now, Policy Policy) given, Minute at)
    {
        var decision = Decide(record, given with { Now = at });
        Assert.True(
            (decision.Holding, decision.Asking, decision.PassUntil) == (expected.Holding, expected.Asking, expected.PassUntil),
            $"{expected} until {expected.NextChange}, but {decision} at {at}");
    }

    /// <summary>Reports normal once on every day from now on, and says on which day the rule ended; gives up after a year.</summary>
    private static Day? EndWhenReporting(
        Rule rule, PersonRecord record, (Evidence[] Facts, AreaRisks Risks, Minute Now, Policy Policy) given)
    {
        var now = given.Now;
        for (var day = Day.Of(now); day < Day.Of(now).Plus(365); day = day.Plus(1))
        {
            var at = day == Day.Of(now) ? now : new Minute(day.Start.Value + 480);
            record.Fold(new Declaration
            {
                Id = new EvidenceId(100_000 + (ulong)at.Value), Person = Person, Happened = at, Received = at, Source = Source.Resident,
            });
            var evening = new Minute(day.Plus(1).Start.Value - 1);
            if (!given.Policy.Find(rule, record.Facts, given.Risks, evening).Holds)
                return day;
        }
        return null;
    }

    /// <summary>What a rule says of its own ends, read off its conditions and endings and from nothing else.</summary>
    private static bool MayEnd(Rule rule, Evidence evidence) => evidence switch
    {
        Test { Result: TestResult.Negative } => rule.Ends.Any(ending => ending.Tests is not null),
        Release release => rule.Ends.Any(ending => (ending.Releases & (1u << (int)release.Released)) != 0)
            || rule.Holds.Any(condition => condition.Kind == ConditionKind.Order && (condition.Details & (1u << (int)release.Released)) != 0),
        Diagnosis diagnosis => rule.Ends.Any(ending => (ending.Statuses & (1u << (int)diagnosis.Status)) != 0)
            || rule.Holds.Any(condition => condition.Kind is ConditionKind.Diagnosis or ConditionKind.Test),
        Declaration => rule.Ends.Any(ending => ending.Reports > 0) || rule.Holds.Any(condition => condition.Kind == ConditionKind.MissedReports),
        Recognition => rule.Holds.Any(condition => condition.Kind == ConditionKind.Recognition),
        Vaccination => rule.Holds.Any(condition => condition.FewerDosesThan > 0),
        Answer { WasThere: false } => rule.Holds.Any(condition => condition.Kind is ConditionKind.StayAtRisk or ConditionKind.StayIn),
        _ => false,
    };

    private static bool CanEndARule(Evidence evidence, Policy policy) => evidence switch
    {
        Declaration declaration => policy.IsNormal(declaration) || ReferenceEquals(policy, Editions.EveryKind),
        Diagnosis => true,
        Recognition or Release or Vaccination or Answer => true,
        Test test => test.Result == TestResult.Negative,
        _ => false,
    };

    private static Decision Decide(PersonRecord record, (Evidence[] Facts, AreaRisks Risks, Minute Now, Policy Policy) given) =>
        given.Policy.Decide(record.Facts, given.Risks, given.Now);

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

    internal static Minute At(int minutes) => new(First.Start.Value + minutes);

    internal static AreaCode Area(string digits) => AreaCode.TryParse(digits, out var area) ? area : throw new FormatException(digits);

    internal static Gen<T> AnyOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);
}
