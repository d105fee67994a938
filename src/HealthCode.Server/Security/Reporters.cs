using System.Security.Claims;
using HealthCode.Api;
using HealthCode.Domain;

namespace HealthCode.Server.Security;

/// <summary>Who may report what, and who may take it back; <c>docs/reference/evidence.md</c> says why.</summary>
/// <remarks>
/// What decides over somebody's freedom (contacts, orders, arrivals, another region's word) is an epidemiologist's. A
/// community worker reports what they see on paper or at the door, and takes back what residents and they themselves said.
/// </remarks>
internal static class Reporters
{
    public static bool MayEnter(ClaimsPrincipal user, Evidence evidence) => evidence switch
    {
        Stay or Test => IsEpidemiologist(user) || IsCommunityWorker(user),
        Release release => IsEpidemiologist(user) || (IsCommunityWorker(user) && IsOfTheNeighbourhood(release)),
        Journey or Contact or Order or Arrival or Recognition => IsEpidemiologist(user),
        Vaccination or Pass => IsCommunityWorker(user),
        _ => false,
    };

    public static bool MayFeed(Source source, Evidence evidence) => evidence switch
    {
        Stay => source is Source.Telecom,
        Journey => source is Source.Railway or Source.Airline or Source.Coach,
        Test => source is Source.Laboratory or Source.Hospital,
        Vaccination => source is Source.Hospital,
        Arrival => source is Source.BorderControl,
        Recognition => source is Source.Region,
        _ => false,
    };

    public static bool MayWithdraw(ClaimsPrincipal user, Evidence evidence) => evidence switch
    {
        Diagnosis or Journey or Contact or Order or Arrival or Recognition => IsEpidemiologist(user),
        Test or Release => IsEpidemiologist(user) || (IsCommunityWorker(user) && evidence.Source == Source.CommunityWorker),
        Stay => IsCommunityWorker(user) || (IsEpidemiologist(user) && evidence.Source != Source.Resident),
        Declaration or Vaccination or Answer or Pass => IsCommunityWorker(user),
        _ => false,
    };

    /// <summary>As what a member of staff speaks; of somebody who is both, the higher.</summary>
    public static Source SourceOf(ClaimsPrincipal user) => IsEpidemiologist(user) ? Source.Epidemiologist : Source.CommunityWorker;

    public static string RoleOf(ClaimsPrincipal user) => IsEpidemiologist(user) ? Roles.Epidemiologist : Roles.CommunityWorker;

    private static bool IsOfTheNeighbourhood(Release release) => release.Released is OrderKind.HomeIsolation or OrderKind.Monitoring;

    private static bool IsEpidemiologist(ClaimsPrincipal user) => user.IsInRole(Roles.Epidemiologist);

    private static bool IsCommunityWorker(ClaimsPrincipal user) => user.IsInRole(Roles.CommunityWorker);
}
