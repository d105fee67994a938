using HealthCode.Domain;

namespace HealthCode.Api;

// The life of editions: docs/reference/plans.md. States of an edition: "in-force" "past" "planned"; of a draft: "draft"
// "approved" "discarded"; of a trial: "none" "running" "done" "cancelled" "failed".

// ---- For everyone ----

/// <param name="State">in-force, past, or planned (approved, and not begun).</param>
/// <param name="InForceFrom">From when it decides here.</param>
/// <param name="Until">When the next one took or takes over; absent for the last.</param>
public sealed record EditionSummary(string Id, Text Title, string State, DateTimeOffset InForceFrom, DateTimeOffset? Until, string Source);

/// <summary>One edition with its rules, readable by everyone.</summary>
/// <param name="State">in-force, past or planned.</param>
/// <param name="Until">When the next one took or takes over; absent for the last.</param>
public sealed record PlanState(EditionState Edition, string State, DateTimeOffset? Until, IReadOnlyList<RuleState> Rules);

/// <summary>One rule in words. What holds it and what ends it is spelled out from its structure, not from its prose.</summary>
/// <param name="End">How it ends, in the officer's words.</param>
/// <param name="Holds">Any of these holds it.</param>
/// <param name="Ends">Any of these ends it; empty when it ends only with what holds it.</param>
/// <param name="StartsAfterDays">It holds only from so many days after what holds it; 0 = at once.</param>
/// <param name="Pass">A time-limited pass may be given for it.</param>
public sealed record RuleState(
    string Rule, string Colour, Text Title, Text Explanation, Text End, IReadOnlyList<Text> Holds, IReadOnlyList<Text> Ends,
    int StartsAfterDays, Text Owner, string Source, Text WhatToDo, bool Pass);

/// <summary>An edition's file and its cases, as they were approved.</summary>
public sealed record EditionTextState(string Id, string Text, string Cases);

// ---- For plan officers ----

/// <summary>What became of an edition, and who answers for it.</summary>
/// <param name="What">approved or withdrawn.</param>
/// <param name="Author">Who wrote it; absent for a withdrawal.</param>
public sealed record PlanFactState(
    string Edition, string What, string By, DateTimeOffset At, string Reason, string? Author, DateTimeOffset? InForceFrom);

/// <param name="From">The edition whose text and cases it begins with; absent = empty.</param>
public sealed record DraftRequest(string? From);

/// <param name="Edition">The id its text gives itself, when it can be read.</param>
/// <param name="Tried">It was tried in exactly its present text.</param>
public sealed record DraftSummary(
    string Id, string? Edition, string State, string Author, DateTimeOffset CreatedAt, int Version, string ChangedBy, DateTimeOffset ChangedAt,
    bool Tried, string? ApprovedBy);

/// <param name="Check">What is wrong with it, and how its cases do.</param>
/// <param name="Answer">Of the latest trial; absent before one. Only when <c>Tried</c> is it of this text.</param>
public sealed record DraftState(DraftSummary Draft, string Text, string Cases, EditionCheck Check, WhatIfAnswer? Answer);

/// <param name="Version">The version that was read: another means that somebody saved since.</param>
public sealed record DraftSave(int Version, string Text, string Cases);

public sealed record DraftDiscard(int Version);

/// <param name="From">When it takes force; absent = now.</param>
/// <param name="Reason">Kept in the journal with the edition.</param>
public sealed record DraftApproval(int Version, DateTimeOffset? From, string Reason);

public sealed record EditionWithdrawal(string Reason);

public sealed record EditionCheckRequest(string Text, string Cases);

/// <param name="Id">What the text calls itself; absent when it cannot be read.</param>
/// <param name="Problems">Why the text cannot be used; empty when it can.</param>
/// <param name="Cases">Every case; none while the text has problems.</param>
public sealed record EditionCheck(string? Id, Text? Title, IReadOnlyList<ProblemAt> Problems, IReadOnlyList<CaseCheck> Cases);

/// <summary>Where in a text something is wrong; line and column count from 1.</summary>
public sealed record ProblemAt(int Line, int Column, string Message);

/// <param name="Line">Where it begins in the cases.</param>
/// <param name="Problem">What differs; absent when it does as it says.</param>
public sealed record CaseCheck(string Title, int Line, string? Problem);

/// <param name="Day">As things were at the end of that day in China; absent = now.</param>
public sealed record WhatIfRequest(int Version, DateOnly? Day);

/// <summary>The region's one trial: how far it is, or how it ended.</summary>
/// <param name="State">none, running, done, cancelled or failed.</param>
public sealed record WhatIfState(
    string State, string? Draft, string? StartedBy, DateTimeOffset? StartedAt, int PartitionsDone, int Partitions, long People, WhatIfAnswer? Answer);

/// <summary>What would be different. Nothing in it names or describes one person.</summary>
/// <param name="Edition">The edition that was tried.</param>
/// <param name="Against">The edition in force at that moment.</param>
/// <param name="Colours">All nine ways from one colour to another, in people.</param>
/// <param name="Areas">By county of residence; a number below five is not said.</param>
/// <param name="Decades">By decade of birth, the oldest first; likewise.</param>
/// <param name="Shapes">What changed records have in common; only what at least five of them share.</param>
public sealed record WhatIfAnswer(
    string Edition, string Against, DateTimeOffset At, long People, long Changed, IReadOnlyList<ColourChange> Colours,
    IReadOnlyList<AreaChange> Areas, IReadOnlyList<DecadeChange> Decades, IReadOnlyList<RuleChange> Rules, IReadOnlyList<RecordShape> Shapes, double Seconds);

public sealed record ColourChange(string From, string To, long People);

/// <param name="Area">Absent for people who have told of no residence.</param>
public sealed record AreaChange(string? Area, Text AreaName, IReadOnlyList<GroupColourChange> Colours);

/// <param name="Decade">Its first year, e.g. 1950; absent for people whose document does not say.</param>
public sealed record DecadeChange(int? Decade, IReadOnlyList<GroupColourChange> Colours);

/// <param name="People">Absent where it is below five, or would give away such a number elsewhere.</param>
public sealed record GroupColourChange(string From, string To, long? People);

/// <param name="Before">People whom it holds under the edition in force.</param>
/// <param name="After">People whom it holds under the draft.</param>
public sealed record RuleChange(string Rule, long Before, long After, long Gained, long Lost);

/// <param name="Before">Rules that hold under the edition in force.</param>
/// <param name="After">Rules that hold under the draft.</param>
/// <param name="Example">The evidence of one of them: kinds, sources and ages, newest first.</param>
public sealed record RecordShape(
    string From, string To, IReadOnlyList<string> Before, IReadOnlyList<string> After, long People, IReadOnlyList<EvidenceShape> Example);

/// <param name="DaysAgo">Whole days before the moment of the trial; at most 60.</param>
public sealed record EvidenceShape(string Kind, string Source, int DaysAgo);
