using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace HealthCode.Api;

// Words on the wire beside those of Contracts.cs: modes "train" "flight" "coach" "ship"; results "negative" "positive"
// "inconclusive"; contacts "close" "secondary" "same-vehicle" "time-space" "general"; orders "central-isolation"
// "home-isolation" "monitoring", and "health" for a release only; sources "telecom" "railway" "airline" "coach"
// "laboratory" "hospital" "border-control" "region". Texts have at most 200 characters unless it is said.

/// <summary>One fact about a person who is named by document, as staff enter it or a source sends it.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(StayEntry), "stay")]
[JsonDerivedType(typeof(JourneyEntry), "journey")]
[JsonDerivedType(typeof(TestEntry), "test")]
[JsonDerivedType(typeof(VaccinationEntry), "vaccination")]
[JsonDerivedType(typeof(ContactEntry), "contact")]
[JsonDerivedType(typeof(OrderEntry), "order")]
[JsonDerivedType(typeof(ReleaseEntry), "release")]
[JsonDerivedType(typeof(ArrivalEntry), "arrival")]
[JsonDerivedType(typeof(RecognitionEntry), "recognition")]
[JsonDerivedType(typeof(PassEntry), "pass")]
public abstract record EvidenceEntry
{
    /// <summary>The source's own key for the fact, 1 to 100 characters. In a feed only, and needed there.</summary>
    public string? Id { get; init; }

    /// <summary>Who says so. In a feed only, and needed there.</summary>
    public string? Source { get; init; }

    public string? DocumentType { get; init; }

    public string? DocumentNumber { get; init; }

    /// <summary>When it was so: first moment of a stay or pass, departure, sampling, last exposure, entry. Not in the future.</summary>
    public DateTimeOffset? Happened { get; init; }
}

/// <summary>Presence in an area, reported by somebody else than the person.</summary>
public sealed record StayEntry : EvidenceEntry
{
    /// <summary>4 to 18 digits.</summary>
    public string? Area { get; init; }

    /// <summary>First moment after it; absent while it lasts.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>How sure the source is, 1 to 100 percent.</summary>
    public int? Confidence { get; init; }
}

public sealed record JourneyEntry : EvidenceEntry
{
    public string? Mode { get; init; }

    /// <summary>Train, flight or line, up to 20 characters.</summary>
    public string? Number { get; init; }

    /// <summary>Up to 10 characters, as is the seat.</summary>
    public string? Carriage { get; init; }

    public string? Seat { get; init; }

    /// <summary>4 to 18 digits, as is <see cref="To"/>.</summary>
    public string? From { get; init; }

    public string? To { get; init; }

    /// <summary>When it arrived.</summary>
    public DateTimeOffset? Until { get; init; }
}

public sealed record TestEntry : EvidenceEntry
{
    public string? Result { get; init; }

    /// <summary>Up to 100 characters.</summary>
    public string? Institution { get; init; }
}

public sealed record VaccinationEntry : EvidenceEntry
{
    /// <summary>1 to 9.</summary>
    public int? Dose { get; init; }

    public string? Vaccine { get; init; }
}

public sealed record ContactEntry : EvidenceEntry
{
    public string? Degree { get; init; }

    /// <summary>How it was found, in words that the person reads.</summary>
    public string? Circumstance { get; init; }
}

public sealed record OrderEntry : EvidenceEntry
{
    public string? Ordered { get; init; }

    /// <summary>Up to 100 characters.</summary>
    public string? Institution { get; init; }

    public string? Basis { get; init; }
}

public sealed record ReleaseEntry : EvidenceEntry
{
    public string? Released { get; init; }

    /// <summary>Up to 100 characters.</summary>
    public string? Institution { get; init; }
}

public sealed record ArrivalEntry : EvidenceEntry
{
    /// <summary>Three capital letters (GB/T 2659-2000), not CHN.</summary>
    public string? Country { get; init; }

    /// <summary>4 to 18 digits.</summary>
    public string? Port { get; init; }
}

public sealed record RecognitionEntry : EvidenceEntry
{
    /// <summary>The region that says so, 2 to 6 digits.</summary>
    public string? Issuer { get; init; }

    public string? Colour { get; init; }

    public string? Reason { get; init; }
}

public sealed record PassEntry : EvidenceEntry
{
    /// <summary>1 to 24.</summary>
    public int? Hours { get; init; }

    public string? Purpose { get; init; }
}

/// <param name="Person">The region's pseudonym, for a correction that follows.</param>
/// <param name="Colour">The person's, after it.</param>
public sealed record EvidenceAccepted(string Id, string Person, string? MaskedName, string Colour, IReadOnlyList<string> Rules);

/// <summary>What became of a feed: every line read is accepted, known already, or refused.</summary>
/// <param name="Lines">The refused lines, the first 10,000 of them.</param>
/// <param name="Reconciliation">
/// Over all lines that are durable now, accepted or known: the sum of their evidence ids modulo 2^64, 16 hex digits. Whoever
/// sent the feed works it out from the lines that were not refused (<see cref="Api.Reconciliation"/>), and both must agree.
/// </param>
public sealed record FeedReport(long Read, long Accepted, long Known, long Refused, IReadOnlyList<RefusedLine> Lines, string Reconciliation);

/// <summary>A feed that is being taken in at this node.</summary>
/// <param name="Read">Lines read so far; of them durable are <paramref name="Accepted"/> and <paramref name="Known"/>.</param>
public sealed record FeedProgress(DateTimeOffset StartedAt, string By, long Read, long Accepted, long Known, long Refused);

/// <summary>The number by which a source and a region agree on what was taken in, whatever the order of lines.</summary>
public static class Reconciliation
{
    /// <summary>What one line adds: the first eight bytes of SHA-256 over <c>feed/SOURCE</c>, a line feed, and its <c>id</c>.</summary>
    public static ulong Of(string source, string id) => BinaryPrimitives.ReadUInt64BigEndian(
        SHA256.HashData(Encoding.UTF8.GetBytes($"feed/{source}\n{id}")));

    public static string Text(ulong sum) => sum.ToString("x16", CultureInfo.InvariantCulture);
}

/// <param name="Line">From 1, counting every line of the body.</param>
/// <param name="Id">The line's own id, if it could be read.</param>
/// <param name="Refusal">The refusal's name.</param>
public sealed record RefusedLine(long Line, string? Id, string Refusal, string? Field);
