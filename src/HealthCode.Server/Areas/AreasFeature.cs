using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Cluster;
using HealthCode.Server.Hosting;
using HealthCode.Server.People;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.AspNetCore.Mvc;
using Orleans.Concurrency;

namespace HealthCode.Server.Areas;

/// <summary>Divisions, and the risk that epidemiologists set on them for a period.</summary>
internal static class AreasFeature
{
    private const int NameLengthMax = 60;
    private const int CommitteeDepth = 12;

    /// <summary>Risk is set on a prefecture (4 digits) or anything smaller.</summary>
    public const int DepthMin = 4;

    /// <param name="divisions">Those that the region knows before its own compounds and buildings.</param>
    public static IServiceCollection AddAreas(this IServiceCollection services, Divisions divisions) => services
        .AddSingleton<AreaRiskBoard>().AddSingleton<INodeView>(provider => provider.GetRequiredService<AreaRiskBoard>())
        .AddSingleton(provider => new AreaDirectory(divisions, provider.GetRequiredService<RegionStores>()))
        .AddSingleton<INodeView>(provider => provider.GetRequiredService<AreaDirectory>())
        .AddScoped(provider => provider.GetRequiredService<AreaDirectory>().Current);

    public static void MapAreas(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Areas");
        group.MapGet(Routes.Divisions, GetDivisions).AllowAnonymous().WithSummary("The divisions below one, or the provinces");
        group.MapPost(Routes.Divisions, AddFreeArea).RequireAuthorization(Roles.Epidemiologist)
            .WithSummary("Add a compound below a residents' committee, or a building below a compound");
        group.MapGet(Routes.Areas, GetAreas).AllowAnonymous().WithSummary("The region's own divisions, down to the residents' committees");
        group.MapGet(Routes.AreaRisks, GetRisks).AllowAnonymous()
            .WithSummary("Areas at risk at a moment and planned after it, as known now or at another; now when absent");
        group.MapGet(Routes.AreaHistory, GetHistory).AllowAnonymous()
            .WithSummary("Every change of the risk of an area and of those that it lies in, newest first");
        group.MapPost(Routes.AreaRisks, SetRisk).RequireAuthorization(Roles.Epidemiologist).WithSummary("Set the risk of an area for a period");
        group.MapPost(Routes.AreaRiskEnd, EndRisk).RequireAuthorization(Roles.Epidemiologist).WithSummary("End a period");
        group.MapPost(Routes.AreaRiskImport, ImportRisks).RequireAuthorization(Roles.Epidemiologist)
            .WithMetadata(new RequestSizeLimitAttribute(AreaRiskFile.BytesMax))
            .WithSummary("Set the risks of a CSV file (text/csv, UTF-8: area,level,from,until,reason)");
    }

    private static IResult GetDivisions(string? parent, Divisions divisions, HttpContext http)
    {
        AreaCode area = default;
        if (!string.IsNullOrEmpty(parent) && Fields.Area(divisions, parent, "parent", 0, out area) is { } badParent)
            return badParent;
        // Below a township there are committees and what is added below them, and that shows at once.
        http.Response.Headers.CacheControl = area.Depth < 9 ? "public, max-age=3600" : "no-cache";
        return Results.Json(
            (IReadOnlyList<DivisionState>)[.. divisions.Children(area).Select(division => StateOf(division, divisions))],
            ApiJson.Wire.IReadOnlyListDivisionState);
    }

    private static async Task<IResult> AddFreeArea(
        FreeAreaRequest request, HttpContext http, AreaDirectory areas, Divisions divisions, INodeLease lease, TimeProvider time,
        CancellationToken cancellation)
    {
        if (Fields.Area(divisions, request.Parent, "parent", 0, out var parent) is { } badParent)
            return badParent;
        if (Fields.Text(request.Name?.Zh, "name.zh", Refusals.FieldMissing, NameLengthMax) is { } badZh)
            return badZh;
        if (Fields.Text(request.Name!.En, "name.en", Refusals.FieldMissing, NameLengthMax) is { } badEn)
            return badEn;
        var name = new Text(request.Name.Zh.Trim(), request.Name.En.Trim());
        var (area, isNew, refusal) = await areas.AddAsync(parent, name, http.User.StaffName(), time.GetUtcNow(), cancellation);
        await lease.ShownEverywhereAsync(areas.Name, areas.Seen, cancellation);
        return refusal is not null ? Refuse.With(refusal, refusal == Refusals.AreaNameTaken ? "name.zh" : "parent")
            : Results.Json(
                StateOf(area!, areas.Current), ApiJson.Wire.DivisionState,
                statusCode: isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private static IResult GetAreas(RegionOptions region, Divisions divisions)
    {
        var own = AreaCode.TryParse(region.Region, out var area) ? area : default;
        return Results.Json(
            new RegionAreas(AreaStateOf(own, divisions), [.. divisions.Within(own, CommitteeDepth).Select(division => AreaStateOf(division.Code, divisions))]),
            ApiJson.Wire.RegionAreas);
    }

    private static async Task<IResult> GetRisks(
        string? at, string? known, HttpContext http, AreaRiskBoard board, AreaDirectory areas, INodeLease lease, TimeProvider time,
        CancellationToken cancellation)
    {
        var (moment, knownAt) = (Minute.Of(time.GetUtcNow()), Minute.Never);
        if (!string.IsNullOrEmpty(at) && Fields.Moment(at, "at", out moment) is { } badAt)
            return badAt;
        if (!string.IsNullOrEmpty(known) && Fields.Moment(known, "known", out knownAt) is { } badKnown)
            return badKnown;
        // Others may have set one without waiting for this node: then it asks the journal first.
        if (!lease.IsHeld)
            await board.CatchUpAsync(cancellation);
        var risks = knownAt.IsNever ? board.Current : board.History.AsKnownAt(knownAt);
        return StatesOf(risks.All.Where(risk => risk.Until > moment && risk.Until > risk.From).OrderByDescending(risk => risk.SetAt), http, areas);
    }

    private static IResult GetHistory(string area, HttpContext http, AreaRiskBoard board, AreaDirectory areas) =>
        Fields.Area(areas.Current, area, "area", 0, out var code) is { } badArea ? badArea : StatesOf(board.History.Of(code), http, areas);

    private static async Task<IResult> SetRisk(
        AreaRiskRequest request, HttpContext http, IGrainFactory grains, AreaDirectory areas, TimeProvider time, AreaRiskBoard board,
        INodeLease lease, CancellationToken cancellation)
    {
        var now = Minute.Of(time.GetUtcNow());
        if (Fields.Area(areas.Current, request.Area, "area", DepthMin, out var area) is { } badArea)
            return badArea;
        if (Fields.Level(request.Level, out var level) is { } badLevel)
            return badLevel;
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
        {
            if (known.Area != area || known.Level != level)
                return Refuse.With(Refusals.IdempotencyKeyReused);
            await lease.ShownEverywhereAsync(board.Name, board.Seen, cancellation);
            return Created(known, http, areas);
        }
        var risk = new AreaRisk(id, area, level, from, until, request.Reason.Trim(), http.User.StaffName(), now);
        await SetAsync([risk], grains, time, lease, cancellation);
        return Created(risk, http, areas);
    }

    private static async Task<IResult> EndRisk(
        Guid risk, AreaRiskEnd request, HttpContext http, IGrainFactory grains, AreaRiskBoard board, AreaDirectory areas, TimeProvider time,
        INodeLease lease, CancellationToken cancellation)
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
        await SetAsync([ended], grains, time, lease, cancellation);
        return Results.Json(StateOf(ended, http, areas), ApiJson.Wire.AreaRiskState);
    }

    private static async Task<IResult> ImportRisks(
        HttpContext http, IGrainFactory grains, AreaRiskBoard board, Divisions divisions, TimeProvider time, INodeLease lease,
        CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, cancellation);
        if (AreaRiskFile.Read(body.ToArray(), divisions, http.User.StaffName(), Minute.Of(time.GetUtcNow()), out var file) is { } refused)
            return refused;

        // What a file said once is not said again: a period that was ended by hand since stays ended.
        var said = board.History.Changes.ToLookup(change => change.Id);
        var news = file.Risks.Where(risk => !said[risk.Id].Any(risk.SaysSameAs)).ToList();
        await SetAsync(news, grains, time, lease, cancellation);
        return Results.Json(
            new AreaRiskImport(file.Rows, news.Count, file.Risks.Count - news.Count, file.Problems), ApiJson.Wire.AreaRiskImport);
    }

    private static IResult Created(AreaRisk risk, HttpContext http, AreaDirectory areas) =>
        Results.Json(StateOf(risk, http, areas), ApiJson.Wire.AreaRiskState, statusCode: StatusCodes.Status201Created);

    // Returns when no display anywhere is decided without them any more.
    private static async Task SetAsync(
        IReadOnlyList<AreaRisk> risks, IGrainFactory grains, TimeProvider time, INodeLease lease, CancellationToken cancellation)
    {
        // The node that writes them may be dying; another does then, and what is set already is not written again.
        var revision = await Patience.TryAsync(time, () => grains.GetGrain<IAreaRiskGrain>(0).Set(EvidenceCodec.EncodeRisks(risks).AsImmutable()));
        await lease.ShownEverywhereAsync(JournalStreams.Areas, revision, cancellation);
    }

    // The same submission names the same period, so a retry sets it once.
    private static Guid RiskIdOf(string key) =>
        new(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes("area-risk\n" + key)).AsSpan(0, 16));

    private static IResult StatesOf(IEnumerable<AreaRisk> risks, HttpContext http, AreaDirectory areas) => Results.Json(
        (IReadOnlyList<AreaRiskState>)[.. risks.Select(risk => StateOf(risk, http, areas))], ApiJson.Wire.IReadOnlyListAreaRiskState);

    // The name of an account is half of a sign-in, and nothing for the public.
    private static AreaRiskState StateOf(AreaRisk risk, HttpContext http, AreaDirectory areas) => new(
        risk.Id.ToString(), risk.Area.ToString(), areas.NameOf(risk.Area), risk.Level.ToString().ToLowerInvariant(),
        Words.Moment(risk.From)!.Value, Words.Moment(risk.Until), risk.Reason, http.User.StaffName() == "" ? null : risk.SetBy,
        Words.Moment(risk.SetAt)!.Value);

    private static DivisionState StateOf(Division division, Divisions divisions) => new(
        division.Code.ToString(), division.Name, division.EnglishName, divisions.Children(division.Code).Any());

    private static AreaState AreaStateOf(AreaCode area, Divisions divisions)
    {
        var (parent, division) = (divisions.ParentOf(area), divisions.Find(area));
        var name = division?.Name ?? area.ToString();
        return new AreaState(area.ToString(), parent.IsNone ? null : parent.ToString(), new Text(name, division?.EnglishName ?? name));
    }
}
