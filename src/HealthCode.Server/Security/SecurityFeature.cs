using System.Threading.RateLimiting;
using HealthCode.Api;
using HealthCode.Server.Hosting;
using HealthCode.Server.Operating;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace HealthCode.Server.Security;

/// <summary>How many requests one address may make in a minute where people could be enumerated.</summary>
internal sealed class RateLimits
{
    /// <summary>Sign-in codes asked for, by network address. A school's residents may share one.</summary>
    public int SignInCodesPerMinute { get; init; } = 30;

    /// <summary>Sign-ins tried, by network address.</summary>
    public int SignInsPerMinute { get; init; } = 60;

    /// <summary>Applications and phone changes, by session.</summary>
    public int ApplicationsPerMinute { get; init; } = 6;

    /// <summary>Look-ups of people by one staff account.</summary>
    public int LookUpsPerMinute { get; init; } = 20;
}

/// <summary>Sessions, roles, limits and headers. Denied is the default: an endpoint without a policy needs a sign-in.</summary>
internal static class SecurityFeature
{
    public const string SignInCodesLimit = "sign-in-codes";
    public const string SignInsLimit = "sign-ins";
    public const string ApplicationsLimit = "applications";
    public const string LookUpsLimit = "look-ups";

    public static IServiceCollection AddSecurity(this IServiceCollection services, IConfiguration configuration, RegionOptions region)
    {
        services.AddDataProtection().SetApplicationName("healthcode").PersistKeysToFileSystem(new DirectoryInfo(region.KeyFolder));
        services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(ConfigureCookie);
        services.AddOptions<CookieAuthenticationOptions>(CookieAuthenticationDefaults.AuthenticationScheme)
            .Configure<TimeProvider>((cookie, time) => cookie.TimeProvider = time);

        var authorization = services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        string[] roles = [Roles.Resident, Roles.Guard, Roles.CommunityWorker, Roles.Epidemiologist, Roles.PlanOfficer, Roles.Administrator];
        foreach (var role in roles)
            authorization.AddPolicy(role, policy => policy.RequireRole(role));
        authorization.AddPolicy(Policies.CaseWork, policy => policy.RequireRole(Roles.CommunityWorker, Roles.Epidemiologist));

        authorization.AddPolicy(Policies.Statistics, policy => policy.RequireRole(Roles.Epidemiologist, Roles.PlanOfficer));

        services.Configure<RateLimits>(configuration.GetSection("RateLimits"));
        services.AddRateLimiter(limiter =>
        {
            // Who asked too often is told when the minute is over; a full node has no such moment.
            limiter.OnRejected = (context, _) => new ValueTask(context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var _)
                ? context.HttpContext.RefuseAsync(Refusals.TooManyRequests, retryAfterSeconds: 60) : Overload.RefuseAsync(context.HttpContext));
            limiter.LimitLoad(region);
            limiter.AddPolicy(SignInCodesLimit, http => PerMinute(http, Address(http), limits => limits.SignInCodesPerMinute));
            limiter.AddPolicy(SignInsLimit, http => PerMinute(http, Address(http), limits => limits.SignInsPerMinute));
            limiter.AddPolicy(ApplicationsLimit, http => PerMinute(http, Session(http), limits => limits.ApplicationsPerMinute));
            limiter.AddPolicy(LookUpsLimit, http => PerMinute(http, Session(http), limits => limits.LookUpsPerMinute));
        });
        return services;
    }

    /// <summary>What every answer carries, and what every changing request must.</summary>
    public static void UseSecurityHeaders(this IApplicationBuilder app) => app.Use((http, next) =>
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = http.Request.Path.StartsWithSegments("/reference") ? ReferencePagePolicy : PagePolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";

        // A cookie is sent by the browser whoever asks; a header of our own only by our own pages.
        var changes = !HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method);
        if (changes && http.Request.Headers.XRequestedWith != "HealthCode")
            return http.RefuseAsync(Refusals.RequestHeaderMissing);
        if (http.Request.Path.StartsWithSegments("/v1"))
            headers.CacheControl = "no-store";
        return next(http);
    });

    private const string PagePolicy =
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; "
        + "frame-ancestors 'none'; object-src 'none'; base-uri 'none'; form-action 'self'";

    // The reference page is a third party's: it writes its own styles, and reads nothing but the OpenAPI document.
    private const string ReferencePagePolicy =
        "default-src 'self'; img-src 'self' data:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; "
        + "script-src 'self' 'unsafe-inline'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'";

    private static void ConfigureCookie(CookieAuthenticationOptions cookie)
    {
        cookie.Cookie.Name = "healthcode";
        cookie.Cookie.HttpOnly = true;
        cookie.Cookie.SameSite = SameSiteMode.Strict;
        cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        cookie.ExpireTimeSpan = TimeSpan.FromHours(12);
        cookie.SlidingExpiration = true;
        cookie.Events.OnRedirectToLogin = context => context.HttpContext.RefuseAsync(Refusals.SignInRequired);
        cookie.Events.OnRedirectToAccessDenied = context => context.HttpContext.RefuseAsync(Refusals.NotAllowed);
    }

    private static RateLimitPartition<string> PerMinute(HttpContext http, string key, Func<RateLimits, int> limit)
    {
        var limits = http.RequestServices.GetRequiredService<IOptions<RateLimits>>().Value;
        return RateLimitPartition.GetFixedWindowLimiter(key, _ => new FixedWindowRateLimiterOptions
        {
            PermitLimit = limit(limits), Window = TimeSpan.FromMinutes(1), QueueLimit = 0,
        });
    }

    private static string Address(HttpContext http) => http.Connection.RemoteIpAddress?.ToString() ?? "";

    private static string Session(HttpContext http) =>
        http.User.Phone()?.Normalized ?? (http.User.StaffName() is { Length: > 0 } name ? "staff " + name : Address(http));
}

internal static class Policies
{
    /// <summary>Looking people up and correcting what was wrong about them.</summary>
    public const string CaseWork = "case-work";

    /// <summary>Reading counts that name nobody.</summary>
    public const string Statistics = "statistics";
}
