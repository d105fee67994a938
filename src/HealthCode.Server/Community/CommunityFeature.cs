using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Applications;
using HealthCode.Server.People;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Community;

/// <summary>A person whose phone is not the register's asks, and a community worker confirms or refuses.</summary>
internal static class CommunityFeature
{
    private const string Open = "open", Confirmed = "confirmed", Refused_ = "refused";

    public static void MapCommunity(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Community");
        group.MapPost(Routes.PhoneChanges, Ask).RequireAuthorization(Roles.Resident)
            .RequireRateLimiting(SecurityFeature.ApplicationsLimit).WithSummary("Ask that my new phone be confirmed");
        group.MapGet(Routes.PhoneChanges, GetOpen).RequireAuthorization(Roles.CommunityWorker).WithSummary("Requests, open ones first");
        group.MapPost(Routes.PhoneChangeAnswer, Answer).RequireAuthorization(Roles.CommunityWorker).WithSummary("Confirm or refuse");
    }

    // The same answer whether the person is known or not: it cannot be used to find out.
    private static async Task<IResult> Ask(
        PhoneChangeRequest request, HttpContext http, PeopleDirectory people, PersonVault vault, IRealNameCheck register,
        IDbContextFactory<BackOfficeContext> backOffice, TimeProvider time, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (Fields.Name(request.Name, out var name) is { } badName)
            return badName;
        if (Fields.Document(request.DocumentType, request.DocumentNumber, Day.Of(Minute.Of(now)), out var document) is { } badDocument)
            return badDocument;
        if (Fields.IdempotencyKey(http.Request, out var key) is { } missing)
            return missing;
        var phone = http.User.Phone()!;
        bool inRegister;
        try
        {
            inRegister = (await register.CheckAsync(name, document, phone, cancellation)).IdentityMatches;
        }
        catch (RegisterUnavailableException)
        {
            return new Refused(Refusals.RegisterUnavailable, retryAfterSeconds: 60);
        }

        var person = people.PersonOf(document);
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var id = IdOf(key, person, phone);
        if (await context.PhoneChanges.FindAsync([id], cancellation) is { } asked)
            return Asked(asked);
        var change = new PhoneChange
        {
            Id = id, Person = person, InRegister = inRegister, State = Open, AskedAt = now,
            Payload = await vault.SealAsync(
                person, new PersonProfile(name.Full, document.Type, document.Normalized, phone.Normalized, null, null), cancellation),
        };
        context.PhoneChanges.Add(change);
        await context.SaveChangesAsync(cancellation);
        return Asked(change);
    }

    private static IResult Asked(PhoneChange change) => Results.Json(
        new PhoneChangeAsked(change.Id.ToString(), change.AskedAt), ApiJson.Wire.PhoneChangeAsked, statusCode: StatusCodes.Status202Accepted);

    // The same submission is the same request, so that a worker answers it once. Nobody else can name it.
    private static Guid IdOf(string key, PersonId person, PhoneNumber phone) => new(System.Security.Cryptography.SHA256.HashData(
        System.Text.Encoding.UTF8.GetBytes($"phone-change\n{key}\n{person}\n{phone.Normalized}")).AsSpan(0, 16));

    private static async Task<IResult> GetOpen(
        IDbContextFactory<BackOfficeContext> backOffice, PersonVault vault, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var changes = await context.PhoneChanges.AsNoTracking()
            .OrderBy(change => change.State == Open ? 0 : 1).ThenByDescending(change => change.AskedAt).Take(100).ToListAsync(cancellation);
        var states = new List<PhoneChangeState>(changes.Count);
        foreach (var change in changes)
            states.Add(await StateOfAsync(change, vault, cancellation));
        return Results.Json((IReadOnlyList<PhoneChangeState>)states, ApiJson.Wire.IReadOnlyListPhoneChangeState);
    }

    private static async Task<IResult> Answer(
        Guid change, PhoneChangeAnswer request, HttpContext http, PersonVault vault,
        IDbContextFactory<BackOfficeContext> backOffice, TimeProvider time, CancellationToken cancellation)
    {
        if (Fields.Text(request.Reason, "reason", Refusals.ReasonMissing) is { } badReason)
            return badReason;
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        if (await context.PhoneChanges.FindAsync([change], cancellation) is not { } known)
            return Refuse.With(Refusals.NotFound);
        if (known.State != Open)
            return Refuse.With(Refusals.PhoneChangeAnswered);
        if (request.Confirm && !known.InRegister)
            return Refuse.With(Refusals.PhoneChangeNotInRegister);

        if (request.Confirm)
            await ConfirmAsync(vault, known, cancellation);
        (known.State, known.AnsweredBy, known.AnsweredAt, known.Reason) =
            (request.Confirm ? Confirmed : Refused_, http.User.StaffName(), time.GetUtcNow(), request.Reason.Trim());
        context.LookUps.Add(new LookUp
        {
            Id = Guid.CreateVersion7(known.AnsweredAt.Value), Person = known.Person, At = known.AnsweredAt.Value, By = http.User.StaffName(),
            Role = Roles.CommunityWorker, Purpose = "核实手机号 / phone change: " + known.Reason,
        });
        await context.SaveChangesAsync(cancellation);
        return Results.Json(await StateOfAsync(known, vault, cancellation), ApiJson.Wire.PhoneChangeState);
    }

    private static async Task ConfirmAsync(PersonVault vault, PhoneChange change, CancellationToken cancellation)
    {
        var asked = await vault.OpenAsync(change.Person, change.Payload, cancellation);
        var profile = await vault.GetAsync(change.Person, cancellation);
        await vault.PutAsync(change.Person, profile is null ? asked : profile with { Phone = asked.Phone }, cancellation);
    }

    private static async Task<PhoneChangeState> StateOfAsync(PhoneChange change, PersonVault vault, CancellationToken cancellation)
    {
        var asked = await vault.OpenAsync(change.Person, change.Payload, cancellation);
        return new PhoneChangeState(
            change.Id.ToString(),
            PersonName.TryParse(asked.Name, out var name, out _) ? name.Masked : "*",
            IdentityDocument.TryParse(
                asked.DocumentType, asked.DocumentNumber, DateOnly.FromDateTime(change.AskedAt.UtcDateTime.AddDays(1)), out var document, out _)
                ? document.Masked : "*",
            PhoneNumber.TryParse(asked.Phone, out var phone, out _) ? phone.Masked : "*",
            change.InRegister, change.State, change.AskedAt, change.AnsweredBy, change.AnsweredAt);
    }
}
