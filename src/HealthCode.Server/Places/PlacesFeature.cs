using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Cluster;
using HealthCode.Server.Operating;
using HealthCode.Server.People;
using HealthCode.Server.Plans;
using HealthCode.Server.Security;
using HealthCode.Storage;
using HealthCode.Tokens;

namespace HealthCode.Server.Places;

/// <summary>Places where codes are checked, and the check itself.</summary>
internal static class PlacesFeature
{
    public static IServiceCollection AddPlaces(this IServiceCollection services) => services
        .AddSingleton<PlaceDirectory>().AddSingleton<INodeView>(provider => provider.GetRequiredService<PlaceDirectory>());

    public static void MapPlaces(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Places");
        group.MapGet(Routes.Places, GetPlaces).WithLoad(Load.Light).RequireAuthorization(policy => policy.RequireRole(Roles.Guard, Roles.Administrator))
            .WithSummary("The places I guard; all of them for an administrator");
        group.MapGet(Routes.Place, GetPlace).WithLoad(Load.Light).RequireAuthorization(policy => policy.RequireRole(Roles.Guard, Roles.Administrator))
            .WithSummary("One place");
        group.MapPost(Routes.Places, AddPlace).RequireAuthorization(Roles.Administrator).WithSummary("Add a place");
        group.MapPost(Routes.Scans, Scan).RequireAuthorization(Roles.Guard).WithSummary("Check a code; the check is a visit");
    }

    private static IResult GetPlaces(HttpContext http, PlaceDirectory places, Divisions divisions)
    {
        var own = http.User.IsInRole(Roles.Administrator)
            ? places.All
            : places.GuardedBy(http.User.StaffName()).Select(places.Find).OfType<Place>();
        return Results.Json((IReadOnlyList<PlaceState>)[.. own.Select(place => StateOf(place, divisions))], ApiJson.Wire.IReadOnlyListPlaceState);
    }

    private static IResult GetPlace(string place, HttpContext http, PlaceDirectory places, Divisions divisions)
    {
        if (places.Find(place) is not { } known)
            return Refuse.With(Refusals.PlaceUnknown);
        return http.User.IsInRole(Roles.Administrator) || places.IsGuarded(place, http.User.StaffName())
            ? Results.Json(StateOf(known, divisions), ApiJson.Wire.PlaceState)
            : Refuse.With(Refusals.PlaceNotYours);
    }

    private static async Task<IResult> AddPlace(
        PlaceRequest request, PlaceDirectory places, Divisions divisions, INodeLease lease, CancellationToken cancellation)
    {
        if (request.Id is not { Length: >= 1 and <= 40 } || !request.Id.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
            return Refuse.With(Refusals.FieldInvalid, "id");
        if (Fields.Text(request.Name?.Zh, "name.zh", Refusals.FieldMissing, 60) is { } badZh)
            return badZh;
        if (Fields.Text(request.Name!.En, "name.en", Refusals.FieldMissing, 60) is { } badEn)
            return badEn;
        if (Fields.Text(request.Kind, "kind", Refusals.FieldMissing, 30) is { } badKind)
            return badKind;
        if (Fields.Area(divisions, request.Area, "area", 6, out var area) is { } badArea)
            return badArea;
        var place = new Place
        {
            Id = request.Id, NameZh = request.Name.Zh, NameEn = request.Name.En, Kind = request.Kind, Area = area.Value,
            AsksTemperature = request.AsksTemperature,
        };
        var isNew = await places.AddAsync(place, cancellation);
        await lease.ShownEverywhereAsync(places.Name, places.Seen, cancellation);
        return isNew
            ? Results.Json(StateOf(place, divisions), ApiJson.Wire.PlaceState, statusCode: StatusCodes.Status201Created)
            : Refuse.With(Refusals.PlaceExists, "id");
    }

    private static async Task<IResult> Scan(
        string place, ScanRequest request, HttpContext http, PlaceDirectory places, TokenReader reader, PeopleDirectory people,
        PlanBoard plans, TimeProvider time, CancellationToken cancellation)
    {
        if (places.Find(place) is not { } known)
            return Refuse.With(Refusals.PlaceUnknown);
        if (!places.IsGuarded(place, http.User.StaffName()))
            return Refuse.With(Refusals.PlaceNotYours);
        var now = time.GetUtcNow();
        if (!reader.TryReadOwn(request.Code?.Trim() ?? "", now, out var token, out var refusal))
            return Refuse.With(RefusalOf(refusal), "code");
        if (known.AsksTemperature && request.Temperature is null)
            return Refuse.With(Refusals.TemperatureNeeded, "temperature");
        if (Fields.Temperature(request.Temperature, out var tenths) is { } badTemperature)
            return badTemperature;

        // The same code at the same place in the same minute is one visit, however often the guard's device sends it.
        var visit = new Visit
        {
            Id = EvidenceId.From("scan", $"{place}/{token.Id}"), Person = token.Person, Happened = Minute.Of(now), Received = Minute.Of(now),
            Source = Source.Checkpoint, EnteredBy = http.User.StaffName(), Place = place, Area = new AreaCode(known.Area), TemperatureTenths = tenths,
        };
        await people.AcceptAsync(visit);
        var decided = await people.DecideAsync(token.Person);
        var name = await people.ShownNameAsync(token.Person, cancellation);
        var hasFever = tenths >= plans.Current.At(Minute.Of(now)).Edition.FeverTenths;
        var stop = StopReason(decided, hasFever);
        DateTimeOffset? pass = decided.PassUntil > 0 ? Words.Moment(new(decided.PassUntil)) : null;
        return Results.Json(
            new ScanAnswer(stop is null, Words.ColourOf(decided.Colour), name, request.Temperature, stop, now, pass, decided.AsOf), ApiJson.Wire.ScanAnswer);
    }

    // A running pass opens the door: every rule that holds allows it, or there would be none. A fever closes every door.
    private static Text? StopReason(Decided decided, bool hasFever) => decided.Colour switch
    {
        Colour.Green => hasFever ? new("绿码，但体温异常", "Green code, but fever") : null,
        _ when decided.PassUntil > 0 => hasFever ? new("有限时通行，但体温异常", "A pass, but fever") : null,
        Colour.Yellow => new("黄码", "Yellow code"),
        _ => new("红码", "Red code"),
    };

    private static Refusal RefusalOf(TokenRefusal refusal) => refusal switch
    {
        TokenRefusal.NotACode => Refusals.CodeNotOurs,
        TokenRefusal.ForeignIssuer => Refusals.CodeForeign,
        TokenRefusal.UnknownKey => Refusals.CodeKeyUnknown,
        TokenRefusal.Forged => Refusals.CodeForged,
        TokenRefusal.NotYetValid => Refusals.CodeNotYetValid,
        TokenRefusal.Expired => Refusals.CodeExpired,
        _ => Refusals.CodeDamaged,
    };

    private static PlaceState StateOf(Place place, Divisions divisions) => new(
        place.Id, new Text(place.NameZh, place.NameEn), place.Kind, new AreaCode(place.Area).ToString(),
        divisions.NamesOf(new AreaCode(place.Area)), place.AsksTemperature);
}
