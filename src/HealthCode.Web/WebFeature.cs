using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using HealthCode.Web.Pages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Web;

/// <summary>The pages: shells that are the same bytes for everybody, filled by the modules through the interface.</summary>
public static class WebFeature
{
    private static readonly Dictionary<string, Type> PagesByPath = new()
    {
        [""] = typeof(StartPage), ["sign-in"] = typeof(SignInPage), ["apply"] = typeof(ApplyPage), ["code"] = typeof(CodePage),
        ["report"] = typeof(ReportPage), ["stay"] = typeof(StayPage), ["history"] = typeof(HistoryPage), ["rules"] = typeof(RulesPage),
        ["risks"] = typeof(RisksPage),
        ["check"] = typeof(CheckPage), ["check/place"] = typeof(CheckPlacePage),
        ["staff"] = typeof(StaffPage), ["staff/areas"] = typeof(AreasPage), ["staff/cases"] = typeof(CasesPage), ["staff/evidence"] = typeof(EvidencePage),
        ["staff/phone-changes"] = typeof(PhoneChangesPage), ["staff/people"] = typeof(PeoplePage), ["staff/plans"] = typeof(PlansPage), ["staff/statistics"] = typeof(StatisticsPage),
        ["staff/admin"] = typeof(AdminPage),
    };

    /// <summary>Every page's path in Chinese; in English it is the same below <c>/en</c>.</summary>
    public static IEnumerable<string> Paths => PagesByPath.Keys.Select(path => "/" + path);

    public static IServiceCollection AddWeb(this IServiceCollection services)
    {
        services.AddRazorComponents();
        return services.AddSingleton(HtmlEncoder.Create(UnicodeRanges.All));
    }

    public static void MapWeb(this IEndpointRouteBuilder routes)
    {
        foreach (var (path, page) in PagesByPath)
        {
            Map(routes, path, page, Texts.Chinese);
            Map(routes, path, page, Texts.English);
        }
        routes.MapGet("/assets/{file}", GetAsset).AllowAnonymous().ExcludeFromDescription();
    }

    private static void Map(IEndpointRouteBuilder routes, string path, Type page, Texts texts)
    {
        var values = new Dictionary<string, object?> { ["T"] = texts, ["Path"] = path };
        routes.MapGet($"{texts.Prefix}/{path}", (HttpContext http) =>
        {
            http.Response.Headers.CacheControl = "public, max-age=60";
            return new RazorComponentResult<Shell>(new Dictionary<string, object?> { ["T"] = texts, ["Path"] = path, ["Page"] = page, ["Values"] = values });
        }).AllowAnonymous().CacheOutput(policy => policy.Expire(TimeSpan.FromHours(1))).ExcludeFromDescription();
    }

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "assets");

    private static readonly FileExtensionContentTypeProvider Types = new();

    private static readonly Dictionary<string, (byte[] Bytes, string Version)> Assets = Directory.EnumerateFiles(Folder).ToDictionary(
        file => Path.GetFileName(file), file => File.ReadAllBytes(file) is var bytes
            ? (bytes, Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 6))) : default);

    /// <summary>The address of an asset, which changes with its bytes.</summary>
    internal static string AssetOf(string file) => $"/assets/{file}?v={Assets[file].Version}";

    private static IResult GetAsset(string file, string? v, HttpContext http)
    {
        if (!Assets.TryGetValue(file, out var asset))
            return Results.NotFound();
        http.Response.Headers.CacheControl = v == asset.Version ? "public, max-age=31536000, immutable" : "no-cache";
        return Results.Bytes(
            asset.Bytes, Types.TryGetContentType(file, out var type) ? type : "application/octet-stream",
            entityTag: new Microsoft.Net.Http.Headers.EntityTagHeaderValue($"\"{asset.Version}\""));
    }
}
