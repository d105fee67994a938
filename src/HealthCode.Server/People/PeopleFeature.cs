using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Operating;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.People;

/// <summary>What residents do with their own code: show it, report, look back.</summary>
internal static class PeopleFeature
{
    public static IServiceCollection AddPeople(this IServiceCollection services) => services
        .AddSingleton<PeopleDirectory>().AddSingleton<Words>().AddSingleton<PersonDeletion>();

    public static void MapPeople(this IEndpointRouteBuilder routes)
    {
        routes.MapGroup("").WithTags("People").RequireAuthorization(Roles.Resident)
            .MapPost(Routes.MyDeletion, DeleteMe).WithSummary("Delete me, and all that is known of me");
        var group = routes.MapGroup("").WithTags("People").RequireAuthorization(Roles.Resident).AddEndpointFilter(MustBeHereAsync);
        group.MapGet(Routes.MyCode, ShowCode).WithLoad(Load.Display).WithSummary("My code now, signed, with its reasons");
        group.MapPost(Routes.MyReports, Report).WithSummary("Today's health report");
        group.MapPost(Routes.MyStays, ReportStay).WithSummary("Where I was, or live now");
        group.MapGet(Routes.MyQuestions, GetQuestions).WithLoad(Load.Display).WithSummary("Stays that nobody is sure of, and that I am asked about");
        group.MapPost(Routes.MyAnswer, AnswerQuestion).WithSummary("I was there, or I was not");
        group.MapGet(Routes.MyHistory, GetHistory).WithSummary("All evidence about me, and who looked me up");
    }

    // Whoever was deleted may still be signed in elsewhere: a session alone makes nobody. A store that is away stops no display.
    private static async ValueTask<object?> MustBeHereAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        return http.User.Person() is { } person
            && await http.RequestServices.GetRequiredService<PeopleDirectory>().IsGoneAsync(person, http.RequestAborted)
            ? Refuse.With(Refusals.NotApplied) : await next(context);
    }

    private static async Task<IResult> DeleteMe(DeletionRequest request, HttpContext http, PersonDeletion deletion, CancellationToken cancellation)
    {
        if (http.User.Person() is not { } person)
            return Refuse.With(Refusals.NotApplied);
        if (request.Confirm is not { } confirmed)
            return Refuse.With(Refusals.FieldMissing, "confirm");
        if (!confirmed)
            return Refuse.With(Refusals.FieldInvalid, "confirm");
        if (!await deletion.TryAsync(person, cancellation))
            return Refuse.With(Refusals.DeletionHeld);
        await http.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        return Results.NoContent();
    }

    private static async Task<IResult> ShowCode(
        HttpContext http, PeopleDirectory people, Words words, TimeProvider time, CancellationToken cancellation)
    {
        if (http.User.Person() is not { } person)
            return Refuse.With(Refusals.NotApplied);
        var shown = await people.ShowAsync(person);
        var name = await people.ShownNameAsync(person, cancellation);
        var state = new CodeState(
            Words.ColourOf(shown.Decided.Colour), shown.Decided.Colour.ToLevel(), name, shown.Code, shown.IssuedAt, shown.ExpiresAt,
            time.GetUtcNow(), Words.Moment(new Minute(shown.Decided.NextChange)), words.EditionOf(shown.Decided), words.ReasonsOf(shown.Decided),
            shown.ReportedToday, words.QuestionsOf(shown.Decided), Words.ProofOf(shown), shown.Decided.AsOf);
        return Results.Json(state, ApiJson.Wire.CodeState);
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
        return await AcceptAsync(people, new Declaration
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

        return await AcceptAsync(people, new Stay
        {
            Id = EvidenceId.From("stay", key), Person = person, Happened = Day.Of(request.From).Start, Received = Minute.Of(now),
            Source = Source.Resident, Area = area,
            Until = request.Until is { } until ? Day.Of(until).Plus(1).Start : Minute.Never,
        });
    }

    private static async Task<IResult> GetQuestions(HttpContext http, PeopleDirectory people, Words words)
    {
        if (http.User.Person() is not { } person)
            return Refuse.With(Refusals.NotApplied);
        return Results.Json(words.QuestionsOf(await people.DecideAsync(person)), ApiJson.Wire.IReadOnlyListQuestionState);
    }

    // Only what is asked now can be answered, and once: a wrong answer is taken back by the community worker, who is told why.
    private static async Task<IResult> AnswerQuestion(
        string evidence, QuestionAnswer request, HttpContext http, PeopleDirectory people, TimeProvider time)
    {
        if (http.User.Person() is not { } person)
            return Refuse.With(Refusals.NotApplied);
        if (!EvidenceId.TryParse(evidence, out var stay))
            return Refuse.With(Refusals.QuestionUnknown);
        if (request.WasThere is not { } wasThere)
            return Refuse.With(Refusals.FieldMissing, "wasThere");
        if (Fields.IdempotencyKey(http.Request, out var key) is { } missing)
            return missing;

        var now = time.GetUtcNow();
        var answer = new Answer
        {
            Id = EvidenceId.From("answer", key), Person = person, Happened = Minute.Of(now), Received = Minute.Of(now),
            Source = Source.Resident, Question = stay, WasThere = wasThere,
        };
        var record = await people.RecordAsync(person);
        if (record.Find(answer.Id) is null)
        {
            if (record.All.OfType<Answer>().Any(other => other.Question == stay && !record.IsWithdrawn(other.Id)))
                return Refuse.With(Refusals.QuestionAnswered);
            if (!(await people.DecideAsync(person)).Questions.Any(asked => EvidenceCodec.Decode(asked.Stay)[0].Id == stay))
                return Refuse.With(Refusals.QuestionUnknown);
        }
        return await AcceptAsync(people, answer);
    }

    private static async Task<IResult> AcceptAsync(PeopleDirectory people, Evidence evidence)
    {
        var acceptance = await people.AcceptAsync(evidence);
        if (acceptance == Acceptance.KeyReused)
            return Refuse.With(Refusals.IdempotencyKeyReused);
        // A retry is told when the first was taken in.
        var kept = acceptance == Acceptance.Known ? (await people.RecordAsync(evidence.Person)).Find(evidence.Id)! : evidence;
        var colour = (await people.DecideAsync(evidence.Person)).Colour;
        return Results.Json(
            new ReportAccepted(Words.ColourOf(colour), Words.Moment(kept.Received)!.Value), ApiJson.Wire.ReportAccepted,
            statusCode: StatusCodes.Status201Created);
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
            ApiJson.Wire.HistoryState);
    }
}
