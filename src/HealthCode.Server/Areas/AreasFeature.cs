using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.People;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Orleans.Concurrency;

namespace HealthCode.Server.Areas;

/// <summary>Divisions, and the risk that epidemiologists set on them for a period.</summary>
internal static class AreasFeature
{
    public static IServiceCollection AddAreas(this IServiceCollection services) => services.AddSingleton<AreaRiskBoard>();

    public static void MapAreas(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Areas");
        group.MapGet(Routes.Divisions, GetDivisions).AllowAnonymous().WithSummary("The divisions below one, or the provinces");
        group.MapGet(Routes.AreaRisks, GetRisks).AllowAnonymous().WithSummary("Areas at risk, now and planned");
        group.MapPost(Routes.AreaRisks, SetRisk).RequireAuthorization(Roles.Epidemiologist).WithSummary("Set the risk of an area for a period");
        group.MapPost(Routes.AreaRiskEnd, EndRisk).RequireAuthorization(Roles.Epidemiologist).WithSummary("End a period");
    }

    private static IResult GetDivisions(string? parent, Divisions divisions, HttpContext http)
    {
        AreaCode area = default;
        if (!string.IsNullOrEmpty(parent) && (!AreaCode.TryParse(parent, out area) || !divisions.Exists(area)))
            return Refuse.With(Refusals.AreaUnknown, "parent");
        http.Response.Headers.CacheControl = "public, max-age=3600";
        return Results.Json(
            (IReadOnlyList<DivisionState>)[.. divisions.Children(area).Select(division => new DivisionState(
                division.Code.ToString(), division.Name, division.EnglishName, divisions.Children(division.Code).Any()))],
            ApiJson.Default.IReadOnlyListDivisionState);
    }

    private static IResult GetRisks(AreaRiskBoard board, Divisions divisions, TimeProvider time)
    {
        var now = Minute.Of(time.GetUtcNow());
        return Results.Json(
            (IReadOnlyList<AreaRiskState>)[.. board.Current.All.Where(risk => risk.Until > now).OrderByDescending(risk => risk.SetAt)
                .Select(risk => StateOf(risk, divisions))],
            ApiJson.Default.IReadOnlyListAreaRiskState);
    }

    private static async Task<IResult> SetRisk(
        AreaRiskRequest request, HttpContext http, IGrainFactory grains, Divisions divisions, TimeProvider time, AreaRiskBoard board)
    {
        var now = Minute.Of(time.GetUtcNow());
        if (Fields.Area(divisions, request.Area, "area", 4, out var area) is { } badArea)
            return badArea;
        if (LevelOf(request.Level) is not { } level)
            return Refuse.With(Refusals.LevelUnknown, "level");
        if (Fields.Text(request.Reason, "reason", Refusals.ReasonMissing) is { } badReason)
            return badReason;
        var from = request.From is { } start ? Minute.Of(start) : now;
        var until = request.Until is { } end ? Minute.Of(end) : Minute.Never;
        if (until <= from || from.Value == 0)
            return Refuse.With(Refusals.DateImpossible, "until");
        if (Fields.IdempotencyKey(http.Request, out var key) is { } missing)
            return missing;

        var id = RiskIdOf(key);
        if (board.Current.Find(id) is { } known)
            return known.Area == area && known.Level == level ? Created(known, divisions) : Refuse.With(Refusals.IdempotencyKeyReused);
        var risk = new AreaRisk(id, area, level, from, until, request.Reason.Trim(), http.User.StaffName(), now);
        await SetAsync(grains, risk);
        return Created(risk, divisions);
    }

    private static async Task<IResult> EndRisk(
        Guid risk, AreaRiskEnd request, HttpContext http, IGrainFactory grains, AreaRiskBoard board, Divisions divisions, TimeProvider time)
    {
        if (board.Current.Find(risk) is not { } known)
            return Refuse.With(Refusals.RiskUnknown);
        if (Fields.Text(request.Reason, "reason", Refusals.ReasonMissing) is { } badReason)
            return badReason;
        var now = Minute.Of(time.GetUtcNow());
        var until = request.At is { } at ? Minute.Of(at) : now;
        if (until < known.From)
            return Refuse.With(Refusals.DateImpossible, "at");
        var ended = known with { Until = until, Reason = request.Reason.Trim(), SetBy = http.User.StaffName(), SetAt = now };
        await SetAsync(grains, ended);
        return Results.Json(StateOf(ended, divisions), ApiJson.Default.AreaRiskState);
    }

    private static IResult Created(AreaRisk risk, Divisions divisions) =>
        Results.Json(StateOf(risk, divisions), ApiJson.Default.AreaRiskState, statusCode: StatusCodes.Status201Created);

    private static Task SetAsync(IGrainFactory grains, AreaRisk risk) =>
        grains.GetGrain<IAreaRiskGrain>(0).Set(EvidenceCodec.EncodeRisks([risk]).AsImmutable());

    // The same submission names the same period, so a retry sets it once.
    private static Guid RiskIdOf(string key) =>
        new(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes("area-risk\n" + key)).AsSpan(0, 16));

    private static RiskLevel? LevelOf(string level) => level switch
    {
        "low" => RiskLevel.Low, "medium" => RiskLevel.Medium, "high" => RiskLevel.High, _ => null,
    };

    private static AreaRiskState StateOf(AreaRisk risk, Divisions divisions) => new(
        risk.Id.ToString(), risk.Area.ToString(), divisions.NamesOf(risk.Area), risk.Level.ToString().ToLowerInvariant(),
        Words.Moment(risk.From)!.Value, Words.Moment(risk.Until), risk.Reason, risk.SetBy, Words.Moment(risk.SetAt)!.Value);
}
