using System.Security.Claims;
using HealthCode.Api;
using HealthCode.Domain;

namespace HealthCode.Server.Security;

/// <summary>Who is asking, read from the signed-in session.</summary>
internal static class Caller
{
    private const string PhoneClaim = "phone";
    private const string PersonClaim = "person";

    /// <summary>A resident's session: a confirmed phone, and the person once that phone has a code.</summary>
    /// <remarks>The cookie is encrypted by data protection; the phone leaves it nowhere.</remarks>
    public static ClaimsPrincipal Resident(PhoneNumber phone, PersonId? person)
    {
        List<Claim> claims = [new(PhoneClaim, phone.Normalized), new(ClaimTypes.Role, Roles.Resident)];
        if (person is { } known)
            claims.Add(new(PersonClaim, known.ToString()));
        return Principal(claims);
    }

    public static ClaimsPrincipal Staff(string userName, IEnumerable<string> roles) =>
        Principal([new(ClaimTypes.Name, userName), .. roles.Select(role => new Claim(ClaimTypes.Role, role))]);

    public static PhoneNumber? Phone(this ClaimsPrincipal user) =>
        PhoneNumber.TryParse(user.FindFirstValue(PhoneClaim), out var phone, out _) ? phone : null;

    public static PersonId? Person(this ClaimsPrincipal user) =>
        PersonId.TryParse(user.FindFirstValue(PersonClaim), out var person) ? person : null;

    public static string StaffName(this ClaimsPrincipal user) => user.FindFirstValue(ClaimTypes.Name) ?? "";

    private static ClaimsPrincipal Principal(IEnumerable<Claim> claims) => new(new ClaimsIdentity(claims, "session"));
}
