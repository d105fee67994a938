using System.Runtime.InteropServices;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Counts one record after the other under both editions.</summary>
internal sealed class WhatIfTally(WhatIfQuestion question, AreaRisks areas, IReadOnlyDictionary<PersonId, short> birthDecades)
{
    /// <summary>Different shapes that are told apart; more than two editions can sensibly make.</summary>
    private const int ShapesMax = 4_096;

    private const int ShapesTold = 20;
    private const int ExampleEntriesMax = 12;

    private readonly ColourTable colours = new();
    private readonly SortedDictionary<AreaCode, ColourTable> counties = [];
    private readonly SortedDictionary<short, ColourTable> decades = [];
    private readonly Dictionary<Shape, (long People, IReadOnlyList<ShapeEntry> Example)> shapes = [];
    private readonly IReadOnlyList<Rule> before = question.InForce.Edition.Rules;
    private readonly IReadOnlyList<Rule> after = question.Draft.Edition.Rules;
    private readonly List<RuleTally> rules = RulesOf(question);
    private long changed;

    private readonly record struct Shape(Colour From, Colour To, ulong Before, ulong After);

    public long People { get; private set; }

    public void Count(PersonRecord record)
    {
        var old = question.InForce.Decide(record.Facts, areas, question.At);
        var tried = question.Draft.Decide(record.Facts, areas, question.At);
        People++;
        colours[old.Colour, tried.Colour]++;
        TableOf(counties, Residence(record))[old.Colour, tried.Colour]++;
        TableOf(decades, birthDecades.GetValueOrDefault(record.Person))[old.Colour, tried.Colour]++;
        foreach (var rule in rules)
            rule.Count(old.Holding, tried.Holding);
        if (old.Colour != tried.Colour)
            CountChanged(record, new(old.Colour, tried.Colour, old.Holding, tried.Holding));
    }

    public WhatIfOutcome Outcome(TimeSpan took)
    {
        return new(
            question.InForce.Edition, question.Draft.Edition, question.At, People, changed, colours, Told(counties), Told(decades),
            [.. rules.Select(rule => rule.Outcome)],
            [.. shapes.Where(shape => shape.Value.People >= WhatIfOutcome.GroupMin).OrderByDescending(shape => shape.Value.People).Take(ShapesTold).Select(OutcomeOf)],
            took);
    }

    private void CountChanged(PersonRecord record, Shape shape)
    {
        changed++;
        ref var known = ref CollectionsMarshal.GetValueRefOrNullRef(shapes, shape);
        if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref known))
            known.People++;
        else if (shapes.Count < ShapesMax)
            shapes.Add(shape, (1, ExampleOf(record)));
    }

    private static ColourTable TableOf<T>(SortedDictionary<T, ColourTable> groups, T key) where T : notnull
    {
        if (!groups.TryGetValue(key, out var table))
            groups.Add(key, table = new());
        return table;
    }

    private static List<GroupOutcome<T>> Told<T>(SortedDictionary<T, ColourTable> groups) where T : notnull
    {
        var told = groups.Select(group => new GroupOutcome<T>(group.Key, group.Value)).ToList();
        GroupOutcome<T>.Hide(told);
        return told;
    }

    /// <summary>The county of the latest stay that lasts; none for somebody who has told of none.</summary>
    private static AreaCode Residence(PersonRecord record)
    {
        AreaCode area = default;
        foreach (var evidence in record.Standing)
        {
            if (evidence is Stay { Until.IsNever: true } stay)
                area = stay.Area;
        }
        while (area.Depth > 6)
            area = area.Parent;
        return area;
    }

    // Visits hold no rule, and where somebody went is nobody's business here.
    private IReadOnlyList<ShapeEntry> ExampleOf(PersonRecord record)
    {
        var entries = new List<ShapeEntry>();
        for (var index = record.Standing.Length - 1; index >= 0 && entries.Count < ExampleEntriesMax; index--)
        {
            var evidence = record.Standing[index];
            if (evidence is not Visit)
                entries.Add(new(evidence.Kind, evidence.Source, DaysAgo(evidence.Happened)));
        }
        return entries;
    }

    private int DaysAgo(Minute moment) => Math.Clamp((question.At.Value - moment.Value) / Minute.PerDay, 0, ShapeEntry.DaysAgoMax);

    private ShapeOutcome OutcomeOf(KeyValuePair<Shape, (long People, IReadOnlyList<ShapeEntry> Example)> shape) => new(
        shape.Key.From, shape.Key.To, NumbersOf(before, shape.Key.Before), NumbersOf(after, shape.Key.After), shape.Value.People, shape.Value.Example);

    private static IReadOnlyList<string> NumbersOf(IReadOnlyList<Rule> rules, ulong holding) =>
        [.. rules.Where((_, index) => (holding & (1UL << index)) != 0).Select(rule => rule.Number)];

    private static List<RuleTally> RulesOf(WhatIfQuestion question)
    {
        var (before, after) = (question.InForce.Edition.Rules, question.Draft.Edition.Rules);
        return [.. after.Concat(before).Select(rule => rule.Number).Distinct().Select(number => new RuleTally(number, BitOf(before, number), BitOf(after, number)))];
    }

    private static ulong BitOf(IReadOnlyList<Rule> rules, string number) => rules.Index().FirstOrDefault(rule => rule.Item.Number == number) is { Item: not null } found
        ? 1UL << found.Index : 0;

    private sealed class RuleTally(string number, ulong beforeBit, ulong afterBit)
    {
        private long before;
        private long after;
        private long gained;
        private long lost;

        public RuleOutcome Outcome => new(number, before, after, gained, lost);

        public void Count(ulong held, ulong holds)
        {
            var (was, now) = ((held & beforeBit) != 0, (holds & afterBit) != 0);
            before += was ? 1 : 0;
            after += now ? 1 : 0;
            gained += now && !was ? 1 : 0;
            lost += was && !now ? 1 : 0;
        }
    }
}
