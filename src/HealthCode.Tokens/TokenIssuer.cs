using HealthCode.Domain;

namespace HealthCode.Tokens;

/// <summary>Makes the region's tokens. For any number of threads; one signature each, some 40 microseconds.</summary>
public sealed class TokenIssuer
{
    public static readonly TimeSpan DefaultLifetime = TimeSpan.FromMinutes(2);

    private readonly KeyRing keys;
    private readonly HandleCipher handles;
    private readonly TimeSpan lifetime;

    /// <param name="keys">The region's own keys.</param>
    /// <param name="lifetime">
    /// How long a token lives, in whole seconds. Not longer than the ring keeps a retired key, or a rotation would kill
    /// tokens before their time.
    /// </param>
    public TokenIssuer(KeyRing keys, TimeSpan? lifetime = null)
    {
        ArgumentNullException.ThrowIfNull(keys);
        this.keys = keys;
        this.lifetime = lifetime ?? DefaultLifetime;
        ArgumentOutOfRangeException.ThrowIfLessThan(this.lifetime, TimeSpan.FromSeconds(1), nameof(lifetime));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(this.lifetime, keys.Options.RetiredFor, nameof(lifetime));
        handles = new HandleCipher(keys.Secret(KeyRing.HandleSecret));
    }

    /// <param name="person">Who shows it. Only this region can read that from the token.</param>
    /// <param name="colour">Green, yellow or red; who has no colour gets no token.</param>
    /// <param name="now">The moment of issue, cut to the second.</param>
    public Token Issue(PersonId person, Colour colour, DateTimeOffset now)
    {
        if (colour is not (Colour.Green or Colour.Yellow or Colour.Red))
            throw new ArgumentOutOfRangeException(nameof(colour), colour, "A token shows green, yellow or red.");

        var issuedAt = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        var expiresAt = issuedAt + lifetime;
        var key = keys.SigningKeyAt(now);

        // Each step covers what stands before it: the handle the claims, the signature the handle, the checksum all.
        var token = TokenBytes.Create(key.Id, keys.Region, issuedAt, expiresAt, colour);
        handles.Lock(person, token);
        key.Sign(token.ToBeSigned, token.Signature);
        return new Token(token.Seal(), token.IssuedAt, token.ExpiresAt, colour);
    }
}
