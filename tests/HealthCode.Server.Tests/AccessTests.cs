using System.Net;
using HealthCode.Api;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Server.Tests;

/// <summary>Who may call what: every endpoint that there is, for every role.</summary>
[Collection("one region, one clock")]
public sealed class AccessTests(TestRegion region)
{
    private const string Everyone = "anonymous resident guard community-worker epidemiologist plan-officer administrator";

    // The one place that says who may. A new endpoint fails the test until it stands here.
    private static readonly Dictionary<string, string> Allowed = new()
    {
        ["GET /v1/session"] = Everyone,
        ["POST /v1/sign-in/codes"] = Everyone,
        ["POST /v1/sign-in"] = Everyone,
        ["POST /v1/staff/sign-in"] = Everyone,
        ["POST /v1/sign-out"] = Everyone,
        ["POST /v1/applications"] = "resident",
        ["POST /v1/phone-changes"] = "resident",
        ["GET /v1/phone-changes"] = "community-worker",
        ["POST /v1/phone-changes/{change}/answer"] = "community-worker",
        ["GET /v1/me/code"] = "resident",
        ["POST /v1/me/reports"] = "resident",
        ["POST /v1/me/stays"] = "resident",
        ["GET /v1/me/history"] = "resident",
        ["POST /v1/me/deletion"] = "resident",
        ["GET /v1/me/questions"] = "resident",
        ["POST /v1/me/questions/{evidence}"] = "resident",
        ["GET /v1/divisions"] = Everyone,
        ["POST /v1/divisions"] = "epidemiologist",
        ["GET /v1/areas"] = Everyone,
        ["GET /v1/areas/{area}/history"] = Everyone,
        ["GET /v1/areas/risks"] = Everyone,
        ["POST /v1/areas/risks/import"] = "epidemiologist",
        ["POST /v1/areas/risks"] = "epidemiologist",
        ["POST /v1/areas/risks/{risk}/end"] = "epidemiologist",
        ["GET /v1/plans"] = Everyone,
        ["GET /v1/plans/in-force"] = Everyone,
        ["GET /v1/plans/{edition}"] = Everyone,
        ["GET /v1/plans/{edition}/text"] = Everyone,
        ["POST /v1/plans/{edition}/withdrawal"] = "plan-officer",
        ["GET /v1/plans/history"] = "plan-officer",
        ["POST /v1/plans/check"] = "plan-officer",
        ["GET /v1/plans/drafts"] = "plan-officer",
        ["POST /v1/plans/drafts"] = "plan-officer",
        ["GET /v1/plans/drafts/{draft}"] = "plan-officer",
        ["POST /v1/plans/drafts/{draft}"] = "plan-officer",
        ["POST /v1/plans/drafts/{draft}/discard"] = "plan-officer",
        ["POST /v1/plans/drafts/{draft}/what-if"] = "plan-officer",
        ["POST /v1/plans/drafts/{draft}/approval"] = "plan-officer",
        ["GET /v1/plans/what-if"] = "plan-officer",
        ["POST /v1/plans/what-if/cancel"] = "plan-officer",
        ["GET /v1/places"] = "guard administrator",
        ["GET /v1/places/{place}"] = "guard administrator",
        ["POST /v1/places"] = "administrator",
        ["POST /v1/places/{place}/scans"] = "guard",
        ["GET /v1/cases"] = "epidemiologist",
        ["POST /v1/cases"] = "epidemiologist",
        ["POST /v1/people/look-ups"] = "community-worker epidemiologist",
        ["POST /v1/corrections"] = "community-worker epidemiologist",
        ["POST /v1/evidence"] = "community-worker epidemiologist",
        ["POST /v1/evidence/feed"] = "epidemiologist",
        ["GET /v1/evidence/feeds"] = "epidemiologist",
        ["GET /v1/statistics/daily"] = "epidemiologist plan-officer",
        ["GET /v1/staff"] = "administrator",
        ["POST /v1/staff"] = "administrator",
    };

    private IEnumerable<RouteEndpoint> Endpoints => region.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    [Fact]
    public void Every_endpoint_names_its_policy_or_says_that_it_is_for_everyone()
    {
        var silent = Endpoints.Where(endpoint =>
            endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null && endpoint.Metadata.GetMetadata<IAuthorizeData>() is null
            && endpoint.Metadata.GetMetadata<AuthorizationPolicy>() is null);
        Assert.Empty(silent.Select(endpoint => endpoint.RoutePattern.RawText));
    }

    [Fact]
    public void The_table_of_who_may_names_every_endpoint_of_the_interface_and_no_other()
    {
        var found = Endpoints.Where(endpoint => endpoint.RoutePattern.RawText?.StartsWith("/v1", StringComparison.Ordinal) == true)
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
                .Select(method => $"{method} {endpoint.RoutePattern.RawText}"));
        Assert.Equal(Allowed.Keys.Order(StringComparer.Ordinal), found.Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("anonymous")]
    [InlineData("resident")]
    [InlineData(Roles.Guard)]
    [InlineData(Roles.CommunityWorker)]
    [InlineData(Roles.Epidemiologist)]
    [InlineData(Roles.PlanOfficer)]
    [InlineData(Roles.Administrator)]
    public async Task Each_role_reaches_what_the_table_allows_and_nothing_else(string role)
    {
        foreach (var (endpoint, roles) in Allowed.Where(pair => !pair.Key.Contains("sign-out", StringComparison.Ordinal)))
        {
            using var session = role switch
            {
                "anonymous" => region.Anonymous(),
                "resident" => await region.ResidentAsync("12977777777"),
                _ => await region.StaffAsync(role),
            };
            var (method, path) = (endpoint.Split(' ')[0], endpoint.Split(' ')[1]);
            path = path.Replace("{place}", region.Place, StringComparison.Ordinal)
                .Replace("{change}", Guid.Empty.ToString(), StringComparison.Ordinal).Replace("{evidence}", "0000000000000001", StringComparison.Ordinal).Replace("{risk}", Guid.Empty.ToString(), StringComparison.Ordinal)
                .Replace("{draft}", Guid.Empty.ToString(), StringComparison.Ordinal).Replace("{edition}", "hangzhou-2020-02", StringComparison.Ordinal);
            using var answer = method == "GET" ? await session.Client.GetAsync(new Uri(path, UriKind.Relative)) : await session.PostTextAsync(path, "{}");

            var mayNot = answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
                && (await TestSession.RefusalOf(answer)) is "sign-in-required" or "not-allowed";
            Assert.True(roles.Split(' ').Contains(role) != mayNot, $"{role}: {endpoint} answered {(int)answer.StatusCode}");
        }
    }

    [Fact]
    public async Task A_request_that_changes_something_without_our_header_is_refused()
    {
        using var client = new HttpClient { BaseAddress = region.Address };
        using var answer = await client.PostAsync(new Uri(Routes.SignOut, UriKind.Relative), null);
        Assert.Equal("request-header-missing", await TestSession.RefusalOf(answer));
    }

    [Fact]
    public async Task Every_answer_carries_the_security_headers()
    {
        using var client = new HttpClient { BaseAddress = region.Address };
        foreach (var path in new[] { "/", "/code", "/v1/session", "/no-such-page" })
        {
            using var answer = await client.GetAsync(new Uri(path, UriKind.Relative));
            Assert.Contains("default-src 'self'", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        }
    }
}
