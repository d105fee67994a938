using System.Collections.Immutable;
using HealthCode.Domain;
using YamlDotNet.Core;

namespace HealthCode.Storage;

/// <summary>From the fields of an edition file to the edition.</summary>
internal sealed class EditionReader(EditionProblems problems, Func<string, string?> findBase)
{
    private const int DaysMax = 120;

    private const string Diagnosis = "diagnosis", Stay = "stay", StayIn = "stayIn", Declared = "declared", Contact = "contact", Order = "order",
        Test = "test", Arrival = "arrival", Journey = "journey", Recognition = "recognition", MissedReports = "missedReports";

    private static readonly string[] Conditions =
        [Diagnosis, Stay, StayIn, Declared, Contact, Order, Test, Arrival, Journey, Recognition, MissedReports];

    private IReadOnlyDictionary<string, int> parameters = new Dictionary<string, int>();

    private enum ArrivalFrom
    {
        Abroad,
    }

    private enum JourneyFrom
    {
        Outside,
        Medium,
        High,
    }

    private enum DeclaredWhat
    {
        Symptoms,
        Contact,
    }

    private enum LevelAt
    {
        Then,
        Now,
    }

    public PlanEdition? Read(EditionNode node) => node.Has("base") ? ReadRegional(node) : ReadWhole(node, new Dictionary<string, int>());

    // A regional edition says only what is its own: who, since when, and the parameters that it sets.
    private PlanEdition? ReadRegional(EditionNode node)
    {
        var (id, title, based, region) = (node.Name("id"), node.Both("title"), node.Name("base"), node.Area("region"));
        var (date, source, set) = (node.Date("inForceFrom"), node.Word("source"), node.Numbers("set"));
        node.NothingElse();
        if (findBase(based) is not { } text)
        {
            node.Problem("base", $"there is no edition {based}");
            return null;
        }
        var ofBase = new EditionProblems(based + ".yaml");
        if (EditionFile.Root(text, ofBase) is not { } root || root.Has("base"))
        {
            node.Problem("base", $"{based} is not a whole edition");
            return null;
        }
        var edition = new EditionReader(ofBase, findBase).ReadWhole(root, set);
        foreach (var problem in ofBase.All)
            node.Problem("base", problem);
        CheckSet(node, set, edition);
        return edition is null ? null : edition with
        {
            Id = id, Title = title, Region = region.ToString(), InForceFrom = Day.Of(date).Start, Source = source, Base = based,
        };
    }

    private static void CheckSet(EditionNode node, IReadOnlyDictionary<string, int> set, PlanEdition? edition)
    {
        foreach (var (name, value) in set)
        {
            if (edition?.Parameters.FirstOrDefault(parameter => parameter.Name == name) is not { } known)
                node.Problem("set", $"the base has no parameter {name}");
            else if (value < known.Min || value > known.Max)
                node.Problem("set", $"{name} may be from {known.Min} to {known.Max}, and not {value}");
        }
    }

    private PlanEdition? ReadWhole(EditionNode node, IReadOnlyDictionary<string, int> set)
    {
        var (id, title, region) = (node.Name("id"), node.Both("title"), node.Area("region"));
        var (date, fever, ask, source) = (
            node.Date("inForceFrom"), node.Number("feverFrom", PersonRecord.FeverTenthsMin, 420), node.NumberOr("askDays", 1, 30, 7), node.Word("source"));
        var known = node.Nodes("parameters", required: false).Select(parameter => ReadParameter(parameter, set)).ToList();
        parameters = known.DistinctBy(parameter => parameter.Name).ToDictionary(parameter => parameter.Name, parameter => parameter.Value);
        var rules = node.Nodes("rules", required: true).Select(ReadRule).ToList();
        node.NothingElse();
        if (rules.Count is 0 or > PlanEdition.RulesMax)
            node.Problem("rules", $"an edition has 1 to {PlanEdition.RulesMax} rules, and this one {rules.Count}");
        foreach (var twice in rules.GroupBy(rule => rule.Number).Where(group => group.Count() > 1))
            node.Problem("rules", $"rule {twice.Key} stands here {twice.Count()} times");
        foreach (var twice in known.GroupBy(parameter => parameter.Name).Where(group => group.Count() > 1))
            node.Problem("parameters", $"parameter {twice.Key} stands here {twice.Count()} times");
        return new PlanEdition(id, title, region.ToString(), Day.Of(date).Start, (short)fever, ask, source, known, rules);
    }

    private static Parameter ReadParameter(EditionNode node, IReadOnlyDictionary<string, int> set)
    {
        var (name, title) = (node.Name("name"), node.Both("title"));
        var (min, max) = (node.Number("min", 0, 1_000), node.Number("max", 0, 1_000));
        var value = node.Number("value", 0, 1_000);
        node.NothingElse();
        if (min > max || value < min || value > max)
            node.Problem("value", $"value lies between min and max: {value} is not from {min} to {max}");
        return new Parameter(name, title, set.GetValueOrDefault(name, value), min, max);
    }

    private Rule ReadRule(EditionNode node)
    {
        var rule = new Rule(
            node.Name("number"), node.OneOf("colour", Colour.Yellow, Colour.Red),
            [.. node.Nodes("holds", required: true).SelectMany(ReadCondition)],
            node.NumberOrParameter("startsAfterDays", 1, DaysMax, 0, parameters),
            [.. node.Nodes("ends", required: false).Select(ReadEnding)],
            node.Both("title"), node.Both("explanation"), node.Both("end"), node.Both("whatToDo"), node.Both("owner"), node.Word("source"), node.Flag("pass"));
        node.NothingElse();
        CheckEnds(node, rule);
        return rule;
    }

    private static void CheckEnds(EditionNode node, Rule rule)
    {
        var windows = rule.Holds.All(condition => condition.WithinDays is > 0 and <= PlanEdition.BoundOfReportsDaysMax);
        var days = rule.Ends.Any(ending => ending is { Days: > 0 and <= PlanEdition.BoundOfReportsDaysMax, Reports: 0, Tests: null, Releases: 0, Statuses: 0 });
        if (rule.Ends.Any(ending => ending.Reports > 0) && !windows && !days)
            node.Problem("ends", $"what reports end must end after {PlanEdition.BoundOfReportsDaysMax} days at the latest: add an ending with days alone, or withinDays");
        if (rule.Ends.Length == 0 && rule.Holds.Any(condition => condition.WithinDays == 0 && !EndsByItself(condition)))
            node.Problem("holds", "a reason has to end: give it ends, or withinDays to what holds it");
    }

    // A later diagnosis, a release, another word, the area's next level or the next report take away what holds it.
    private static bool EndsByItself(Condition condition) => condition.LevelNow
        || condition.Kind is ConditionKind.Diagnosis or ConditionKind.Test or ConditionKind.Order or ConditionKind.Recognition or ConditionKind.MissedReports;

    private IReadOnlyList<Condition> ReadCondition(EditionNode node)
    {
        IReadOnlyList<Condition> read = node.Which(Conditions) switch
        {
            [Diagnosis] => [new(ConditionKind.Diagnosis, node.Bits(Diagnosis, Enum.GetValues<DiagnosisStatus>()))],
            [Stay] => [ReadStay(node, new(ConditionKind.StayAtRisk, node.Bits(Stay, RiskLevel.Medium, RiskLevel.High)))],
            [StayIn] => [ReadStay(node, new(ConditionKind.StayIn) { Areas = ReadAreas(node) })],
            [Declared] => ReadDeclared(node),
            [Contact] => [new(ConditionKind.Contact, node.Bits(Contact, Enum.GetValues<ContactKind>()))],
            [Order] => [new(ConditionKind.Order, node.Bits(Order, OrderKind.CentralIsolation, OrderKind.HomeIsolation, OrderKind.Monitoring))],
            [Test] => [new(ConditionKind.Test, node.Bits(Test, TestResult.Positive, TestResult.Inconclusive))],
            [Arrival] => [new(ConditionKind.Arrival, node.Bits(Arrival, ArrivalFrom.Abroad))],
            [Journey] => ReadJourney(node),
            [Recognition] => [new(ConditionKind.Recognition, node.Bits(Recognition, Colour.Yellow, Colour.Red))],
            [MissedReports] => [new(ConditionKind.MissedReports) { Days = node.NumberOrParameter(MissedReports, 1, DaysMax, 0, parameters) }],
            _ => Refuse(node),
        };
        var (within, doses) = (node.NumberOrParameter("withinDays", 1, DaysMax, 0, parameters), node.NumberOr("fewerDosesThan", 1, 9, 0));
        node.NothingElse();
        return [.. read.Select(condition => condition with { WithinDays = within, FewerDosesThan = doses })];
    }

    private static IReadOnlyList<Condition> Refuse(EditionNode node)
    {
        node.Problem($"each item of holds has exactly one of {string.Join(", ", Conditions)}");
        return [];
    }

    private Condition ReadStay(EditionNode node, Condition stay) => stay with
    {
        LevelNow = stay.Kind == ConditionKind.StayAtRisk && node.Has("level") && node.OneOf("level", LevelAt.Then, LevelAt.Now) == LevelAt.Now,
        MinutesMin = node.NumberOrParameter("minutesMin", 1, 60 * 24 * 14, 1, parameters),
        ConfidenceMin = (byte)node.NumberOr("confidenceMin", 1, 100, Condition.ConfidenceMinDefault),
        SourcesMin = node.NumberOr("sourcesMin", 2, 9, 0),
    };

    private ImmutableArray<AreaCode> ReadAreas(EditionNode node)
    {
        var areas = new List<AreaCode>();
        foreach (var (word, at) in node.Scalars(StayIn, "divisions in quotes"))
        {
            if (AreaCode.TryParse(word, out var area))
                areas.Add(area);
            else
                problems.Add(at, $"{word} is no division");
        }
        return [.. areas];
    }

    private static IReadOnlyList<Condition> ReadDeclared(EditionNode node)
    {
        var what = node.Items(Declared, Enum.GetValues<DeclaredWhat>());
        var symptoms = node.Has("symptoms")
            ? node.Items("symptoms", [.. Enum.GetValues<Symptoms>().Where(symptom => symptom != Symptoms.None)]).Aggregate(Symptoms.None, (all, one) => all | one)
            : Symptoms.None;
        return [.. what.Distinct().Select(one => one == DeclaredWhat.Contact
            ? new Condition(ConditionKind.DeclaredContact) : new Condition(ConditionKind.DeclaredSymptoms) { Symptoms = symptoms })];
    }

    private static IReadOnlyList<Condition> ReadJourney(EditionNode node)
    {
        var from = node.Items(Journey, Enum.GetValues<JourneyFrom>());
        var levels = (from.Contains(JourneyFrom.Medium) ? 1u << (int)RiskLevel.Medium : 0) | (from.Contains(JourneyFrom.High) ? 1u << (int)RiskLevel.High : 0);
        var conditions = new List<Condition>();
        if (from.Contains(JourneyFrom.Outside))
            conditions.Add(new(ConditionKind.JourneyFromOutside));
        if (levels != 0)
            conditions.Add(new(ConditionKind.JourneyFromRisk, levels));
        return conditions;
    }

    private Ending ReadEnding(EditionNode node)
    {
        var ending = new Ending(
            node.NumberOrParameter("days", 1, DaysMax, 0, parameters), node.NumberOrParameter("reports", 1, PlanEdition.BoundOfReportsDaysMax, 0, parameters),
            node.Mapping("tests") is { } tests ? ReadTests(tests) : null,
            node.Has("release") ? node.Bits("release", Enum.GetValues<OrderKind>()) : 0,
            node.Has("diagnosis") ? node.Bits("diagnosis", DiagnosisStatus.Excluded, DiagnosisStatus.Recovered) : 0);
        node.NothingElse();
        if (ending == new Ending())
            node.Problem("an ending has at least one of days, reports, tests, release, diagnosis");
        return ending;
    }

    private TestsNeeded ReadTests(EditionNode node)
    {
        var onDays = new List<int>();
        if (node.Has("onDays"))
        {
            foreach (var (word, at) in node.Scalars("onDays", "days"))
            {
                if (int.TryParse(word, out var day) && day is >= 0 and <= DaysMax && (onDays.Count == 0 || day > onDays[^1]))
                    onDays.Add(day);
                else
                    problems.Add(at, $"onDays is a list of whole numbers that grow, from 0 to {DaysMax}");
            }
        }
        var tests = new TestsNeeded(
            node.NumberOrParameter("negative", 1, 20, onDays.Count > 0 ? onDays.Count : 0, parameters), node.NumberOrParameter("withinDays", 1, DaysMax, 0, parameters),
            node.NumberOrParameter("apartHours", 1, 24 * 14, 0, parameters), node.NumberOrParameter("fromDay", 1, DaysMax, 0, parameters), [.. onDays]);
        node.NothingElse();
        if (tests.Count == 0)
            node.Problem("tests says how many: negative, or onDays");
        if (onDays.Count > 0 && node.Which(["negative", "withinDays", "apartHours", "fromDay"]).Count > 0)
            node.Problem("onDays", "onDays says how many tests and when: nothing else stands beside it");
        return tests;
    }
}
