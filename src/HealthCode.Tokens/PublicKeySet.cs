using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace HealthCode.Tokens;

/// <summary>
/// The public keys of one region or of several that recognise each other; what a checkpoint device carries. Immutable.
/// </summary>
/// <remarks>
/// As text it is a JWK Set (RFC 7517): each key with kty, crv, x, y, alg, use, kid, and <c>iss</c>, the six-digit division
/// code it may sign for. A key signs for its own region only. Whoever hands the set over vouches for it: it is not signed.
/// </remarks>
public sealed class PublicKeySet
{
    public static readonly PublicKeySet Empty = new([]);

    private readonly Dictionary<(string Issuer, KeyId Key), Es256> keys;
    private readonly HashSet<string> issuers;

    internal PublicKeySet(IEnumerable<(string Issuer, Es256 Key)> keys)
    {
        this.keys = [];
        foreach (var (issuer, key) in keys)
            this.keys[(issuer, key.Id)] = key;
        issuers = [.. this.keys.Keys.Select(key => key.Issuer)];
    }

    public int Count => keys.Count;

    /// <summary>The regions whose tokens can be verified with this set, in order.</summary>
    public IReadOnlyList<string> Issuers => [.. issuers.Order(StringComparer.Ordinal)];

    public bool HasIssuer(string issuer) => issuers.Contains(issuer);

    public bool Contains(string issuer, KeyId key) => keys.ContainsKey((issuer, key));

    /// <summary>These keys and the others, for regions that recognise each other.</summary>
    public PublicKeySet With(PublicKeySet others)
    {
        ArgumentNullException.ThrowIfNull(others);
        return new PublicKeySet(Pairs().Concat(others.Pairs()));
    }

    /// <summary>These keys as a JWK Set, in the order of region and kid: the same keys give the same text.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartArray("keys");
            foreach (var (issuer, key) in Pairs().OrderBy(pair => pair.Issuer, StringComparer.Ordinal).ThenBy(pair => pair.Key.Id.Value))
                Write(json, issuer, key);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Reads a JWK Set. Every key of it must be one that a token can be verified with.</summary>
    /// <exception cref="FormatException">It is no such set; the message says which key is wrong, and how.</exception>
    public static PublicKeySet FromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            using var document = JsonDocument.Parse(json);
            var keys = document.RootElement.GetProperty("keys");
            return new PublicKeySet(keys.EnumerateArray().Select(Read).ToList());
        }
        catch (Exception refused) when (refused is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException("This is not a set of public keys (a JSON object with \"keys\", RFC 7517).", refused);
        }
    }

    internal Es256? Find(string issuer, KeyId key) => keys.GetValueOrDefault((issuer, key));

    private IEnumerable<(string Issuer, Es256 Key)> Pairs() => keys.Select(pair => (pair.Key.Issuer, pair.Value));

    private static void Write(Utf8JsonWriter json, string issuer, Es256 key)
    {
        json.WriteStartObject();
        json.WriteString("kty", "EC");
        json.WriteString("crv", "P-256");
        json.WriteString("x", Base64Url.EncodeToString(key.X));
        json.WriteString("y", Base64Url.EncodeToString(key.Y));
        json.WriteString("alg", "ES256");
        json.WriteString("use", "sig");
        json.WriteString("kid", key.Id.ToString());
        json.WriteString("iss", issuer);
        json.WriteEndObject();
    }

    private static (string Issuer, Es256 Key) Read(JsonElement jwk)
    {
        var kid = Text(jwk, "kid");
        if (Text(jwk, "kty") != "EC" || Text(jwk, "crv") != "P-256")
            throw new FormatException($"Key {kid} is not of P-256 (kty EC, crv P-256).");
        var issuer = Text(jwk, "iss");
        if (!KeyRing.IsRegion(issuer))
            throw new FormatException($"Key {kid} has no six-digit division code as iss.");

        var key = PointOf(jwk, kid);
        return kid == key.Id.ToString()
            ? (issuer, key)
            : throw new FormatException($"Key {kid} is not what its name says: its kid would be {key.Id}.");
    }

    private static Es256 PointOf(JsonElement jwk, string kid)
    {
        try
        {
            return Es256.FromPoint(Base64Url.DecodeFromChars(Text(jwk, "x")), Base64Url.DecodeFromChars(Text(jwk, "y")));
        }
        catch (Exception refused) when (refused is FormatException or CryptographicException)
        {
            throw new FormatException($"Key {kid} is no point of P-256.", refused);
        }
    }

    private static string Text(JsonElement jwk, string name) =>
        jwk.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
