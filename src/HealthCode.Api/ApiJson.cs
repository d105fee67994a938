using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using HealthCode.Domain;

namespace HealthCode.Api;

/// <summary>Reads and writes every contract without reflection. A field that is not known, or missing, is an error.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = false,
    NumberHandling = JsonNumberHandling.Strict,
    AllowOutOfOrderMetadataProperties = true,
    Converters = [typeof(TextConverter)],
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SignInCodeRequest))]
[JsonSerializable(typeof(SignInCodeSent))]
[JsonSerializable(typeof(SignInRequest))]
[JsonSerializable(typeof(StaffSignInRequest))]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(ApplicationRequest))]
[JsonSerializable(typeof(ApplicationAccepted))]
[JsonSerializable(typeof(PhoneChangeRequest))]
[JsonSerializable(typeof(PhoneChangeAsked))]
[JsonSerializable(typeof(PhoneChangeState))]
[JsonSerializable(typeof(IReadOnlyList<PhoneChangeState>))]
[JsonSerializable(typeof(PhoneChangeAnswer))]
[JsonSerializable(typeof(CodeState))]
[JsonSerializable(typeof(ReportRequest))]
[JsonSerializable(typeof(ReportAccepted))]
[JsonSerializable(typeof(StayRequest))]
[JsonSerializable(typeof(HistoryState))]
[JsonSerializable(typeof(IReadOnlyList<DivisionState>))]
[JsonSerializable(typeof(DivisionState))]
[JsonSerializable(typeof(FreeAreaRequest))]
[JsonSerializable(typeof(RegionAreas))]
[JsonSerializable(typeof(AreaRiskImport))]
[JsonSerializable(typeof(AreaRiskRequest))]
[JsonSerializable(typeof(AreaRiskState))]
[JsonSerializable(typeof(IReadOnlyList<AreaRiskState>))]
[JsonSerializable(typeof(AreaRiskEnd))]
[JsonSerializable(typeof(PlanState))]
[JsonSerializable(typeof(IReadOnlyList<EditionSummary>))]
[JsonSerializable(typeof(EditionTextState))]
[JsonSerializable(typeof(IReadOnlyList<PlanFactState>))]
[JsonSerializable(typeof(DraftRequest))]
[JsonSerializable(typeof(IReadOnlyList<DraftSummary>))]
[JsonSerializable(typeof(DraftState))]
[JsonSerializable(typeof(DraftSave))]
[JsonSerializable(typeof(DraftDiscard))]
[JsonSerializable(typeof(DraftApproval))]
[JsonSerializable(typeof(EditionWithdrawal))]
[JsonSerializable(typeof(EditionCheckRequest))]
[JsonSerializable(typeof(EditionCheck))]
[JsonSerializable(typeof(WhatIfRequest))]
[JsonSerializable(typeof(WhatIfState))]
[JsonSerializable(typeof(PlaceState))]
[JsonSerializable(typeof(IReadOnlyList<PlaceState>))]
[JsonSerializable(typeof(PlaceRequest))]
[JsonSerializable(typeof(ScanRequest))]
[JsonSerializable(typeof(ScanAnswer))]
[JsonSerializable(typeof(CaseRequest))]
[JsonSerializable(typeof(CaseState))]
[JsonSerializable(typeof(IReadOnlyList<CaseState>))]
[JsonSerializable(typeof(LookUpRequest))]
[JsonSerializable(typeof(PersonState))]
[JsonSerializable(typeof(CorrectionRequest))]
[JsonSerializable(typeof(CorrectionAccepted))]
[JsonSerializable(typeof(EvidenceEntry))]
[JsonSerializable(typeof(EvidenceAccepted))]
[JsonSerializable(typeof(FeedReport))]
[JsonSerializable(typeof(IReadOnlyList<FeedProgress>))]
[JsonSerializable(typeof(QuestionState))]
[JsonSerializable(typeof(IReadOnlyList<QuestionState>))]
[JsonSerializable(typeof(QuestionAnswer))]
[JsonSerializable(typeof(DeletionRequest))]
[JsonSerializable(typeof(DailyStatistics))]
[JsonSerializable(typeof(StaffState))]
[JsonSerializable(typeof(IReadOnlyList<StaffState>))]
[JsonSerializable(typeof(StaffRequest))]
[JsonSerializable(typeof(Problem))]
public sealed partial class ApiJson : JsonSerializerContext
{
    // Made when it is first asked for: in which order the parts of a class set their statics up is nobody's promise, and
    // Default stands in the generated one.
    private static ApiJson? wire;

    /// <summary>What is written over HTTP: Chinese as itself, which is half as many bytes as its escapes.</summary>
    public static ApiJson Wire => wire ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) });
}
