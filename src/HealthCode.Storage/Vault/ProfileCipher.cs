using System.Security.Cryptography;
using System.Text.Json;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Encrypts a profile under a key of its own, and that key under the region's.</summary>
/// <remarks>
/// AES-256-GCM twice. Each box is <c>nonce 12 | ciphertext | tag 16</c>, and its associated data is the person, so that
/// a box cannot be moved to somebody else. Destroying the wrapped key makes the profile unreadable wherever it was copied.
/// </remarks>
internal sealed class ProfileCipher
{
    private const int KeySize = 32, NonceSize = 12, TagSize = 16;

    private readonly byte[] wrappingKey;
    private readonly byte[] indexKey;

    public ProfileCipher(byte[] masterKey)
    {
        wrappingKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, masterKey, KeySize, info: "healthcode profile key wrapping"u8.ToArray());
        indexKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, masterKey, KeySize, info: "healthcode phone index"u8.ToArray());
    }

    public (byte[] WrappedKey, byte[] Sealed) Seal(PersonId person, PersonProfile profile)
    {
        var key = RandomNumberGenerator.GetBytes(KeySize);
        var plain = JsonSerializer.SerializeToUtf8Bytes(profile, ProfileJson.Default.PersonProfile);
        return (Box(wrappingKey, key, person), Box(key, plain, person));
    }

    /// <exception cref="VaultLockedException">The region's key is not the one that the profile was sealed under.</exception>
    public PersonProfile Open(PersonId person, byte[] wrappedKey, byte[] box)
    {
        try
        {
            var key = Unbox(wrappingKey, wrappedKey, person);
            return JsonSerializer.Deserialize(Unbox(key, box, person), ProfileJson.Default.PersonProfile)!;
        }
        catch (CryptographicException)
        {
            throw new VaultLockedException();
        }
    }

    /// <summary>By which a phone is found without being readable: 16 bytes of an HMAC.</summary>
    public byte[] IndexOf(string phone) =>
        HMACSHA256.HashData(indexKey, System.Text.Encoding.ASCII.GetBytes(phone))[..16];

    private static byte[] Box(byte[] key, byte[] plain, PersonId person)
    {
        var box = new byte[NonceSize + plain.Length + TagSize];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceSize));
        Span<byte> who = stackalloc byte[PersonId.Size];
        person.WriteTo(who);
        using var aes = new AesGcm(key, TagSize);
        aes.Encrypt(box.AsSpan(0, NonceSize), plain, box.AsSpan(NonceSize, plain.Length), box.AsSpan(NonceSize + plain.Length), who);
        return box;
    }

    private static byte[] Unbox(byte[] key, byte[] box, PersonId person)
    {
        if (box.Length < NonceSize + TagSize)
            throw new CryptographicException("too short");
        var plain = new byte[box.Length - NonceSize - TagSize];
        Span<byte> who = stackalloc byte[PersonId.Size];
        person.WriteTo(who);
        using var aes = new AesGcm(key, TagSize);
        aes.Decrypt(box.AsSpan(0, NonceSize), box.AsSpan(NonceSize, plain.Length), box.AsSpan(NonceSize + plain.Length), plain, who);
        return plain;
    }
}

/// <summary>A profile cannot be opened with the key that this region has.</summary>
public sealed class VaultLockedException() : Exception(
    "A profile cannot be opened: the region's key 'profiles' is not the one it was sealed under. Restore the key folder that belongs to this data.");
