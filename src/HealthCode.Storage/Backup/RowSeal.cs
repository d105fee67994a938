using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Rows of a backup: those about a person under the person's key, AES-256-GCM, and bound to their table.</summary>
/// <param name="keysOf">The keys of a stream's people.</param>
internal sealed class RowSeal(Func<string, CancellationToken, Task<PersonKeys>> keysOf, int partitions)
{
    private const int NonceSize = 12, TagSize = 16;

    // A row of each person is met in no order, so the keys of all streams are read once and kept.
    private readonly Dictionary<string, PersonKeys> known = [];

    /// <returns>A line, without its end.</returns>
    public async ValueTask<byte[]> SealAsync(string table, PersonId? person, JsonObject row, CancellationToken cancellation)
    {
        var line = new JsonObject();
        if (person is not { } whose)
            line.Add("row", row);
        else
        {
            line.Add("person", $"{whose}");
            // Somebody without a key has never been sealed anywhere, and somebody deleted has no row, or loses it this very moment.
            if ((await KeysAsync(whose, cancellation).ConfigureAwait(false)).Newest(whose) is not { } newest)
                line.Add("row", row);
            else
            {
                line.Add("generation", newest.Generation);
                if (newest.Key is { } key)
                    line.Add("sealed", Convert.ToBase64String(Box(key, table, JsonSerializer.SerializeToUtf8Bytes(row))));
            }
        }
        return JsonSerializer.SerializeToUtf8Bytes(line);
    }

    /// <returns>Null for a row of somebody whose key was destroyed.</returns>
    /// <exception cref="InvalidDataException">The keys are not those that the row was sealed under.</exception>
    public async ValueTask<JsonObject?> OpenAsync(string table, string line, CancellationToken cancellation)
    {
        var parts = JsonNode.Parse(line)!.AsObject();
        if (parts["person"]?.GetValue<string>() is not { } text)
            return Taken(parts);
        if (!PersonId.TryParse(text, out var person))
            throw new InvalidDataException($"A row of table {table} names a person that is none.");
        var keys = await KeysAsync(person, cancellation).ConfigureAwait(false);
        if (parts["generation"]?.GetValue<byte>() is not { } generation)
            return keys.Newest(person) is null or { Generation: 0, Key: not null } ? Taken(parts) : null;
        if (!keys.TryFind(person, generation, out var key))
            throw new InvalidDataException($"A row of table {table} is sealed under a key that is not among the keys, destroyed or not.");
        return key is null || parts["sealed"] is not { } box ? null : Unbox(key.Value, table, Convert.FromBase64String(box.GetValue<string>()));
    }

    private static JsonObject Taken(JsonObject parts)
    {
        var row = parts["row"]!.AsObject();
        parts.Remove("row");
        return row;
    }

    private async ValueTask<PersonKeys> KeysAsync(PersonId person, CancellationToken cancellation)
    {
        var stream = JournalStreams.Of(person, partitions);
        if (!known.TryGetValue(stream, out var keys))
            known.Add(stream, keys = await keysOf(stream, cancellation).ConfigureAwait(false));
        return keys;
    }

    private static byte[] Box(UInt128 key, string table, byte[] plain)
    {
        var box = new byte[NonceSize + plain.Length + TagSize];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceSize));
        using var aes = new AesGcm(RowKeyOf(key), TagSize);
        aes.Encrypt(box.AsSpan(0, NonceSize), plain, box.AsSpan(NonceSize, plain.Length), box.AsSpan(NonceSize + plain.Length), Encoding.UTF8.GetBytes(table));
        return box;
    }

    private static JsonObject Unbox(UInt128 key, string table, byte[] box)
    {
        var plain = new byte[box.Length - NonceSize - TagSize];
        try
        {
            using var aes = new AesGcm(RowKeyOf(key), TagSize);
            aes.Decrypt(box.AsSpan(0, NonceSize), box.AsSpan(NonceSize, plain.Length), box.AsSpan(NonceSize + plain.Length), plain, Encoding.UTF8.GetBytes(table));
        }
        catch (CryptographicException)
        {
            throw new InvalidDataException($"A row of table {table} does not open: the keys are not those that belong to this backup.");
        }
        return JsonNode.Parse(plain)!.AsObject();
    }

    private static byte[] RowKeyOf(UInt128 key)
    {
        var bytes = new byte[KeyWrap.KeySize];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, key);
        return HKDF.DeriveKey(HashAlgorithmName.SHA256, bytes, 32, info: "healthcode backup row"u8.ToArray());
    }
}
