using HealthCode.Api;
using HealthCode.Server.Cluster;
using HealthCode.Server.Places;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Staff;

/// <summary>Staff accounts: who may do what, and which places a guard guards.</summary>
internal static class StaffFeature
{
    public static readonly string[] RoleNames = [Roles.Guard, Roles.CommunityWorker, Roles.Epidemiologist, Roles.PlanOfficer, Roles.Administrator];

    public static IServiceCollection AddStaff(this IServiceCollection services)
    {
        services.AddIdentityCore<StaffUser>(identity =>
        {
            // Length beats composition: NIST SP 800-63B, 5.1.1.2.
            identity.Password.RequiredLength = 12;
            identity.Password.RequireDigit = identity.Password.RequireLowercase =
                identity.Password.RequireUppercase = identity.Password.RequireNonAlphanumeric = false;
            identity.Lockout.MaxFailedAccessAttempts = 10;
            identity.Lockout.DefaultLockoutTimeSpan = TimeSpan.FromMinutes(10);
        }).AddRoles<IdentityRole>().AddEntityFrameworkStores<BackOfficeContext>();
        return services.AddScoped<StaffAccounts>();
    }

    public static void MapStaff(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Staff").RequireAuthorization(Roles.Administrator);
        group.MapGet(Routes.Staff, GetStaff).WithSummary("All staff accounts");
        group.MapPost(Routes.Staff, AddStaffAccount).WithSummary("Add a staff account");
    }

    private static async Task<IResult> GetStaff(UserManager<StaffUser> users, PlaceDirectory places, CancellationToken cancellation)
    {
        var states = new List<StaffState>();
        foreach (var user in await users.Users.OrderBy(user => user.UserName).Take(500).ToListAsync(cancellation))
            states.Add(new StaffState(user.UserName!, [.. await users.GetRolesAsync(user)], [.. places.GuardedBy(user.UserName!)]));
        return Results.Json((IReadOnlyList<StaffState>)states, ApiJson.Wire.IReadOnlyListStaffState);
    }

    private static async Task<IResult> AddStaffAccount(
        StaffRequest request, StaffAccounts accounts, PlaceDirectory places, INodeLease lease, CancellationToken cancellation)
    {
        if (await accounts.AddAsync(request, cancellation) is var (refusal, field))
            return Refuse.With(refusal, field);
        await lease.ShownEverywhereAsync(places.Name, places.Seen, cancellation);
        return Results.Json(
            new StaffState(request.UserName, request.Roles, request.Places ?? []), ApiJson.Wire.StaffState,
            statusCode: StatusCodes.Status201Created);
    }
}
