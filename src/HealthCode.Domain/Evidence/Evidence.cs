namespace HealthCode.Domain;

/// <summary>What a piece of evidence speaks of. The numbers are stored and never reused.</summary>
public enum EvidenceKind : byte
{
    Declaration = 1,
    Stay = 2,
    Visit = 3,
    Diagnosis = 4,
    Correction = 5,
}

/// <summary>Who reported a fact. The numbers are stored and never reused.</summary>
public enum Source : byte
{
    /// <summary>The person, on their own phone.</summary>
    Resident = 1,

    /// <summary>A scan of the person's code at a checkpoint.</summary>
    Checkpoint = 2,
    CommunityWorker = 3,
    Epidemiologist = 4,
}

/// <summary>An immutable fact about one person: kind, when it happened, when it came, who reported it.</summary>
/// <remarks>
/// Evidence is all that ever changes a colour. Two facts with the same person and <see cref="Id"/> are the same fact.
/// No personal field is in it: names and numbers stay in the vault, the person is a pseudonym.
/// </remarks>
public abstract record Evidence
{
    /// <summary>Free text in evidence (a correction's reason, a place's id) is at most this many characters.</summary>
    public const int TextLengthMax = 200;

    public required EvidenceId Id { get; init; }
    public required PersonId Person { get; init; }

    /// <summary>When the fact was so; a report's is the moment of reporting, a stay's its first minute.</summary>
    public required Minute Happened { get; init; }

    /// <summary>When it came to this region. Never earlier than <see cref="Happened"/>.</summary>
    public required Minute Received { get; init; }

    public required Source Source { get; init; }

    /// <summary>The staff account that entered it, for what was entered by hand; else null.</summary>
    public string? EnteredBy { get; init; }

    public abstract EvidenceKind Kind { get; }

    /// <summary>Whether the other says the same, apart from when it arrived: a retry, and not a second fact under one id.</summary>
    public bool SameFactAs(Evidence other) =>
        Equals(this with { Received = default, Happened = StatedMoment }, other with { Received = default, Happened = other.StatedMoment });

    /// <summary>The moment that the source stated, as against one that we took from our clock at arrival.</summary>
    private protected virtual Minute StatedMoment => Happened;
}

/// <summary>What a person says of their health: at application and once a day.</summary>
public sealed record Declaration : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Declaration;

    public Symptoms Symptoms { get; init; }

    /// <summary>Tenths of a degree Celsius, 340–430; 0 when not taken.</summary>
    public short TemperatureTenths { get; init; }

    public DeclaredContact Contact { get; init; }

    private protected override Minute StatedMoment => default;
}

/// <summary>Presence in an area over a span of time.</summary>
public sealed record Stay : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Stay;

    public required AreaCode Area { get; init; }

    /// <summary>First minute after the stay; <see cref="Minute.Never"/> while it lasts (a residence).</summary>
    public required Minute Until { get; init; }

    /// <summary>How sure the source is, in percent. What a person declares of themselves is 100.</summary>
    public byte Confidence { get; init; } = 100;
}

/// <summary>A scan of the person's code at a place.</summary>
public sealed record Visit : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Visit;

    /// <summary>The place's identifier, as the back office keeps it.</summary>
    public required string Place { get; init; }

    public required AreaCode Area { get; init; }

    /// <summary>Tenths of a degree Celsius as measured at the door; 0 when not taken.</summary>
    public short TemperatureTenths { get; init; }

    private protected override Minute StatedMoment => default;
}

/// <summary>What a hospital or the disease control found about a person.</summary>
public sealed record Diagnosis : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Diagnosis;

    public required DiagnosisStatus Status { get; init; }

    /// <summary>Day of the first symptoms; null for none or unknown.</summary>
    public Day? Onset { get; init; }

    public required string Institution { get; init; }
}

/// <summary>Withdraws one earlier piece of evidence of the same person. It holds no rule itself.</summary>
/// <remarks>
/// To withdraw what holds a rule never worsens the colour. To withdraw what ended one (a recovery, an exclusion, a normal
/// report) lets the older evidence speak again, and that can be worse than before.
/// </remarks>
public sealed record Correction : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Correction;

    public required EvidenceId Corrects { get; init; }

    public required string Reason { get; init; }

    private protected override Minute StatedMoment => default;
}

/// <summary>Symptoms as a daily report asks for them. The numbers are stored.</summary>
/// <remarks>Which data element of WS 363.6-2011 each of these is could not be checked: the text was not at hand.</remarks>
[Flags]
public enum Symptoms : ushort
{
    None = 0,
    Fever = 1,
    DryCough = 2,
    Fatigue = 4,
    Breathless = 8,
    SoreThroat = 16,
    Diarrhoea = 32,
    Other = 64,
}

public enum DeclaredContact : byte
{
    No = 0,
    Yes = 1,
    Unsure = 2,
}

/// <summary>The state of a case. The numbers are stored.</summary>
public enum DiagnosisStatus : byte
{
    Suspected = 1,
    Confirmed = 2,
    Asymptomatic = 3,
    Recovered = 4,
    Excluded = 5,
}
