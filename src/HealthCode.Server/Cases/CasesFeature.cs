using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.People;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Cases;

/// <summary>Diagnoses, looking a person up for a reason, and taking back what was wrong.</summary>
/// <remarks>
/// Nothing here sets a colour. A diagnosis is evidence with a name behind it; a look-up is recorded before it is
/// answered, and the person reads who, when and why.
/// </remarks>
internal static class CasesFeature
{
    public static void MapCases(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Cases");
        group.MapGet(Routes.Cases, GetCases).RequireAuthorization(Roles.Epidemiologist).WithSummary("The latest cases");
        group.MapPost(Routes.Cases, RecordCase).RequireAuthorization(Roles.Epidemiologist).WithSummary("Record a diagnosis");
        group.MapPost(Routes.LookUps, LookUp).RequireAuthorization(Policies.CaseWork).RequireRateLimiting(SecurityFeature.LookUpsLimit)
            .WithSummary("Look a person up; it is recorded, and the person can read it");
        group.MapPost(Routes.Corrections, Correct).RequireAuthorization(Policies.CaseWork).WithSummary("Withdraw evidence that was wrong");
    }

    private static async Task<IResult> GetCases(
        IDbContextFactory<BackOfficeContext> backOffice, PeopleDirectory people, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var files = await context.CaseFiles.AsNoTracking().OrderByDescending(file => file.RecordedAt).Take(100).ToListAsync(cancellation);
        var states = new List<CaseState>(files.Count);
        foreach (var file in files)
            states.Add(StateOf(file, await people.MaskedNameAsync(file.Person, cancellation)));
        return Results.Json((IReadOnlyList<CaseState>)states, ApiJson.Wire.IReadOnlyListCaseState);
    }

    private static async Task<IResult> RecordCase(
        CaseRequest request, HttpContext http, PeopleDirectory people, IDbContextFactory<BackOfficeContext> backOffice,
        TimeProvider time, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var today = Day.Of(Minute.Of(now));
        if (Fields.Document(request.DocumentType, request.DocumentNumber, today, out var document) is { } badDocument)
            return badDocument;
        if (!Spelling.TryRead<DiagnosisStatus>(request.Status, out var status))
            return Refuse.With(Refusals.StatusUnknown, "status");
        if (request.Diagnosed > now.AddMinutes(1))
            return Refuse.With(Refusals.DiagnosisInTheFuture, "diagnosed");
        if (Minute.Of(request.Diagnosed).Value < Minute.PerDay || request.Onset > today.ToDateOnly())
            return Refuse.With(Refusals.DateImpossible, request.Onset > today.ToDateOnly() ? "onset" : "diagnosed");
        if (Fields.Text(request.Institution, "institution", Refusals.FieldMissing, 100) is { } badInstitution)
            return badInstitution;
        if (Fields.IdempotencyKey(http.Request, out var key) is { } missing)
            return missing;

        var person = people.PersonOf(document);
        var diagnosis = new Diagnosis
        {
            Id = EvidenceId.From("diagnosis", key), Person = person, Happened = Minute.Of(request.Diagnosed), Received = Minute.Of(now),
            Source = Source.Epidemiologist, EnteredBy = http.User.StaffName(), Status = status, Institution = request.Institution.Trim(),
            Onset = request.Onset is { } onset ? Day.Of(onset) : null,
        };
        if (await people.AcceptAsync(diagnosis) == Acceptance.KeyReused)
            return Refuse.With(Refusals.IdempotencyKeyReused);

        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var file = await context.CaseFiles.FirstOrDefaultAsync(
            known => known.Person == person && known.EvidenceId == diagnosis.Id, cancellation);
        if (file is null)
        {
            file = FileOf(request, diagnosis, document, now);
            context.CaseFiles.Add(file);
            context.LookUps.Add(LookUpOf(person, http, now, "录入诊断 / diagnosis recorded"));
            await context.SaveChangesAsync(cancellation);
        }
        return Results.Json(
            StateOf(file, await people.MaskedNameAsync(person, cancellation)), ApiJson.Wire.CaseState,
            statusCode: StatusCodes.Status201Created);
    }

    private static async Task<IResult> LookUp(
        LookUpRequest request, HttpContext http, PeopleDirectory people, Words words,
        IDbContextFactory<BackOfficeContext> backOffice, TimeProvider time, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (Fields.Document(request.DocumentType, request.DocumentNumber, Day.Of(Minute.Of(now)), out var document) is { } badDocument)
            return badDocument;
        if (Fields.Text(request.Purpose, "purpose", Refusals.ReasonMissing) is { } badPurpose)
            return badPurpose;

        var person = people.PersonOf(document);
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        context.LookUps.Add(LookUpOf(person, http, now, request.Purpose.Trim()));
        await context.SaveChangesAsync(cancellation);

        var name = await people.MaskedNameAsync(person, cancellation);
        var record = await people.RecordAsync(person);
        if (name is null && record.All.Count == 0)
            return Refuse.With(Refusals.PersonUnknown);
        var decided = await people.DecideAsync(person);
        return Results.Json(
            new PersonState(
                person.ToString(), name is not null, name, Words.ColourOf(decided.Colour), words.ReasonsOf(decided),
                [.. record.All.Where(evidence => MayRead(http, evidence)).Reverse()
                    .Select(evidence => words.StateOf(evidence, record, Reporters.MayWithdraw(http.User, evidence)))]),
            ApiJson.Wire.PersonState);
    }

    private static async Task<IResult> Correct(
        CorrectionRequest request, HttpContext http, PeopleDirectory people, IDbContextFactory<BackOfficeContext> backOffice,
        TimeProvider time, CancellationToken cancellation)
    {
        if (!PersonId.TryParse(request.Person, out var person))
            return Refuse.With(Refusals.PersonUnknown, "person");
        var record = await people.RecordAsync(person);
        if (!EvidenceId.TryParse(request.Evidence, out var id) || record.Find(id) is not { } wrong)
            return Refuse.With(Refusals.EvidenceUnknown, "evidence");
        if (!Reporters.MayWithdraw(http.User, wrong) || record.IsWithdrawn(id))
            return Refuse.With(Refusals.EvidenceNotCorrectable, "evidence");
        if (Fields.Text(request.Reason, "reason", Refusals.ReasonMissing) is { } badReason)
            return badReason;

        var now = time.GetUtcNow();
        // One correction for one piece of evidence: whoever sends it twice, it is the same.
        var correction = new Correction
        {
            Id = EvidenceId.From("correction", $"{person}/{id}"), Person = person, Happened = Minute.Of(now), Received = Minute.Of(now),
            Source = Reporters.SourceOf(http.User), EnteredBy = http.User.StaffName(), Corrects = id, Reason = request.Reason.Trim(),
        };
        await people.AcceptAsync(correction);
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        await context.CaseFiles.Where(file => file.Person == person && file.EvidenceId == id)
            .ExecuteUpdateAsync(file => file.SetProperty(known => known.WithdrawnBy, http.User.StaffName()), cancellation);
        return Results.Json(
            new CorrectionAccepted(correction.Id.ToString(), Words.ColourOf((await people.DecideAsync(person)).Colour)),
            ApiJson.Wire.CorrectionAccepted, statusCode: StatusCodes.Status201Created);
    }

    /// <summary>Where a person went is for those who trace, not for the neighbourhood.</summary>
    private static bool MayRead(HttpContext http, Evidence evidence) =>
        evidence is not (Visit or Journey) || http.User.IsInRole(Roles.Epidemiologist);

    private static LookUp LookUpOf(PersonId person, HttpContext http, DateTimeOffset now, string purpose) => new()
    {
        Id = Guid.CreateVersion7(now), Person = person, At = now, By = http.User.StaffName(), Purpose = purpose,
        Role = Reporters.RoleOf(http.User),
    };

    private static CaseFile FileOf(CaseRequest request, Diagnosis diagnosis, IdentityDocument document, DateTimeOffset now) => new()
    {
        Id = Guid.CreateVersion7(now), Person = diagnosis.Person, MaskedNumber = document.Masked, Status = request.Status,
        Diagnosed = request.Diagnosed, Onset = request.Onset, Institution = diagnosis.Institution,
        RecordedBy = diagnosis.EnteredBy!, RecordedAt = now, EvidenceId = diagnosis.Id,
    };

    private static CaseState StateOf(CaseFile file, string? maskedName) => new(
        file.Id.ToString(), file.Person.ToString(), file.MaskedNumber, maskedName, file.Status, file.Diagnosed, file.Onset, file.Institution,
        file.RecordedBy, file.RecordedAt, file.WithdrawnBy is not null, file.EvidenceId.ToString());
}
