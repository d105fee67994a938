namespace HealthCode.Domain;

/// <summary>What kind of evidence holds a rule.</summary>
public enum Trigger : byte
{
    /// <summary>The latest diagnosis has one of the rule's <see cref="Rule.Statuses"/>.</summary>
    Diagnosis = 1,

    /// <summary>A stay overlapped a period in which its area had the rule's <see cref="Rule.Level"/>.</summary>
    StayInRiskArea = 2,

    /// <summary>A declaration named a symptom or a temperature of <see cref="PlanEdition.FeverTenths"/> or more.</summary>
    DeclaredSymptoms = 3,

    /// <summary>A declaration said yes to contact with a case.</summary>
    DeclaredContact = 4,
}

/// <summary>A numbered rule of an edition: what holds it, its colour, and how it ends.</summary>
/// <param name="Number">As people quote it, e.g. <c>R1</c>.</param>
/// <param name="Statuses">For <see cref="Trigger.Diagnosis"/>; else empty.</param>
/// <param name="Level">For <see cref="Trigger.StayInRiskArea"/>.</param>
/// <param name="ConfidenceMin">For <see cref="Trigger.StayInRiskArea"/>: a stay that its source is less sure of does not count, in percent.</param>
/// <param name="ReportsToEnd">Normal daily reports on consecutive days that end it; 0 when reports do not.</param>
/// <param name="DaysMax">It ends at the latest so many days after what last held it; 0 when only evidence ends it.</param>
/// <param name="Source">Where the rule was published.</param>
public sealed record Rule(
    string Number, Colour Colour, Trigger Trigger, IReadOnlyList<DiagnosisStatus> Statuses, RiskLevel Level, byte ConfidenceMin,
    int ReportsToEnd, int DaysMax, Text Title, Text Explanation, Text End, Text WhatToDo, Text Owner, string Source)
{
    private readonly int statusBits = Statuses.Aggregate(0, (bits, status) => bits | (1 << (int)status));

    public bool Names(DiagnosisStatus status) => (statusBits & (1 << (int)status)) != 0;
}

/// <summary>A dated edition of the prevention plan as data. It is never changed once in force; a new one supersedes it.</summary>
/// <param name="FeverTenths">From this body temperature on a report is not normal, in tenths of a degree Celsius.</param>
public sealed record PlanEdition(
    string Id, Text Title, string Region, Minute InForceFrom, short FeverTenths, string Source, IReadOnlyList<Rule> Rules)
{
    /// <summary>A decision names the rules that hold in the bits of one word.</summary>
    public const int RulesMax = 64;
}
