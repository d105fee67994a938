using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Areas;
using HealthCode.Server.People;
using HealthCode.Storage;

namespace HealthCode.Server.Plans;

/// <summary>A trial's outcome as the interface gives it.</summary>
internal static class WhatIfWords
{
    public static WhatIfAnswer AnswerOf(WhatIfOutcome outcome, AreaDirectory areas) => new(
        outcome.Draft.Id, outcome.InForce.Id, Words.Moment(outcome.At)!.Value, outcome.People, outcome.Changed,
        [.. ColourTable.Ways.Select(pair => new ColourChange(Words.ColourOf(pair.From), Words.ColourOf(pair.To), outcome.Colours[pair.From, pair.To]))],
        [.. outcome.Areas.Select(area => AreaOf(area, areas))],
        [.. outcome.Decades.Select(decade => new DecadeChange(decade.Key == 0 ? null : decade.Key, ColoursOf(decade)))],
        [.. outcome.Rules.Select(rule => new RuleChange(rule.Number, rule.Before, rule.After, rule.Gained, rule.Lost))],
        [.. outcome.Shapes.Select(ShapeOf)], Math.Round(outcome.Took.TotalSeconds, 3));

    private static AreaChange AreaOf(GroupOutcome<AreaCode> area, AreaDirectory areas) => new(
        area.Key.IsNone ? null : area.Key.ToString(),
        area.Key.IsNone ? new("未申报住址", "No residence told") : areas.NameOf(area.Key),
        ColoursOf(area));

    private static IReadOnlyList<GroupColourChange> ColoursOf<T>(GroupOutcome<T> group) =>
        [.. ColourTable.Ways.Select(pair => new GroupColourChange(Words.ColourOf(pair.From), Words.ColourOf(pair.To), group.Shown(pair.From, pair.To)))];

    private static RecordShape ShapeOf(ShapeOutcome shape) => new(
        Words.ColourOf(shape.From), Words.ColourOf(shape.To), shape.Before, shape.After, shape.People,
        [.. shape.Example.Select(entry => new EvidenceShape(
            Spelling.Of(entry.Kind), Spelling.Of(entry.Source), entry.DaysAgo))]);
}
