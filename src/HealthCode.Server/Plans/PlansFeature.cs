using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Cluster;
using HealthCode.Server.People;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.AspNetCore.Mvc;

namespace HealthCode.Server.Plans;

/// <summary>The editions of the plan: readable by everyone, written, tried and approved by plan officers.</summary>
internal static class PlansFeature
{
    /// <summary>An edition and its cases in one request: twice <see cref="EditionText.LengthMax"/> characters of Chinese.</summary>
    private const long BodyBytesMax = 1 << 20;

    public static IServiceCollection AddPlans(this IServiceCollection services) => services
        .AddSingleton<PlanBoard>().AddSingleton<INodeView>(provider => provider.GetRequiredService<PlanBoard>()).AddSingleton<PlanDrafts>().AddSingleton<WhatIfDesk>()
        .AddHostedService(provider => provider.GetRequiredService<WhatIfDesk>());

    public static void MapPlans(this IEndpointRouteBuilder routes)
    {
        var open = routes.MapGroup("").WithTags("Plans").AllowAnonymous();
        open.MapGet(Routes.Plans, GetPlans).WithSummary("Every edition in force, past or planned");
        open.MapGet(Routes.PlanInForce, GetInForce).WithSummary("The edition in force and its rules");
        open.MapGet(Routes.Plan, GetPlan).WithSummary("One edition and its rules");
        open.MapGet(Routes.PlanText, GetText).WithSummary("One edition's file and its cases");

        var officers = routes.MapGroup("").WithTags("Plans").RequireAuthorization(Roles.PlanOfficer).WithMetadata(new RequestSizeLimitAttribute(BodyBytesMax));
        officers.MapGet(Routes.PlanHistory, OfficerEndpoints.GetHistory).WithSummary("Who wrote, approved and withdrew what");
        officers.MapPost(Routes.PlanCheck, OfficerEndpoints.Check).WithSummary("What is wrong in a text, and how its cases do");
        officers.MapGet(Routes.Drafts, OfficerEndpoints.GetDrafts).WithSummary("All drafts");
        officers.MapPost(Routes.Drafts, OfficerEndpoints.AddDraft).WithSummary("Begin a draft, empty or from an edition");
        officers.MapGet(Routes.Draft, OfficerEndpoints.GetDraft).WithSummary("One draft");
        officers.MapPost(Routes.Draft, OfficerEndpoints.SaveDraft).WithSummary("Save a draft as its next version");
        officers.MapPost(Routes.DraftDiscard, OfficerEndpoints.Discard).WithSummary("Discard a draft; its versions are kept");
        officers.MapPost(Routes.DraftWhatIf, OfficerEndpoints.StartWhatIf).WithSummary("Try a draft on the whole population");
        officers.MapPost(Routes.DraftApproval, OfficerEndpoints.Approve).WithSummary("Approve a draft: it takes force now or later");
        officers.MapPost(Routes.PlanWithdrawal, OfficerEndpoints.Withdraw).WithSummary("Withdraw an edition that has not begun");
        officers.MapGet(Routes.WhatIf, OfficerEndpoints.GetWhatIf).WithSummary("How far the trial is, or how it ended");
        officers.MapPost(Routes.WhatIfCancel, OfficerEndpoints.CancelWhatIf).WithSummary("Cancel the trial");
    }

    // This and the edition in force are not kept anywhere: a new edition shows at the very next reading.
    private static IResult GetPlans(PlanBoard board, TimeProvider time)
    {
        var (history, now) = (board.Current, Minute.Of(time.GetUtcNow()));
        return Results.Json(
            (IReadOnlyList<EditionSummary>)[.. history.Editions.Reverse().Select(edition => new EditionSummary(
                edition.Edition.Id, edition.Edition.Title, StateOf(history, edition, now), Words.Moment(edition.InForceFrom)!.Value,
                Words.Moment(history.EndOf(edition)), edition.Edition.Source))],
            ApiJson.Wire.IReadOnlyListEditionSummary);
    }

    private static IResult GetInForce(PlanBoard board, TimeProvider time)
    {
        var now = Minute.Of(time.GetUtcNow());
        return Plan(board.Current, board.Current.At(now), now);
    }

    private static IResult GetPlan(string edition, PlanBoard board, TimeProvider time, HttpContext http)
    {
        if (board.Current.Find(edition) is not { } known)
            return Refuse.With(Refusals.EditionUnknown);
        KeepForAMinute(http);
        return Plan(board.Current, known, Minute.Of(time.GetUtcNow()));
    }

    private static IResult GetText(string edition, PlanBoard board, HttpContext http)
    {
        if (board.Current.Find(edition) is not { } known)
            return Refuse.With(Refusals.EditionUnknown);
        KeepForAMinute(http);
        return Results.Json(new EditionTextState(edition, known.Approval.Text, known.Approval.Cases), ApiJson.Wire.EditionTextState);
    }

    private static IResult Plan(PlanHistory history, Enacted edition, Minute now) => Results.Json(
        new PlanState(
            Words.EditionOf(edition), StateOf(history, edition, now), Words.Moment(history.EndOf(edition)),
            [.. edition.Edition.Rules.Select(StateOf)]),
        ApiJson.Wire.PlanState);

    private static RuleState StateOf(Rule rule) => new(
        rule.Number, Words.ColourOf(rule.Colour), rule.Title, rule.Explanation, rule.End, [.. rule.Holds.Select(PlanText.Of)],
        [.. rule.Ends.Select(PlanText.Of)], rule.StartsAfterDays, rule.Owner, rule.Source, rule.WhatToDo, rule.Pass);

    private static string StateOf(PlanHistory history, Enacted edition, Minute now) =>
        edition == history.At(now) ? "in-force" : edition.InForceFrom > now ? "planned" : "past";

    private static void KeepForAMinute(HttpContext http) => http.Response.Headers.CacheControl = "public, max-age=60";
}
