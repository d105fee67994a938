using HealthCode.Domain;

namespace HealthCode.Tokens;

/// <summary>A health code, ready to be drawn: what a resident's phone receives.</summary>
/// <param name="Text">The characters of the QR code, all of its alphanumeric set.</param>
public readonly record struct Token(string Text, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt, Colour Colour);

/// <summary>What anyone with the public keys learns from a token: not who shows it.</summary>
/// <param name="Issuer">The six-digit division code of the region that signed.</param>
public readonly record struct VerifiedToken(string Issuer, Colour Colour, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt);

/// <summary>What the issuing region learns from its own token.</summary>
/// <param name="Id">
/// 16 hex digits, always the same for the same token and different for every display; a scan sent twice carries it twice.
/// </param>
public readonly record struct OwnToken(
    string Id, PersonId Person, Colour Colour, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt)
{
    /// <summary>Names the token, never the person, so a log line cannot follow anyone.</summary>
    public override string ToString() => $"token {Id}";
}

/// <summary>Why a token is not accepted. The first that applies, in this order, is told.</summary>
public enum TokenRefusal
{
    /// <summary>It is accepted.</summary>
    None = 0,

    /// <summary>Not ours at all: it does not begin with <c>JKM1:</c>.</summary>
    NotACode,

    /// <summary>It began well, but is too long, not Base45, not the one shape a token has, or its checksum is wrong.</summary>
    Damaged,

    /// <summary>Another region's token (to the issuer), or of a region whose keys are not in the set (to a verifier).</summary>
    ForeignIssuer,

    /// <summary>The region is known, the key is not: retired long ago, revoked, or newer than the keys at hand.</summary>
    UnknownKey,

    /// <summary>The region did not make this: the MAC (to the issuer) or the signature (to a verifier) is wrong.</summary>
    Forged,

    /// <summary>Issued more than a minute in the future: one of the two clocks is wrong.</summary>
    NotYetValid,

    /// <summary>It has ended: a screenshot, or a phone that was long offline.</summary>
    Expired,
}
