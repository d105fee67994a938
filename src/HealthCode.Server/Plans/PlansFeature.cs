using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.People;

namespace HealthCode.Server.Plans;

/// <summary>The plan in force, readable by everyone without a sign-in.</summary>
internal static class PlansFeature
{
    public static void MapPlans(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("").WithTags("Plans").AllowAnonymous().MapGet(Routes.Edition, GetPlan).WithSummary("The edition in force and its rules");

    private static IResult GetPlan(Policy policy, Words words) => Results.Json(
        new PlanState(words.EditionState, [.. policy.Edition.Rules.Select(rule => new RuleState(
            rule.Number, Words.ColourOf(rule.Colour), rule.Title, rule.Explanation, rule.Owner, rule.Source, rule.WhatToDo))]),
        ApiJson.Default.PlanState);
}
