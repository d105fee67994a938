using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>What became of an edition, as the journal keeps it for ever: it was approved, or withdrawn before its time.</summary>
public abstract record PlanFact
{
    /// <summary>The edition's id.</summary>
    public required string Edition { get; init; }

    /// <summary>The staff account that approved or withdrew it; <c>start</c> for the region's first edition.</summary>
    public required string By { get; init; }

    public required Minute At { get; init; }

    public required string Reason { get; init; }
}

/// <summary>An edition takes force. Its text and cases stand here whole, and nothing edits them afterwards.</summary>
public sealed record EditionApproved : PlanFact
{
    /// <summary>The edition's file, as its author wrote it.</summary>
    public required string Text { get; init; }

    /// <summary>
    /// The file of the edition that a regional one builds on; else null. What an edition says is then complete here,
    /// whatever becomes of the files that came with the program.
    /// </summary>
    public string? Base { get; init; }

    /// <summary>The cases it was approved with; empty when it has none.</summary>
    public required string Cases { get; init; }

    /// <summary>From here on it decides, until the next does. Never before <see cref="PlanFact.At"/>.</summary>
    public required Minute InForceFrom { get; init; }

    public required string Author { get; init; }
}

/// <summary>An edition that was approved and had not begun was taken back. Its id is free again.</summary>
public sealed record EditionWithdrawn : PlanFact;
