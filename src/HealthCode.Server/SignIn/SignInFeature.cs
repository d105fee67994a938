using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Hosting;
using HealthCode.Server.Places;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Identity;

namespace HealthCode.Server.SignIn;

/// <summary>Residents sign in with a phone and a one-time code, staff with a password.</summary>
internal static class SignInFeature
{
    public static IServiceCollection AddSignIn(this IServiceCollection services) => services.AddSingleton<SignInDesk>();

    public static void MapSignIn(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Sign-in").AllowAnonymous();
        group.MapGet(Routes.Session, GetSession).WithSummary("Who is signed in");
        group.MapPost(Routes.SignInCodes, SendCode).RequireRateLimiting(SecurityFeature.SignInCodesLimit)
            .WithSummary("Send a one-time code to a phone");
        group.MapPost(Routes.SignIn, SignIn).RequireRateLimiting(SecurityFeature.SignInsLimit).WithSummary("Sign in with the code");
        group.MapPost(Routes.StaffSignIn, SignInStaff).RequireRateLimiting(SecurityFeature.SignInsLimit).WithSummary("Sign in as staff");
        group.MapPost(Routes.SignOut, (Delegate)SignOut).WithSummary("Sign out");
    }

    private static SessionState GetSession(HttpContext http, RegionOptions region) => StateOf(http.User, region);

    private static async Task<IResult> SendCode(
        SignInCodeRequest request, SignInDesk codes, ISmsSender sender, CancellationToken cancellation)
    {
        if (Fields.Phone(request.Phone, out var phone) is { } refused)
            return refused;
        var (code, expiresAt) = await codes.MakeAsync(phone);
        try
        {
            var shown = await sender.SendAsync(phone, $"【健康码】验证码 {code}，5 分钟内有效。 Your code is {code}.", cancellation);
            return Results.Json(new SignInCodeSent(expiresAt, shown), ApiJson.Wire.SignInCodeSent, statusCode: StatusCodes.Status202Accepted);
        }
        catch (MessagesUnavailableException)
        {
            return new Refused(Refusals.MessagesUnavailable, retryAfterSeconds: 60);
        }
    }

    private static async Task<IResult> SignIn(
        SignInRequest request, HttpContext http, SignInDesk codes, PersonVault vault, RegionOptions region, CancellationToken cancellation)
    {
        if (Fields.Phone(request.Phone, out var phone) is { } refused)
            return refused;
        if (request.Code is not { Length: 6 } || !await codes.TryUseAsync(phone, request.Code))
            return Refuse.With(Refusals.SignInCodeWrong, "code");
        return await EnterAsync(http, Caller.Resident(phone, await vault.FindByPhoneAsync(phone.Normalized, cancellation)), region);
    }

    private static async Task<IResult> SignInStaff(
        StaffSignInRequest request, HttpContext http, UserManager<StaffUser> users, PlaceDirectory places, RegionOptions region,
        CancellationToken cancellation)
    {
        var user = await users.FindByNameAsync(request.UserName ?? "");
        if (user is null || await users.IsLockedOutAsync(user))
            return Refuse.With(Refusals.StaffSignInWrong);
        if (!await users.CheckPasswordAsync(user, request.Password ?? ""))
        {
            await users.AccessFailedAsync(user);
            return Refuse.With(Refusals.StaffSignInWrong);
        }
        await users.ResetAccessFailedCountAsync(user);
        await places.LoadGuardAsync(user.UserName!, cancellation);
        return await EnterAsync(http, Caller.Staff(user.UserName!, await users.GetRolesAsync(user)), region);
    }

    private static async Task<IResult> SignOut(HttpContext http)
    {
        await http.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        return Results.NoContent();
    }

    private static async Task<IResult> EnterAsync(HttpContext http, System.Security.Claims.ClaimsPrincipal user, RegionOptions region)
    {
        await http.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, user);
        return Results.Json(StateOf(user, region), ApiJson.Wire.SessionState);
    }

    private static SessionState StateOf(System.Security.Claims.ClaimsPrincipal user, RegionOptions region) => new(
        user.Identity is { IsAuthenticated: true },
        user.Phone()?.Masked ?? (user.StaffName() is { Length: > 0 } name ? name : null),
        [.. user.FindAll(System.Security.Claims.ClaimTypes.Role).Select(claim => claim.Value)],
        user.Person() is not null,
        region.Demo);
}
