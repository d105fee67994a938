using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Applications;
using HealthCode.Server.Demo;
using HealthCode.Server.Hosting;
using HealthCode.Simulation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

[assembly: AssemblyFixture(typeof(HealthCode.Server.Tests.TestRegion))]

namespace HealthCode.Server.Tests;

/// <summary>The clock that a region in a test goes by: the real one, moved forward when a story says "a week later".</summary>
public sealed class MovedTime : TimeProvider
{
    private long offsetTicks;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Interlocked.Read(ref offsetTicks));

    public void Move(TimeSpan span) => Interlocked.Add(ref offsetTicks, span.Ticks);
}

/// <summary>A whole region in this process: its database in a temporary folder, its pages on a free port.</summary>
public sealed class TestRegion : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("healthcode-test-").FullName;
    private WebApplication app = null!;
    private int nextNewcomer = -1;

    public string Data => folder;

    public MovedTime Time { get; } = new();

    public Uri Address { get; private set; } = null!;

    public IServiceProvider Services => app.Services;

    public string Password { get; private set; } = "";

    /// <summary>A place that asks for no temperature, and one that does; the guard guards both.</summary>
    public string Place { get; private set; } = "";

    public string WarmPlace { get; private set; } = "";

    /// <summary>The edition that the region begins with.</summary>
    public string Edition { get; init; } = "hangzhou-2020-02";

    /// <summary>Last word on its options and services, for a test that needs a region of its own.</summary>
    public Func<RegionOptions, RegionOptions> Options { get; init; } = options => options;

    public Action<WebApplicationBuilder>? Configure { get; init; }

    internal City City => Services.GetRequiredService<City>();

    public async ValueTask InitializeAsync()
    {
        await StartAsync();
        using var administrator = await StaffAsync(Roles.Administrator);
        (Place, WarmPlace) = ("test-door", "test-warm-door");
        await administrator.PostAsync(Routes.Places, new PlaceRequest(Place, new("试验门", "Test door"), "office", "990101", false));
        await administrator.PostAsync(Routes.Places, new PlaceRequest(WarmPlace, new("测温门", "Warm door"), "hospital", "990101", true));
        await administrator.PostAsync(
            Routes.Staff, new StaffRequest("test-guard", Password, [Roles.Guard], [Place, WarmPlace]));
    }

    /// <summary>Stops the region and starts it again on what it kept.</summary>
    public async Task RestartAsync()
    {
        await app.DisposeAsync();
        await StartAsync();
    }

    private async Task StartAsync()
    {
        var options = new RegionOptions { Data = folder, DemoResidents = 300, DemoPace = 0, Partitions = 16, Edition = Edition };
        options = Options(options);
        string own = options.ManagementPort == 0 ? "" : $";http://127.0.0.1:{options.ManagementPort}";
        app = await RegionHost.BuildAsync(options, ["--urls", "http://127.0.0.1:0" + own], builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(Time);
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
            // Limits have a test of their own; here many tests share one address.
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["RateLimits:SignInCodesPerMinute"] = "10000", ["RateLimits:SignInsPerMinute"] = "10000",
                ["RateLimits:ApplicationsPerMinute"] = "50", ["RateLimits:LookUpsPerMinute"] = "10000",
            });
            Configure?.Invoke(builder);
        });
        await app.Services.GetRequiredService<DemoSeed>().PrepareAsync(default);
        await app.StartAsync();
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .First(address => options.ManagementPort == 0 || !address.EndsWith($":{options.ManagementPort}", StringComparison.Ordinal)));
        Password = (await app.Services.GetRequiredService<DemoSeed>().SignInsAsync(default)).Password;
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    public TestSession Anonymous() => new(Address);

    /// <summary>A session of the demo account of that role; a guard at this fixture's places.</summary>
    public async Task<TestSession> StaffAsync(string role)
    {
        var session = Anonymous();
        await session.MustAsync(HttpStatusCode.OK, Routes.StaffSignIn,
            new StaffSignInRequest(role == Roles.Guard ? "test-guard" : role, Password));
        return session;
    }

    /// <summary>A resident of the city nobody has used yet, signed in but without a code.</summary>
    public async Task<(TestSession Session, Resident Resident)> NewcomerAsync()
    {
        var resident = City.Resident(Interlocked.Increment(ref nextNewcomer) % DemoSeed.NotYetApplied is var index && nextNewcomer < DemoSeed.NotYetApplied
            ? index : throw new InvalidOperationException("The city has no newcomer left; raise DemoSeed.NotYetApplied."));
        return (await ResidentAsync(resident.Phone.Normalized), resident);
    }

    public async Task<TestSession> ResidentAsync(string phone)
    {
        var session = Anonymous();
        var sent = await session.MustAsync<SignInCodeSent>(HttpStatusCode.Accepted, Routes.SignInCodes, new SignInCodeRequest(phone));
        var code = sent.ShownMessage!.Split("验证码 ")[1][..6];
        await session.MustAsync(HttpStatusCode.OK, Routes.SignIn, new SignInRequest(phone, code));
        return session;
    }

    /// <summary>A resident with a code, who lives in <paramref name="area"/>.</summary>
    public async Task<(TestSession Session, Resident Resident)> AppliedAsync(string area = "990108", CameFrom? cameFrom = null)
    {
        var (session, resident) = await NewcomerAsync();
        await session.MustAsync(HttpStatusCode.Created, Routes.Applications, ApplicationOf(resident, area, cameFrom));
        return (session, resident);
    }

    public ApplicationRequest ApplicationOf(Resident resident, string area = "990108", CameFrom? cameFrom = null) => new(
        resident.Name.Full, "citizen-id", resident.Document.Normalized, null, cameFrom,
        new StayingAt(area, DateOnly.FromDateTime(Time.GetUtcNow().UtcDateTime).AddDays(-30), null), [], "no", ApplicationsFeature.ConsentEdition);
}

/// <summary>One browser's worth of cookies, speaking the product's own contracts.</summary>
public sealed class TestSession(Uri address, CookieContainer cookies) : IDisposable
{
    public TestSession(Uri address) : this(address, new CookieContainer())
    {
    }

    private readonly HttpClient client = new(new HttpClientHandler { CookieContainer = cookies, AllowAutoRedirect = false })
    {
        BaseAddress = address, DefaultRequestHeaders = { { "X-Requested-With", "HealthCode" } },
    };

    public HttpClient Client => client;

    /// <summary>What the browser sends of its cookies.</summary>
    public string Cookie => cookies.GetCookieHeader(address);

    /// <summary>The same browser at another node; a cookie belongs to a host, whatever its port.</summary>
    public TestSession At(Uri node) => new(node, cookies);

    public async Task<HttpResponseMessage> PostAsync<T>(string path, T body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = JsonContent.Create(body, typeof(T), options: ApiJson.Default.Options),
        };
        request.Headers.Add(Routes.IdempotencyKey, key ?? Guid.NewGuid().ToString());
        return await client.SendAsync(request);
    }

    public async Task<HttpResponseMessage> PostTextAsync(string path, string json, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(json, null as System.Text.Encoding, contentType),
        };
        request.Headers.Add(Routes.IdempotencyKey, Guid.NewGuid().ToString());
        return await client.SendAsync(request);
    }

    public async Task<T> GetAsync<T>(string path) => (await client.GetFromJsonAsync<T>(path, ApiJson.Default.Options))!;

    public async Task MustAsync<T>(HttpStatusCode expected, string path, T body, string? key = null)
    {
        using var answer = await PostAsync(path, body, key);
        Assert.True(expected == answer.StatusCode, $"{path}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    public Task<TAnswer> MustAsync<TAnswer>(HttpStatusCode expected, string path, object body, string? key = null) =>
        MustAsync<TAnswer>(expected, path, JsonContent.Create(body, body.GetType(), options: ApiJson.Default.Options), key);

    /// <summary>Sends the body as a <typeparamref name="TBody"/>, which is what says of an entry of which kind it is.</summary>
    public Task<TAnswer> MustAsync<TBody, TAnswer>(HttpStatusCode expected, string path, TBody body, string? key = null) =>
        MustAsync<TAnswer>(expected, path, JsonContent.Create(body, typeof(TBody), options: ApiJson.Default.Options), key);

    private async Task<TAnswer> MustAsync<TAnswer>(HttpStatusCode expected, string path, JsonContent body, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = body };
        request.Headers.Add(Routes.IdempotencyKey, key ?? Guid.NewGuid().ToString());
        using var answer = await client.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(expected == answer.StatusCode, $"{path}: {answer.StatusCode} {text}");
        return (TAnswer)JsonSerializer.Deserialize(text, typeof(TAnswer), ApiJson.Default.Options)!;
    }

    /// <summary>Sends what must be refused, and returns the name of the refusal.</summary>
    public async Task<string> RefusedAsync(string path, object body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = JsonContent.Create(body, body.GetType(), options: ApiJson.Default.Options),
        };
        request.Headers.Add(Routes.IdempotencyKey, key ?? Guid.NewGuid().ToString());
        using var answer = await client.SendAsync(request);
        return await RefusalOf(answer);
    }

    public static async Task<string> RefusalOf(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonSerializer.Deserialize(text, ApiJson.Default.Problem)!;
        Assert.Equal(((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture), problem.Status.ToString(CultureInfo.InvariantCulture));
        Assert.StartsWith(Refusals.TypePrefix, problem.Type, StringComparison.Ordinal);
        return problem.Type[Refusals.TypePrefix.Length..];
    }

    public void Dispose() => client.Dispose();
}
