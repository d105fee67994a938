using System.Security.Cryptography;
using System.Text;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Operating;
using HealthCode.Server.People;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Sources;

/// <summary>Facts about people that others than themselves report: one by hand, or many as a feed.</summary>
/// <remarks>
/// Nothing here sets a colour. A fact carries who says so and which account entered it, both of which the person reads;
/// one that was entered by hand is recorded as a look-up, because its answer shows the person's colour.
/// </remarks>
internal static class SourcesFeature
{
    /// <summary>A feed of some hundred million lines. They go through memory one after the other.</summary>
    private const long FeedSizeMax = 64L << 30;

    public static IServiceCollection AddSources(this IServiceCollection services) => services.AddSingleton<EntryReader>().AddSingleton<RunningFeeds>();

    public static void MapSources(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Sources");
        group.MapPost(Routes.Evidence, Enter).RequireAuthorization(Policies.CaseWork).RequireRateLimiting(SecurityFeature.LookUpsLimit)
            .Accepts<EvidenceEntry>("application/json").Produces<EvidenceAccepted>(StatusCodes.Status201Created)
            .WithSummary("Enter a fact about a person who is named by document; it is recorded, and the person can read it");
        group.MapPost(Routes.EvidenceFeed, Feed).WithLoad(Load.Feed).RequireAuthorization(Roles.Epidemiologist)
            .WithMetadata(new RequestSizeLimitAttribute(FeedSizeMax))
            .Accepts<EvidenceEntry>("application/jsonl", "application/x-ndjson", "application/json").Produces<FeedReport>()
            .WithSummary("Facts of a source as JSON Lines, one a line; each bad line is named, the others are kept");
        group.MapGet(Routes.EvidenceFeeds, GetFeeds).RequireAuthorization(Roles.Epidemiologist)
            .Produces<IReadOnlyList<FeedProgress>>().WithSummary("The feeds that this node is taking in, and how far they have come");
    }

    private static async Task<IResult> Enter(
        HttpContext http, EntryReader entries, PeopleDirectory people, Words words, IDbContextFactory<BackOfficeContext> backOffice,
        TimeProvider time, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (EntryReader.Parse(await BodyAsync(http, cancellation), out var entry) is { } malformed)
            return malformed;
        if (entry.Id is not null || entry.Source is not null)
            return Refuse.With(Refusals.FieldUnknown, entry.Id is not null ? "id" : "source");
        var hasKey = Fields.IdempotencyKey(http.Request, out var key);
        if (entries.Read(
            entry, EvidenceId.From("entry", key), Reporters.SourceOf(http.User), http.User.StaffName(), now, out var evidence) is { } bad)
            return bad;
        if (!Reporters.MayEnter(http.User, evidence))
            return Refuse.With(Refusals.NotAllowed, "kind");
        if (hasKey is { } missing)
            return missing;
        if (evidence is Pass pass && await MayNotPassAsync(people, words, pass) is { } noPass)
            return noPass;

        if (await people.AcceptAsync(evidence) == Acceptance.KeyReused)
            return Refuse.With(Refusals.IdempotencyKeyReused);
        await RecordLookUpAsync(http, backOffice, evidence, now, cancellation);
        var decided = await people.DecideAsync(evidence.Person);
        return Results.Json(
            new EvidenceAccepted(
                evidence.Id.ToString(), evidence.Person.ToString(), await people.MaskedNameAsync(evidence.Person, cancellation),
                Words.ColourOf(decided.Colour), [.. decided.Reasons.Select(reason => reason.Rule)]),
            ApiJson.Wire.EvidenceAccepted, statusCode: StatusCodes.Status201Created);
    }

    private static async Task<IResult> Feed(
        HttpContext http, EntryReader entries, PeopleDirectory people, RunningFeeds running, TimeProvider time, CancellationToken cancellation)
    {
        var feed = new EvidenceFeed(entries, people, http.User.StaffName(), time);
        using var listed = running.Add(feed);
        return Results.Json(await feed.ReadAsync(http.Request.BodyReader, cancellation), ApiJson.Wire.FeedReport);
    }

    private static IResult GetFeeds(RunningFeeds running) => Results.Json(running.All, ApiJson.Wire.IReadOnlyListFeedProgress);

    private static async Task<byte[]> BodyAsync(HttpContext http, CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, cancellation);
        return body.ToArray();
    }

    /// <summary>A person's next pass, so many days after the last one at the earliest (Guangxi, December 2021: once).</summary>
    private const int DaysBetweenPasses = 7;

    // A pass for one rule would be a pass for all that hold, so each of them has to allow it.
    private static async Task<Refused?> MayNotPassAsync(PeopleDirectory people, Words words, Pass pass)
    {
        var record = await people.RecordAsync(pass.Person);
        if (record.Find(pass.Id) is not null)
            return null;
        if (record.All.OfType<Pass>().Any(other => !record.IsWithdrawn(other.Id) && other.Happened.PlusDays(DaysBetweenPasses) > pass.Happened))
            return Refuse.With(Refusals.PassGivenAlready);
        var decided = await people.DecideAsync(pass.Person);
        var held = decided.Reasons.Select(reason => words.RuleOf(decided, reason.Rule)).ToList();
        return held.Count > 0 && held.TrueForAll(rule => rule.Pass) ? null : Refuse.With(Refusals.PassNotNeeded);
    }

    // Before the answer, and once for one fact however often it is sent: its id comes from the fact's.
    private static async Task RecordLookUpAsync(
        HttpContext http, IDbContextFactory<BackOfficeContext> backOffice, Evidence evidence, DateTimeOffset now, CancellationToken cancellation)
    {
        var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"look-up\n{evidence.Person}/{evidence.Id}")).AsSpan(0, 16));
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        if (await context.LookUps.AnyAsync(lookUp => lookUp.Id == id, cancellation))
            return;
        var title = Words.KindName(evidence.Kind);
        context.LookUps.Add(new LookUp
        {
            Id = id, Person = evidence.Person, At = now, By = http.User.StaffName(), Role = Reporters.RoleOf(http.User),
            Purpose = $"录入{title.Zh} / {title.En} recorded",
        });
        await context.SaveChangesAsync(cancellation);
    }
}
