using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.People;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Applications;

/// <summary>Applying for a code: once, with a real name, by the person whose phone it is.</summary>
internal static class ApplicationsFeature
{
    /// <summary>The consent text that the page shows; another one was not agreed to.</summary>
    public const string ConsentEdition = "2026-11";

    public static IServiceCollection AddApplications(this IServiceCollection services) => services.AddScoped<Applicant>();

    public static void MapApplications(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("").WithTags("Applications").MapPost(Routes.Applications, Apply)
            .RequireAuthorization(Roles.Resident).RequireRateLimiting(SecurityFeature.ApplicationsLimit)
            .WithSummary("Apply for a code; the same document finds the same person");

    private static Task<IResult> Apply(ApplicationRequest request, HttpContext http, Applicant applicant, CancellationToken cancellation) =>
        applicant.ApplyAsync(request, http, cancellation);
}

/// <summary>One application, from its fields to the evidence and the profile.</summary>
internal sealed class Applicant(
    PeopleDirectory people, PersonVault vault, IRealNameCheck register, Divisions divisions,
    IDbContextFactory<BackOfficeContext> backOffice, TimeProvider time)
{
    public async Task<IResult> ApplyAsync(ApplicationRequest request, HttpContext http, CancellationToken cancellation)
    {
        var now = Minute.Of(time.GetUtcNow());
        if (Check(request, Day.Of(now), out var checked_) is { } refused)
            return refused;
        if (Fields.IdempotencyKey(http.Request, out var key) is { } missing)
            return missing;

        var phone = http.User.Phone()!;
        var person = people.PersonOf(checked_.Document);
        RealNameAnswer answer;
        try
        {
            answer = await register.CheckAsync(checked_.Name, checked_.Document, phone, cancellation);
        }
        catch (RegisterUnavailableException)
        {
            return new Refused(Refusals.RegisterUnavailable, retryAfterSeconds: 60);
        }

        // One answer for everything that does not fit, so that nobody can try numbers, names or phones out. A phone that
        // a community worker confirmed stands in the vault and counts like the register's.
        var known = await vault.GetAsync(person, cancellation);
        var phoneIsTheirs = known is not null ? known.Phone == phone.Normalized : answer.PhoneMatches;
        if (!answer.IdentityMatches || !phoneIsTheirs)
            return Refuse.With(Refusals.IdentityNotConfirmed);

        var alreadyHad = known is not null && await HasConsentedAsync(person, cancellation);
        if (!alreadyHad)
        {
            // Evidence first: a code without a profile would be nameless, evidence without a profile merely waits.
            await people.AcceptAsync(EvidenceOf(request, checked_, person, key, now));
            await vault.PutAsync(person, ProfileOf(request, checked_, phone), cancellation);
            await ConsentAsync(person, request.ConsentEdition, cancellation);
        }
        else if ((await people.RecordAsync(person)).Find(IdOf(key, "health")) is not null)
        {
            // The application that gave them their code, sent again: the same answer.
            alreadyHad = false;
        }
        await http.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, Caller.Resident(phone, person));
        return Results.Json(
            new ApplicationAccepted(alreadyHad), ApiJson.Wire.ApplicationAccepted,
            statusCode: alreadyHad ? StatusCodes.Status200OK : StatusCodes.Status201Created);
    }

    private sealed record Checked(
        PersonName Name, IdentityDocument Document, Symptoms Symptoms, DeclaredContact Contact, AreaCode CameFrom, AreaCode StayingAt);

    private Refused? Check(ApplicationRequest request, Day today, out Checked result)
    {
        result = null!;
        if (Fields.Name(request.Name, out var name) is { } badName)
            return badName;
        if (Fields.Document(request.DocumentType, request.DocumentNumber, today, out var document) is { } badDocument)
            return badDocument;
        if (Fields.SymptomsOf(request.Symptoms, out var symptoms) is { } badSymptoms)
            return badSymptoms;
        if (Fields.ContactOf(request.Contact, out var contact) is { } badContact)
            return badContact;
        if (request.HouseholdDivision is { } household && Fields.Area(divisions, household, "householdDivision", 6, out _) is { } badHousehold)
            return badHousehold;
        if (CheckPlaces(request, today, out var cameFrom, out var stayingAt) is { } badPlace)
            return badPlace;
        if (request.ConsentEdition != ApplicationsFeature.ConsentEdition)
            return Refuse.With(Refusals.ConsentMissing, "consentEdition");
        result = new Checked(name, document, symptoms, contact, cameFrom, stayingAt);
        return null;
    }

    private Refused? CheckPlaces(ApplicationRequest request, Day today, out AreaCode cameFrom, out AreaCode stayingAt)
    {
        (cameFrom, stayingAt) = (default, default);
        if (request.StayingAt is null)
            return Refuse.With(Refusals.FieldMissing, "stayingAt");
        if (Fields.Area(divisions, request.StayingAt.Area, "stayingAt.area", 6, out stayingAt) is { } badStay)
            return badStay;
        if (Fields.Days(request.StayingAt.Since, null, today, "stayingAt.since") is { } badSince)
            return badSince;
        if (request.StayingAt.Address is { Length: > 100 })
            return Refuse.With(Refusals.TextTooLong, "stayingAt.address");
        if (request.CameFrom is not { } from)
            return null;
        return Fields.Area(divisions, from.Area, "cameFrom.area", 6, out cameFrom)
            ?? Fields.Days(from.From ?? from.Until, from.Until, today, "cameFrom.until");
    }

    private static IEnumerable<Evidence> EvidenceOf(ApplicationRequest request, Checked fields, PersonId person, string key, Minute now)
    {
        yield return new Declaration
        {
            Id = IdOf(key, "health"), Person = person, Happened = now, Received = now, Source = Source.Resident,
            Symptoms = fields.Symptoms, Contact = fields.Contact,
        };
        yield return new Stay
        {
            Id = IdOf(key, "staying"), Person = person, Happened = Minute.Earlier(now, Day.Of(request.StayingAt.Since).Start), Received = now,
            Source = Source.Resident, Area = fields.StayingAt, Until = Minute.Never,
        };
        if (request.CameFrom is { } from)
        {
            yield return new Stay
            {
                Id = IdOf(key, "came-from"), Person = person, Happened = Day.Of(from.From ?? from.Until).Start, Received = now,
                Source = Source.Resident, Area = fields.CameFrom, Until = Day.Of(from.Until).Plus(1).Start,
            };
        }
    }

    private static EvidenceId IdOf(string key, string part) => EvidenceId.From("application", $"{key}/{part}");

    private static PersonProfile ProfileOf(ApplicationRequest request, Checked fields, PhoneNumber phone) => new(
        fields.Name.Full, fields.Document.Type, fields.Document.Normalized, phone.Normalized, request.HouseholdDivision,
        request.StayingAt.Address);

    private async Task<bool> HasConsentedAsync(PersonId person, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        return await context.Consents.AnyAsync(consent => consent.Person == person, cancellation);
    }

    private async Task ConsentAsync(PersonId person, string edition, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        context.Consents.Add(new Consent { Person = person, Edition = edition, At = time.GetUtcNow() });
        await context.SaveChangesAsync(cancellation);
    }
}
