using System.Diagnostics;
using System.Net;
using HealthCode.Api;
using HealthCode.Storage;
using HealthCode.Testing;

namespace HealthCode.Server.Tests;

/// <summary>A real PostgreSQL that goes away under a running region, and comes back.</summary>
[Collection("one region, one clock")]
public sealed class OutageTests : IAsyncLifetime
{
    /// <summary>A lease's length, and ample time for a loaded machine; it is left as soon as what is waited for is there.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    private PostgresServer server = null!;
    private TestRegion region = null!;

    public async ValueTask InitializeAsync()
    {
        server = await PostgresServer.StartAsync();
        region = new TestRegion { Options = options => options with { Store = StoreAddress.Parse(server.Url) } };
        await region.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await region.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task With_the_database_away_displays_go_on_and_say_as_of_when_and_writes_are_refused_until_it_is_back()
    {
        var (session, resident) = await region.AppliedAsync();
        var (other, _) = await region.AppliedAsync();
        var (guard, epidemiologist) = (await region.StaffAsync(Roles.Guard), await region.StaffAsync(Roles.Epidemiologist));
        for (var report = 0; report < 5; report++)
            await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest([], 36m + (report * 0.1m), "no"));
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.1m, "no"));
        var fresh = await session.GetAsync<CodeState>(Routes.MyCode);
        Assert.Equal(("yellow", null, resident.Name.Masked), (fresh.Colour, fresh.AsOf, fresh.MaskedName));
        Assert.Equal("green", (await other.GetAsync<CodeState>(Routes.MyCode)).Colour);

        var stopped = region.Time.GetUtcNow();
        await server.StopAsync(immediate: true);
        var shown = await UntilAsync(session, code => code.AsOf is not null);
        Assert.Equal(("yellow", resident.Name.Masked), (shown.Colour, shown.MaskedName));
        Assert.InRange(shown.AsOf!.Value, stopped.AddSeconds(-10), shown.Now);

        var key = Guid.NewGuid().ToString();
        await RefusedAsync(() => session.PostAsync(Routes.MyReports, new ReportRequest([], 36.9m, "no"), key));
        await RefusedAsync(() => guard.PostAsync($"/v1/places/{region.Place}/scans", new ScanRequest(shown.Code, null)));
        await RefusedAsync(() => session.Client.GetAsync(new Uri(Routes.MyHistory, UriKind.Relative)));
        await RefusedAsync(() => epidemiologist.Client.GetAsync(new Uri(Routes.Cases, UriKind.Relative)));
        await RefusedAsync(() => epidemiologist.PostAsync(
            Routes.LookUps, new LookUpRequest("citizen-id", resident.Document.Normalized, "the database is away")));
        using var stranger = region.Anonymous();
        await RefusedAsync(() => stranger.PostAsync(Routes.StaffSignIn, new StaffSignInRequest("administrator", region.Password)));
        Assert.NotNull((await other.GetAsync<CodeState>(Routes.MyCode)).AsOf);
        using (var ready = await stranger.Client.GetAsync(new Uri(Routes.Ready, UriKind.Relative)))
            Assert.Equal((HttpStatusCode.OK, "Degraded"), (ready.StatusCode, await ready.Content.ReadAsStringAsync()));

        await server.RestartAsync();
        await UntilTakenAsync(() => session.PostAsync(Routes.MyReports, new ReportRequest([], 36.9m, "no"), key));
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest([], 36.9m, "no"), key);
        shown = await UntilAsync(session, code => code.AsOf is null);
        Assert.Equal("yellow", shown.Colour);
        await UntilTakenAsync(() => guard.PostAsync($"/v1/places/{region.Place}/scans", new ScanRequest(shown.Code, null)));
        string[] expected = ["36", "36.1", "36.2", "36.3", "36.4", "36.9", "38.1"];
        var history = await session.GetAsync<HistoryState>(Routes.MyHistory);
        Assert.Equal(expected, history.Evidence.Where(fact => fact.Kind == "declaration" && fact.Detail!.En.Contains('°', StringComparison.Ordinal))
            .Select(fact => fact.Detail!.En.Split(' ')[^2]).Select(degrees => degrees.EndsWith(".0", StringComparison.Ordinal) ? degrees[..^2] : degrees)
            .Order(StringComparer.Ordinal));
        foreach (var each in new[] { session, other, guard, epidemiologist })
            each.Dispose();
    }

    [Fact]
    public async Task A_display_whose_name_cannot_be_read_goes_without_it()
    {
        var (session, _) = await region.AppliedAsync();
        await server.StopAsync(immediate: true);
        Assert.Equal(("green", "*"), await ColourAndNameAsync(session));
        // Not each display waits for the store anew.
        Assert.Equal(("green", "*"), await ColourAndNameAsync(session));
        await server.RestartAsync();
        var shown = await UntilAsync(session, code => code.MaskedName != "*");
        Assert.Equal("green", shown.Colour);
        session.Dispose();
    }

    private static async Task<(string Colour, string Name)> ColourAndNameAsync(TestSession session)
    {
        var code = await session.GetAsync<CodeState>(Routes.MyCode);
        return (code.Colour, code.MaskedName);
    }

    /// <summary>Shows the code again and again; each must be answered.</summary>
    private static async Task<CodeState> UntilAsync(TestSession session, Predicate<CodeState> wanted)
    {
        for (var began = Stopwatch.GetTimestamp(); ;)
        {
            var code = await session.GetAsync<CodeState>(Routes.MyCode);
            if (wanted(code))
                return code;
            Assert.True(Stopwatch.GetElapsedTime(began) < PatienceMax, "it did not come in time");
            await Task.Delay(50);
        }
    }

    private static async Task UntilTakenAsync(Func<Task<HttpResponseMessage>> send)
    {
        for (var began = Stopwatch.GetTimestamp(); ;)
        {
            using var answer = await send();
            if (answer.IsSuccessStatusCode)
                return;
            Assert.Equal("journal-unavailable", await TestSession.RefusalOf(answer));
            Assert.True(Stopwatch.GetElapsedTime(began) < PatienceMax, "it was not taken in time");
            await Task.Delay(100);
        }
    }

    private static async Task RefusedAsync(Func<Task<HttpResponseMessage>> send)
    {
        using var answer = await send();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "journal-unavailable"), (answer.StatusCode, await TestSession.RefusalOf(answer)));
        Assert.True(answer.Headers.Contains("Retry-After"));
    }
}
