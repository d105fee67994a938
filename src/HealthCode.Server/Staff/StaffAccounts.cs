using HealthCode.Api;
using HealthCode.Server.Places;
using HealthCode.Storage;
using Microsoft.AspNetCore.Identity;

namespace HealthCode.Server.Staff;

/// <summary>Makes staff accounts, by the same rules whoever asks: an administrator, the command line, the demo.</summary>
internal sealed class StaffAccounts(UserManager<StaffUser> users, RoleManager<IdentityRole> roles, PlaceDirectory places)
{
    /// <returns>Null when the account was made; else why it was not, and the field that was wrong.</returns>
    public async Task<(Refusal Refusal, string Field)?> AddAsync(StaffRequest request, CancellationToken cancellation)
    {
        if (request.UserName is not { Length: >= 3 and <= 40 } || !request.UserName.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.'))
            return (Refusals.FieldInvalid, "userName");
        if (request.Roles is not { Count: > 0 } || request.Roles.Except(StaffFeature.RoleNames).Any())
            return (Refusals.RoleUnknown, "roles");
        if (request.Places?.Any(place => places.Find(place) is null) == true)
            return (Refusals.PlaceUnknown, "places");
        if (await users.FindByNameAsync(request.UserName) is not null)
            return (Refusals.StaffExists, "userName");
        return await CreateAsync(request, cancellation) ? null : (Refusals.PasswordWeak, "password");
    }

    public async Task RemoveAsync(string userName)
    {
        if (await users.FindByNameAsync(userName) is { } user)
            await users.DeleteAsync(user);
    }

    /// <returns>False when the password is refused.</returns>
    private async Task<bool> CreateAsync(StaffRequest request, CancellationToken cancellation)
    {
        foreach (var role in request.Roles.Distinct())
        {
            if (!await roles.RoleExistsAsync(role))
                await roles.CreateAsync(new IdentityRole(role));
        }
        var user = new StaffUser { UserName = request.UserName };
        if (!(await users.CreateAsync(user, request.Password ?? "")).Succeeded)
            return false;
        await users.AddToRolesAsync(user, request.Roles.Distinct());
        await places.AssignAsync(request.UserName, (request.Places ?? []).Distinct(), cancellation);
        return true;
    }
}
