using System.Collections.Immutable;

namespace HealthCode.Domain;

/// <summary>A dated edition of the prevention plan as data. It is never changed once in force; a new one supersedes it.</summary>
/// <param name="Region">Whose plan it is: a division, 6 digits.</param>
/// <param name="InForceFrom">As it was published. When it takes force here is decided by its approval.</param>
/// <param name="FeverTenths">From this body temperature on a report is not normal, in tenths of a degree Celsius.</param>
/// <param name="AskDays">For how long after a doubtful stay its question is asked.</param>
/// <param name="Base">The edition that a regional one takes everything but its parameters from; else null.</param>
public sealed record PlanEdition(
    string Id, Text Title, string Region, Minute InForceFrom, short FeverTenths, int AskDays, string Source,
    IReadOnlyList<Parameter> Parameters, IReadOnlyList<Rule> Rules, string? Base = null)
{
    /// <summary>A decision names the rules that hold in the bits of one word.</summary>
    public const int RulesMax = 64;

    /// <summary>A rule that reports end must end in some other way by then, since a record keeps <see cref="ReportDays.Kept"/> days.</summary>
    public const int BoundOfReportsDaysMax = 45;
}

/// <summary>What a region may set for itself, and within what bounds.</summary>
public sealed record Parameter(string Name, Text Title, int Value, int Min, int Max);

/// <summary>A numbered rule of an edition: what holds it, its colour, and how it ends.</summary>
/// <param name="Number">As people quote it, e.g. <c>R1</c>.</param>
/// <param name="Holds">Any of these holds it.</param>
/// <param name="StartsAfterDays">It holds only from so many days after what holds it: the second half of a timeline.</param>
/// <param name="Ends">Any of these ends it. With none, it ends only with what holds it.</param>
/// <param name="Source">Where the rule was published.</param>
/// <param name="Pass">Whether a time-limited pass may be given to whom it holds for.</param>
public sealed record Rule(
    string Number, Colour Colour, ImmutableArray<Condition> Holds, int StartsAfterDays, ImmutableArray<Ending> Ends,
    Text Title, Text Explanation, Text End, Text WhatToDo, Text Owner, string Source, bool Pass = false);

/// <summary>What kind of evidence a condition asks for.</summary>
public enum ConditionKind : byte
{
    /// <summary>The latest diagnosis is one of <see cref="Condition.Details"/>.</summary>
    Diagnosis = 1,

    /// <summary>A stay overlapped a period in which its area had one of the levels of <see cref="Condition.Details"/>.</summary>
    StayAtRisk = 2,

    /// <summary>A stay in one of <see cref="Condition.Areas"/>.</summary>
    StayIn = 3,

    /// <summary>A declaration named a symptom or a fever.</summary>
    DeclaredSymptoms = 4,

    /// <summary>A declaration said yes to contact with a case.</summary>
    DeclaredContact = 5,
    Contact = 6,

    /// <summary>An order of one of the kinds, not released since.</summary>
    Order = 7,

    /// <summary>A test with one of the results, and no later diagnosis.</summary>
    Test = 8,
    Arrival = 9,

    /// <summary>A journey into the region from outside it.</summary>
    JourneyFromOutside = 10,

    /// <summary>A journey from an area that had one of the levels at departure.</summary>
    JourneyFromRisk = 11,

    /// <summary>The latest word of another region has one of the colours.</summary>
    Recognition = 12,

    /// <summary>No report on <see cref="Condition.Days"/> whole days. Silence is no evidence: the rule looks at the calendar.</summary>
    MissedReports = 13,
}

/// <summary>One kind of evidence that holds a rule, with its filters.</summary>
/// <param name="Details">Bits: statuses, levels, degrees of contact, kinds of order, results, colours; see <see cref="RecordEntry"/>.</param>
public sealed record Condition(ConditionKind Kind, uint Details = 0)
{
    /// <summary>The default of <see cref="ConfidenceMin"/>.</summary>
    public const byte ConfidenceMinDefault = 80;

    /// <summary>Sources that agree count from this confidence on, in percent.</summary>
    public const byte AgreeingConfidenceMin = 30;

    /// <summary>It counts for so many days after it was last so; 0 for ever.</summary>
    public int WithinDays { get; init; }

    /// <summary>It counts only for people with fewer doses of vaccine; 0 for everybody.</summary>
    public int FewerDosesThan { get; init; }

    /// <summary>For stays: in named divisions.</summary>
    public ImmutableArray<AreaCode> Areas { get; init; } = [];

    /// <summary>For stays: the area's level now counts, and not its level then.</summary>
    public bool LevelNow { get; init; }

    /// <summary>For stays: at least so long.</summary>
    public int MinutesMin { get; init; } = 1;

    /// <summary>For stays: a stay that its source is less sure of does not hold, it asks; in percent.</summary>
    public byte ConfidenceMin { get; init; } = ConfidenceMinDefault;

    /// <summary>For stays: so many sources that agree count as sure; 0 when they do not.</summary>
    public int SourcesMin { get; init; }

    /// <summary>For declared symptoms: only these count; none for all.</summary>
    public Symptoms Symptoms { get; init; }

    /// <summary>For missed reports.</summary>
    public int Days { get; init; }
}

/// <summary>One way for a rule to end. All that it asks for must be so, counted from what last held the rule.</summary>
/// <param name="Days">So many times 24 hours have passed; 0 when that is not asked.</param>
/// <param name="Reports">Normal daily reports on so many days in a row; 0 when that is not asked.</param>
/// <param name="Tests">Negative tests; null when none are asked.</param>
/// <param name="Releases">Bits of <see cref="OrderKind"/>: one of these was released; 0 when that is not asked.</param>
/// <param name="Statuses">Bits of <see cref="DiagnosisStatus"/>: the latest diagnosis is one of these; 0 when that is not asked.</param>
public sealed record Ending(int Days = 0, int Reports = 0, TestsNeeded? Tests = null, uint Releases = 0, uint Statuses = 0);

/// <summary>Negative tests, counted from the sampling.</summary>
/// <param name="Count">So many.</param>
/// <param name="WithinDays">The last at most so many days after the first; 0 for any time.</param>
/// <param name="ApartHours">Each so many hours after the one before.</param>
/// <param name="FromDay">None counts before so many days after what held the rule.</param>
/// <param name="OnDays">Instead: one on each of these days after it, or later; empty when that is not asked.</param>
public sealed record TestsNeeded(int Count, int WithinDays, int ApartHours, int FromDay, ImmutableArray<int> OnDays);
