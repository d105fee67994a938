using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.People;

/// <summary>What residents do with their own code: show it, report, look back.</summary>
internal static class PeopleFeature
{
    public static IServiceCollection AddPeople(this IServiceCollection services) => services
        .AddSingleton<PeopleDirectory>().AddSingleton<Words>();

    public static void MapPeople(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("People").RequireAuthorization(Roles.Resident);
        group.MapGet(Routes.MyCode, ShowCode).WithSummary("My code now, signed, with its reasons");
        group.MapPost(Routes.MyReports, Report).WithSummary("Today's health report");
        group.MapPost(Routes.MyStays, ReportStay).WithSummary("Where I was, or live now");
        group.MapGet(Routes.MyHistory, GetHistory).WithSummary("All evidence about me, and who looked me up");
    }

    private static async Task<IResult> ShowCode(
        HttpContext http, PeopleDirectory people, Words words, CancellationToken cancellation)
    {
        if (http.User.Person() is not { } person)
            return Refuse.With(Refusals.NotApplied);
        var shown = await people.ShowAsync(person);
        var name = await people.MaskedNameAsync(person, cancellation);
        var state = new CodeState(
            Words.ColourOf(shown.Decided.Colour), shown.Decided.Colour.ToLevel(), name ?? "*", shown.Code, shown.IssuedAt, shown.ExpiresAt,
            Words.Moment(new Minute(shown.Decided.NextChange)), words.EditionOf(shown.Decided), words.ReasonsOf(shown.Decided), shown.ReportedToday);
        return Results.Json(state, ApiJson.Default.CodeState);
    }

    private static async Task<IResult> Report(ReportRequest request, HttpContext http, PeopleDirectory people, TimeProvider time)
    {
        if (http.User.Person() is not { } person)
            return Refuse.With(Refusals.NotApplied);
        if (Fields.SymptomsOf(request.Symptoms, out var symptoms) is { } badSymptoms)
            return badSymptoms;
        if (Fields.Temperature(request.Temperature, out var tenths) is { } badTemperature)
            return badTemperature;
        if (Fields.ContactOf(request.Contact, out var contact) is { } badContact)
            return badContact;
        if (Fields.IdempotencyKey(http.Request, out var key) is { } missing)
            return missing;

        var now = time.GetUtcNow();
        return await AcceptAsync(people, now, new Declaration
        {
            Id = EvidenceId.From("report", key), Person = person, Happened = Minute.Of(now), Received = Minute.Of(now),
            Source = Source.Resident, Symptoms = symptoms, TemperatureTenths = tenths, Contact = contact,
        });
    }

    private static async Task<IResult> ReportStay(
        StayRequest request, HttpContext http, PeopleDirectory people, Divisions divisions, TimeProvider time)
    {
        if (http.User.Person() is not { } person)
            return Refuse.With(Refusals.NotApplied);
        var now = time.GetUtcNow();
        if (Fields.Area(divisions, request.Area, "area", 6, out var area) is { } badArea)
            return badArea;
        if (Fields.Days(request.From, request.Until, Day.Of(Minute.Of(now)), "from") is { } badDays)
            return badDays;
        if (Fields.IdempotencyKey(http.Request, out var key) is { } missing)
            return missing;

        return await AcceptAsync(people, now, new Stay
        {
            Id = EvidenceId.From("stay", key), Person = person, Happened = Day.Of(request.From).Start, Received = Minute.Of(now),
            Source = Source.Resident, Area = area,
            Until = request.Until is { } until ? Day.Of(until).Plus(1).Start : Minute.Never,
        });
    }

    private static async Task<IResult> AcceptAsync(PeopleDirectory people, DateTimeOffset now, Evidence evidence)
    {
        if (await people.AcceptAsync(evidence) == Acceptance.KeyReused)
            return Refuse.With(Refusals.IdempotencyKeyReused);
        return Results.Json(
            new ReportAccepted(Words.ColourOf((await people.DecideAsync(evidence.Person)).Colour), now), ApiJson.Default.ReportAccepted, statusCode: StatusCodes.Status201Created);
    }

    private static async Task<IResult> GetHistory(
        HttpContext http, PeopleDirectory people, Words words, IDbContextFactory<BackOfficeContext> backOffice, CancellationToken cancellation)
    {
        if (http.User.Person() is not { } person)
            return Refuse.With(Refusals.NotApplied);
        var record = await people.RecordAsync(person);
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var lookUps = await context.LookUps.Where(lookUp => lookUp.Person == person).OrderByDescending(lookUp => lookUp.At)
            .Take(200).ToListAsync(cancellation);
        return Results.Json(
            new HistoryState(
                [.. record.All.Reverse().Select(evidence => words.StateOf(evidence, record))],
                [.. lookUps.Select(lookUp => new LookUpState(lookUp.At, lookUp.By, lookUp.Role, lookUp.Purpose))]),
            ApiJson.Default.HistoryState);
    }
}
