using System.Security.Cryptography;

namespace HealthCode.Tokens;

/// <summary>Reads the region's own tokens by opening their handle: microseconds, and no signature.</summary>
public sealed class TokenReader
{
    private readonly KeyRing keys;
    private readonly HandleCipher handles;

    public TokenReader(KeyRing keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        this.keys = keys;
        handles = new HandleCipher(keys.Secret(KeyRing.HandleSecret));
    }

    /// <summary>
    /// Reads a token that this region made. Never throws on a text, whatever it is; the refusals are checked in the
    /// order of <see cref="TokenRefusal"/>.
    /// </summary>
    public bool TryReadOwn(string? text, DateTimeOffset now, out OwnToken token, out TokenRefusal refusal)
    {
        token = default;
        if (!TokenBytes.TryParse(text, out var bytes, out refusal))
            return false;

        refusal = Check(bytes, now, out var person);
        if (refusal != TokenRefusal.None)
            return false;
        token = new OwnToken(IdOf(bytes), person, bytes.Colour, bytes.IssuedAt, bytes.ExpiresAt);
        return true;
    }

    private TokenRefusal Check(TokenBytes token, DateTimeOffset now, out Domain.PersonId person)
    {
        person = default;
        if (token.Issuer != keys.Region)
            return TokenRefusal.ForeignIssuer;
        if (!keys.Knows(token.Key, now))
            return TokenRefusal.UnknownKey;
        if (!handles.TryOpen(token, now, out person))
            return TokenRefusal.Forged;
        return token.RefusalAt(now);
    }

    private static string IdOf(TokenBytes token) => Convert.ToHexStringLower(SHA256.HashData(token.Handle).AsSpan(0, 8));
}
