using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace HealthCode.Tokens;

/// <summary>The public keys of one or more regions: all that a device needs to check codes offline.</summary>
/// <remarks>As a JWK set (RFC 7517) it has <c>kid</c> in 16 hex digits and the region's code in <c>iss</c>.</remarks>
public sealed class PublicKeySet
{
    private readonly Dictionary<(string Issuer, KeyId Key), Es256> keys;
    private readonly HashSet<string> issuers;

    internal PublicKeySet(IReadOnlyList<(string Issuer, Es256 Key)> all)
    {
        keys = all.ToDictionary(key => (key.Issuer, key.Key.Id), key => key.Key);
        issuers = [.. all.Select(key => key.Issuer)];
    }

    public int Count => keys.Count;

    public bool HasIssuer(string issuer) => issuers.Contains(issuer);

    internal Es256? Find(string issuer, KeyId key) => keys.GetValueOrDefault((issuer, key));

    /// <summary>Both sets' keys: a device that accepts several regions has one.</summary>
    public PublicKeySet With(PublicKeySet other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new([.. keys.Concat(other.keys).DistinctBy(pair => pair.Key).Select(pair => (pair.Key.Issuer, pair.Value))]);
    }

    public string ToJson() => JsonSerializer.Serialize(
        new JwkSet([.. keys.Select(pair => new Jwk(
            "EC", "P-256", "sig", "ES256", pair.Key.Key.ToString(), pair.Key.Issuer,
            Base64Url.EncodeToString(pair.Value.X), Base64Url.EncodeToString(pair.Value.Y)))]),
        JwkJson.Default.JwkSet);

    /// <exception cref="FormatException">It is no set of P-256 keys with issuers.</exception>
    public static PublicKeySet FromJson(string json)
    {
        try
        {
            var set = JsonSerializer.Deserialize(json, JwkJson.Default.JwkSet);
            return new([.. (set?.Keys ?? []).Where(key => key is { Kty: "EC", Crv: "P-256", Iss: not null }).Select(key =>
                (key.Iss!, Es256.FromPoint(Base64Url.DecodeFromChars(key.X), Base64Url.DecodeFromChars(key.Y))))]);
        }
        catch (Exception failure) when (failure is JsonException or CryptographicException or ArgumentException)
        {
            throw new FormatException("This is not a set of public keys (JWK set, P-256, with iss): " + failure.Message, failure);
        }
    }
}

internal sealed record Jwk(string Kty, string Crv, string Use, string Alg, string Kid, string? Iss, string X, string Y);

internal sealed record JwkSet(IReadOnlyList<Jwk> Keys);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(JwkSet))]
internal sealed partial class JwkJson : JsonSerializerContext;
