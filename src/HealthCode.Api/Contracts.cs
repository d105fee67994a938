using HealthCode.Domain;

namespace HealthCode.Api;

// Words on the wire: colours "green" "yellow" "red"; levels "low" "medium" "high"; kinds "declaration" "stay" "visit"
// "diagnosis" "correction" "journey" "test" "vaccination" "contact" "order" "release" "arrival" "recognition" "answer" "pass";
// areas as 6, 9, 12, 15 or 18 digits; moments in ISO 8601 with offset; dates as yyyy-MM-dd in China.
// Every text for people comes in both languages, because a page is the same bytes for everybody and chooses itself.

// ---- Session ----

/// <param name="Phone">11 digits, +86 allowed.</param>
public sealed record SignInCodeRequest(string Phone);

/// <param name="ShownMessage">The message itself, only where the sender of messages shows them on screen (the demo).</param>
public sealed record SignInCodeSent(DateTimeOffset ExpiresAt, string? ShownMessage);

/// <param name="Code">Six digits, as received.</param>
public sealed record SignInRequest(string Phone, string Code);

public sealed record StaffSignInRequest(string UserName, string Password);

/// <param name="Name">Who is signed in: the masked phone of a resident, the user name of staff.</param>
/// <param name="HasApplied">Whether this resident already has a code.</param>
/// <param name="Demo">A demo city: fictional people, sign-ins printed at start.</param>
public sealed record SessionState(bool SignedIn, string? Name, IReadOnlyList<string> Roles, bool HasApplied, bool Demo);

// ---- Application ----

/// <param name="DocumentType">One of: citizen-id, passport, hong-kong-macao-permit, taiwan-permit, foreign-permanent-resident-id, residence-permit.</param>
/// <param name="HouseholdDivision">Household registration (户籍), a county: 6 digits. Absent for people without one.</param>
/// <param name="CameFrom">Where they were before, if elsewhere in the last 28 days.</param>
/// <param name="StayingAt">Where they live now.</param>
/// <param name="ConsentEdition">The edition of the consent text that was shown and agreed to.</param>
public sealed record ApplicationRequest(
    string Name, string DocumentType, string DocumentNumber, string? HouseholdDivision,
    CameFrom? CameFrom, StayingAt StayingAt, IReadOnlyList<string> Symptoms, string Contact, string ConsentEdition);

/// <param name="From">First day there; unknown = absent.</param>
/// <param name="Until">Last day there.</param>
public sealed record CameFrom(string Area, DateOnly? From, DateOnly Until);

/// <param name="Address">Free text, up to 100 characters; kept encrypted.</param>
public sealed record StayingAt(string Area, DateOnly Since, string? Address);

/// <param name="AlreadyHad">This person already had a code; it is the same one.</param>
public sealed record ApplicationAccepted(bool AlreadyHad);

/// <summary>Asks a community worker to confirm that a person's phone has changed. The answer never says whether the person is known.</summary>
public sealed record PhoneChangeRequest(string Name, string DocumentType, string DocumentNumber);

public sealed record PhoneChangeAsked(string Id, DateTimeOffset AskedAt);

/// <param name="State">open, confirmed or refused.</param>
/// <param name="InRegister">Whether name and number belong together in the authority's register.</param>
public sealed record PhoneChangeState(
    string Id, string MaskedName, string MaskedNumber, string MaskedNewPhone, bool InRegister, string State,
    DateTimeOffset AskedAt, string? AnsweredBy, DateTimeOffset? AnsweredAt);

public sealed record PhoneChangeAnswer(bool Confirm, string Reason);

// ---- The code ----

/// <summary>What a resident's phone shows.</summary>
/// <param name="Code">The signed token, to be drawn as a QR code (alphanumeric mode).</param>
/// <param name="ExpiresAt">The phone asks again before this moment.</param>
/// <param name="Now">When this was answered. A phone counts on from here: its own clock may be wrong by any amount.</param>
/// <param name="AsOf">Absent when all that is known anywhere is in it; else until when it is, because a connection is interrupted.</param>
/// <param name="NextChange">When the colour may next change by itself; absent when only new evidence can change it.</param>
public sealed record CodeState(
    string Colour, string Level, string MaskedName, string Code, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt, DateTimeOffset Now,
    DateTimeOffset? NextChange, EditionState Edition, IReadOnlyList<ReasonState> Reasons, bool ReportedToday,
    IReadOnlyList<QuestionState> Questions, ProofState Proof, DateTimeOffset? AsOf);

/// <summary>A stay that its source is not sure enough of. Not answering never changes the colour.</summary>
/// <param name="Evidence">The stay; its answer is posted under this id.</param>
/// <param name="From">First day there, in China.</param>
/// <param name="Until">Last day there; absent while it lasts.</param>
/// <param name="Source">Who reported it.</param>
/// <param name="Confidence">How sure they are, in percent.</param>
/// <param name="Rule">The rule that it would hold if it were so, with its title and colour.</param>
/// <param name="AskedUntil">After this it is asked no more, and stays without effect.</param>
public sealed record QuestionState(
    string Evidence, Text Area, DateOnly From, DateOnly? Until, Text Source, int Confidence, string Rule, Text RuleTitle, string RuleColour,
    DateTimeOffset AskedUntil);

public sealed record QuestionAnswer(bool? WasThere);

/// <summary>What was counted of the evidence that came in, youngest day first.</summary>
/// <param name="BatchesBehind">Batches of the journal that are not counted yet.</param>
/// <param name="CaughtUpAt">When all had been counted last, within a minute.</param>
public sealed record DailyStatistics(long BatchesBehind, DateTimeOffset? CaughtUpAt, IReadOnlyList<DailyCountState> Counts);

/// <param name="Day">On which it was received, in China.</param>
/// <param name="Count">Absent when it is fewer than 5.</param>
public sealed record DailyCountState(DateOnly Day, string Kind, string Source, long? Count);

/// <param name="Confirm">Must be true: what is deleted cannot be brought back.</param>
public sealed record DeletionRequest(bool? Confirm);

/// <summary>What a person may be asked to prove, from their record: last test, doses, a running pass.</summary>
public sealed record ProofState(TestState? Test, DoseState? Vaccination, PassState? Pass);

/// <param name="Result">negative, positive, inconclusive.</param>
/// <param name="Sampled">From this its age is counted.</param>
public sealed record TestState(string Result, DateTimeOffset Sampled, string Institution);

/// <param name="Doses">How many, by the highest dose that is recorded.</param>
public sealed record DoseState(int Doses, DateTimeOffset Last);

public sealed record PassState(DateTimeOffset Until, string Purpose);

public sealed record EditionState(string Id, Text Title, string Region, DateTimeOffset InForceFrom, string Source);

/// <summary>One reason that holds. All that a person may ask of a colour: why, by which rule, whose, since, until, what to do.</summary>
/// <param name="Rule">The rule's number in the edition, e.g. Y1.</param>
/// <param name="Until">When it ends by itself at the latest; absent when it ends by an event only.</param>
/// <param name="EarliestEnd">The first moment at which it can end if the person does all that is asked.</param>
/// <param name="Evidence">What holds it, in words with dates.</param>
/// <param name="End">How it ends, in the plan's words.</param>
/// <param name="Endings">Any of these ends it, each with what is already done. Empty when only what holds it can end it.</param>
public sealed record ReasonState(
    string Rule, string Colour, Text Title, Text Explanation, Text Owner, string Source, Text Evidence,
    DateTimeOffset Since, DateTimeOffset? Until, DateTimeOffset? EarliestEnd, Text End, IReadOnlyList<Text> Endings, Text WhatToDo);

/// <param name="Symptoms">Codes: fever, dry-cough, fatigue, breathless, sore-throat, diarrhoea, other. Empty = none.</param>
/// <param name="Temperature">Degrees Celsius, 34.0–43.0; absent when not taken.</param>
/// <param name="Contact">With a case or suspected case in 14 days: no, yes, unsure.</param>
public sealed record ReportRequest(IReadOnlyList<string> Symptoms, decimal? Temperature, string Contact);

public sealed record ReportAccepted(string Colour, DateTimeOffset AcceptedAt);

public sealed record StayRequest(string Area, DateOnly From, DateOnly? Until);

/// <summary>All the evidence about me that is kept, newest first, and who looked me up.</summary>
public sealed record HistoryState(IReadOnlyList<EvidenceState> Evidence, IReadOnlyList<LookUpState> LookUps);

/// <param name="EnteredBy">The staff account that entered it; absent for what was not entered by hand.</param>
/// <param name="Withdrawn">Corrected: it no longer counts, and by whom and why stands in its correction.</param>
/// <param name="Correctable">The reader may withdraw it.</param>
public sealed record EvidenceState(
    string Id, string Kind, DateTimeOffset Happened, DateTimeOffset Received, Text Title, Text? Detail, Text Source, string? EnteredBy,
    bool Withdrawn, bool Correctable);

public sealed record LookUpState(DateTimeOffset At, string By, string Role, string Purpose);

// ---- Areas and plans ----

public sealed record DivisionState(string Code, string Name, string? EnglishName, bool HasChildren);

/// <summary>A compound below a residents' committee, or a building below a compound. The server gives its number.</summary>
/// <param name="Parent">12 or 15 digits.</param>
/// <param name="Name">Up to 60 characters each.</param>
public sealed record FreeAreaRequest(string Parent, Text Name);

/// <summary>The region and its own divisions down to the residents' committees, by code.</summary>
public sealed record RegionAreas(AreaState Region, IReadOnlyList<AreaState> Areas);

/// <param name="Parent">The next larger area that is known by name.</param>
public sealed record AreaState(string Code, string? Parent, Text Name);

/// <param name="Level">low, medium, high.</param>
/// <param name="From">Start; absent = now.</param>
/// <param name="Until">End; absent = until it is ended.</param>
public sealed record AreaRiskRequest(string Area, string Level, DateTimeOffset? From, DateTimeOffset? Until, string Reason);

/// <param name="SetBy">The account that set it; absent for who is not signed in as staff.</param>
public sealed record AreaRiskState(
    string Id, string Area, Text AreaName, string Level, DateTimeOffset From, DateTimeOffset? Until, string Reason,
    string? SetBy, DateTimeOffset SetAt);

public sealed record AreaRiskEnd(DateTimeOffset? At, string Reason);

/// <summary>What became of a file: the good rows count, whatever was wrong with others.</summary>
/// <param name="Rows">Rows with anything in them, without the header.</param>
/// <param name="Set">Periods that are new or changed.</param>
/// <param name="Unchanged">Rows that say what was already set once.</param>
public sealed record AreaRiskImport(int Rows, int Set, int Unchanged, IReadOnlyList<ImportProblem> Problems);

/// <param name="Line">From 1, the header's.</param>
/// <param name="Column">The column that was wrong, when one was.</param>
/// <param name="Type">The refusal's, as in a problem.</param>
public sealed record ImportProblem(int Line, string? Column, string Type, Text Message, Text WhatToDo);

// ---- Checkpoints ----

public sealed record PlaceState(string Id, Text Name, string Kind, string Area, Text AreaName, bool AsksTemperature);

public sealed record PlaceRequest(string Id, Text Name, string Kind, string Area, bool AsksTemperature);

/// <param name="Code">What the camera, the scanner or the clipboard gave.</param>
public sealed record ScanRequest(string Code, decimal? Temperature);

/// <param name="Go">May pass. False = stop.</param>
/// <param name="StopReason">Why not, in words; absent when Go.</param>
/// <param name="AsOf">Absent when all that is known anywhere is in it; else until when it is, because a connection is interrupted.</param>
/// <param name="PassUntil">The person has a time-limited pass until then, and every rule that holds allows it; else absent.</param>
public sealed record ScanAnswer(
    bool Go, string Colour, string MaskedName, decimal? Temperature, Text? StopReason, DateTimeOffset At, DateTimeOffset? PassUntil,
    DateTimeOffset? AsOf);

// ---- Staff ----

/// <param name="Status">suspected, confirmed, asymptomatic, recovered, excluded.</param>
/// <param name="Onset">First symptoms; absent for none.</param>
public sealed record CaseRequest(string DocumentType, string DocumentNumber, string Status, DateTimeOffset Diagnosed, DateOnly? Onset, string Institution);

public sealed record CaseState(
    string Id, string Person, string MaskedNumber, string? MaskedName, string Status, DateTimeOffset Diagnosed, DateOnly? Onset,
    string Institution, string RecordedBy, DateTimeOffset RecordedAt, bool Withdrawn, string Evidence);

/// <param name="Purpose">Why this person is looked up; the person reads it.</param>
public sealed record LookUpRequest(string DocumentType, string DocumentNumber, string Purpose);

/// <param name="Person">The region's pseudonym, for a correction that follows.</param>
public sealed record PersonState(
    string Person, bool HasApplied, string? MaskedName, string Colour, IReadOnlyList<ReasonState> Reasons, IReadOnlyList<EvidenceState> Evidence);

/// <summary>Withdraws one piece of evidence that was wrong. The evidence stays readable, marked, with this reason.</summary>
public sealed record CorrectionRequest(string Person, string Evidence, string Reason);

public sealed record CorrectionAccepted(string Id, string Colour);

public sealed record StaffState(string UserName, IReadOnlyList<string> Roles, IReadOnlyList<string> Places);

public sealed record StaffRequest(string UserName, string Password, IReadOnlyList<string> Roles, IReadOnlyList<string> Places);
