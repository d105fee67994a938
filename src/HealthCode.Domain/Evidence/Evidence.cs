namespace HealthCode.Domain;

/// <summary>What a piece of evidence speaks of. The numbers are stored and never reused.</summary>
public enum EvidenceKind : byte
{
    Declaration = 1,
    Stay = 2,
    Visit = 3,
    Diagnosis = 4,
    Correction = 5,
    Journey = 6,
    Test = 7,
    Vaccination = 8,
    Contact = 9,
    Order = 10,
    Release = 11,
    Arrival = 12,
    Recognition = 13,
    Answer = 14,
    Pass = 15,
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

    /// <summary>A telecom operator: where a phone's mast was, which near a border is not where the phone was.</summary>
    Telecom = 5,
    Railway = 6,
    Airline = 7,
    Coach = 8,
    Laboratory = 9,
    Hospital = 10,
    BorderControl = 11,

    /// <summary>Another region, by its word about the person.</summary>
    Region = 12,

    /// <summary>Tracing, which reads visits and journeys and writes contacts.</summary>
    Tracing = 13,
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

/// <summary>One ride by train, flight, coach or ship, as the carrier knows it. Happened is the departure.</summary>
public sealed record Journey : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Journey;

    public required JourneyMode Mode { get; init; }

    /// <summary>Train, flight or line number, e.g. <c>G1234</c>.</summary>
    public required string Number { get; init; }

    /// <summary>Carriage; null where there is none, or it is not known.</summary>
    public string? Carriage { get; init; }

    public string? Seat { get; init; }

    public required AreaCode From { get; init; }

    public required AreaCode To { get; init; }

    /// <summary>First minute after the ride.</summary>
    public required Minute Until { get; init; }
}

/// <summary>A nucleic acid test. Happened is the sampling, from which most places count (field notes 4.8).</summary>
public sealed record Test : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Test;

    public required TestResult Result { get; init; }

    public required string Institution { get; init; }
}

/// <summary>One dose of a vaccine.</summary>
public sealed record Vaccination : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Vaccination;

    /// <summary>Which dose it was, 1 to 9.</summary>
    public required byte Dose { get; init; }

    public required string Vaccine { get; init; }
}

/// <summary>A contact with a case, as tracing or an investigator found it. Happened is the last exposure.</summary>
/// <remarks>Who the case is does not stand here: that is the case's own affair.</remarks>
public sealed record Contact : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Contact;

    public required ContactKind Degree { get; init; }

    /// <summary>How it was found, in words that the person reads: the same carriage, the same table.</summary>
    public required string Circumstance { get; init; }
}

/// <summary>An isolation or monitoring order of an authority. Happened is its beginning.</summary>
public sealed record Order : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Order;

    public required OrderKind Ordered { get; init; }

    /// <summary>The authority that answers for it.</summary>
    public required string Institution { get; init; }

    /// <summary>The legal basis, e.g. an article of a law or the number of a notice.</summary>
    public required string Basis { get; init; }
}

/// <summary>Ends an order of the same kind, or confirms health. Happened is when it takes effect.</summary>
public sealed record Release : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Release;

    public required OrderKind Released { get; init; }

    public required string Institution { get; init; }
}

/// <summary>An arrival from abroad. Happened is the entry.</summary>
public sealed record Arrival : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Arrival;

    /// <summary>Where from: three letters of GB/T 2659-2000 (ISO 3166-1 alpha-3).</summary>
    public required string Country { get; init; }

    /// <summary>The division of the port of entry.</summary>
    public required AreaCode Port { get; init; }
}

/// <summary>Another region's word about the person. Its next word replaces it.</summary>
public sealed record Recognition : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Recognition;

    /// <summary>The region that says so, and that answers for it: its division.</summary>
    public required AreaCode Issuer { get; init; }

    public required Colour Colour { get; init; }

    /// <summary>The rule and reason that the issuer gave.</summary>
    public required string Reason { get; init; }
}

/// <summary>What the person says to a question about a doubtful stay. It settles the doubt; silence settles nothing.</summary>
public sealed record Answer : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Answer;

    /// <summary>The doubtful stay.</summary>
    public required EvidenceId Question { get; init; }

    public required bool WasThere { get; init; }

    private protected override Minute StatedMoment => default;
}

/// <summary>A time-limited pass, for a journey that cannot wait. It changes no colour. Happened is its beginning.</summary>
public sealed record Pass : Evidence
{
    public override EvidenceKind Kind => EvidenceKind.Pass;

    /// <summary>First minute after it; 1 to 24 hours long (Guangxi, December 2021: field notes 4.6).</summary>
    public required Minute Until { get; init; }

    public required string Purpose { get; init; }
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

/// <summary>What a person rode. The numbers are stored.</summary>
public enum JourneyMode : byte
{
    Train = 1,
    Flight = 2,
    Coach = 3,
    Ship = 4,
}

/// <summary>The numbers are stored.</summary>
public enum TestResult : byte
{
    Negative = 1,
    Positive = 2,

    /// <summary>Between the thresholds (灰区), or one sample of a pool that was positive.</summary>
    Inconclusive = 3,
}

/// <summary>How near a contact was: 密接, 次密接, 同乘, 时空伴随, 一般接触 (field notes 4.5). The numbers are stored.</summary>
public enum ContactKind : byte
{
    Close = 1,

    /// <summary>A contact of a close contact.</summary>
    Secondary = 2,
    SameVehicle = 3,
    TimeSpace = 4,
    General = 5,
}

/// <summary>What can be ordered and released. The numbers are stored.</summary>
public enum OrderKind : byte
{
    CentralIsolation = 1,
    HomeIsolation = 2,
    Monitoring = 3,

    /// <summary>Never ordered: released, it says that the health authority confirmed that nothing stands against the person.</summary>
    Health = 4,
}
