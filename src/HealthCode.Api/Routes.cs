namespace HealthCode.Api;

/// <summary>Every address of the system, once. Personal fields never appear in one.</summary>
public static class Routes
{
    public const string Session = "/v1/session";
    public const string SignInCodes = "/v1/sign-in/codes";
    public const string SignIn = "/v1/sign-in";
    public const string StaffSignIn = "/v1/staff/sign-in";
    public const string SignOut = "/v1/sign-out";

    public const string Applications = "/v1/applications";
    public const string PhoneChanges = "/v1/phone-changes";
    public const string PhoneChangeAnswer = "/v1/phone-changes/{change}/answer";

    public const string MyCode = "/v1/me/code";
    public const string MyReports = "/v1/me/reports";
    public const string MyStays = "/v1/me/stays";
    public const string MyHistory = "/v1/me/history";
    public const string MyDeletion = "/v1/me/deletion";
    public const string MyQuestions = "/v1/me/questions";
    public const string MyAnswer = "/v1/me/questions/{evidence}";

    public const string Divisions = "/v1/divisions";
    public const string Areas = "/v1/areas";
    public const string AreaHistory = "/v1/areas/{area}/history";
    public const string AreaRisks = "/v1/areas/risks";
    public const string AreaRiskImport = "/v1/areas/risks/import";
    public const string AreaRiskEnd = "/v1/areas/risks/{risk}/end";

    public const string Plans = "/v1/plans";
    public const string PlanInForce = "/v1/plans/in-force";
    public const string Plan = "/v1/plans/{edition}";
    public const string PlanText = "/v1/plans/{edition}/text";
    public const string PlanWithdrawal = "/v1/plans/{edition}/withdrawal";
    public const string PlanHistory = "/v1/plans/history";
    public const string PlanCheck = "/v1/plans/check";
    public const string Drafts = "/v1/plans/drafts";
    public const string Draft = "/v1/plans/drafts/{draft}";
    public const string DraftDiscard = "/v1/plans/drafts/{draft}/discard";
    public const string DraftWhatIf = "/v1/plans/drafts/{draft}/what-if";
    public const string DraftApproval = "/v1/plans/drafts/{draft}/approval";
    public const string WhatIf = "/v1/plans/what-if";
    public const string WhatIfCancel = "/v1/plans/what-if/cancel";

    public const string Places = "/v1/places";
    public const string Place = "/v1/places/{place}";
    public const string Scans = "/v1/places/{place}/scans";

    public const string Cases = "/v1/cases";
    public const string LookUps = "/v1/people/look-ups";
    public const string Corrections = "/v1/corrections";
    public const string Evidence = "/v1/evidence";
    public const string EvidenceFeed = "/v1/evidence/feed";
    public const string EvidenceFeeds = "/v1/evidence/feeds";

    public const string DailyStatistics = "/v1/statistics/daily";

    public const string Staff = "/v1/staff";

    public const string PublicKeys = "/.well-known/healthcode/keys";
    public const string Live = "/health/live";
    public const string Ready = "/health/ready";

    /// <summary>At the management address only.</summary>
    public const string Metrics = "/metrics";

    /// <summary>The header of a request that may be sent twice: same key, same person, same answer.</summary>
    public const string IdempotencyKey = "Idempotency-Key";
}

/// <summary>What a signed-in person may do. A staff account has one or more of all but the first.</summary>
public static class Roles
{
    public const string Resident = "resident";
    public const string Guard = "guard";
    public const string CommunityWorker = "community-worker";
    public const string Epidemiologist = "epidemiologist";
    public const string PlanOfficer = "plan-officer";
    public const string Administrator = "administrator";
}
