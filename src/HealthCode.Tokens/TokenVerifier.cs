namespace HealthCode.Tokens;

/// <summary>Verifies any region's tokens by their signature: offline, with nothing but public keys.</summary>
public static class TokenVerifier
{
    /// <summary>
    /// Verifies a token. Never throws on a text, whatever it is; the refusals are checked in the order of
    /// <see cref="TokenRefusal"/>.
    /// </summary>
    public static bool TryVerify(
        string? text, PublicKeySet keys, DateTimeOffset now, out VerifiedToken token, out TokenRefusal refusal)
    {
        ArgumentNullException.ThrowIfNull(keys);
        token = default;
        if (!TokenBytes.TryParse(text, out var bytes, out refusal))
            return false;

        refusal = Check(bytes, keys, now);
        if (refusal != TokenRefusal.None)
            return false;
        token = new VerifiedToken(bytes.Issuer, bytes.Colour, bytes.IssuedAt, bytes.ExpiresAt);
        return true;
    }

    private static TokenRefusal Check(TokenBytes token, PublicKeySet keys, DateTimeOffset now)
    {
        if (!keys.HasIssuer(token.Issuer))
            return TokenRefusal.ForeignIssuer;
        if (keys.Find(token.Issuer, token.Key) is not { } key)
            return TokenRefusal.UnknownKey;
        if (!key.Verify(token.ToBeSigned, token.Signature))
            return TokenRefusal.Forged;
        return token.RefusalAt(now);
    }
}
