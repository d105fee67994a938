using System.Security.Cryptography;
using System.Text.Json;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Encrypts a profile under a key of its own, and that key under the person's.</summary>
/// <remarks>
/// AES-256-GCM twice. Each box is <c>nonce 12 | ciphertext | tag 16</c>, and its associated data is the person, so that
/// a box cannot be moved to somebody else. Destroying the person's key makes the profile unreadable wherever it was copied.
/// The first version wrapped under the region's key; what it sealed is still opened, until it is sealed anew.
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

    public static (byte[] WrappedKey, byte[] Sealed) Seal(PersonId person, SealingKey personKey, PersonProfile profile)
    {
        var key = RandomNumberGenerator.GetBytes(KeySize);
        var plain = JsonSerializer.SerializeToUtf8Bytes(profile, ProfileJson.Default.PersonProfile);
        return (Box(WrappingKeyOf(personKey), key, person), Box(key, plain, person));
    }

    /// <param name="personKey">Null for somebody who never had one: their profile is of the first version.</param>
    /// <exception cref="VaultLockedException">The keys are not those that the profile was sealed under.</exception>
    public PersonProfile Open(PersonId person, SealingKey? personKey, byte[] wrappedKey, byte[] box)
    {
        try
        {
            var key = UnwrapKey(person, personKey, wrappedKey);
            return JsonSerializer.Deserialize(Unbox(key, box, person), ProfileJson.Default.PersonProfile)!;
        }
        catch (CryptographicException)
        {
            throw new VaultLockedException();
        }
    }

    private byte[] UnwrapKey(PersonId person, SealingKey? personKey, byte[] wrappedKey)
    {
        try
        {
            if (personKey is { } own)
                return Unbox(WrappingKeyOf(own), wrappedKey, person);
        }
        catch (CryptographicException)
        {
            // Sealed before the person had a key.
        }
        return Unbox(wrappingKey, wrappedKey, person);
    }

    private static byte[] WrappingKeyOf(SealingKey key)
    {
        Span<byte> bytes = stackalloc byte[KeyWrap.KeySize];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, key.Key);
        return HKDF.DeriveKey(HashAlgorithmName.SHA256, bytes.ToArray(), KeySize, info: "healthcode profile"u8.ToArray());
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
