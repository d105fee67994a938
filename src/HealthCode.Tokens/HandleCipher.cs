using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using HealthCode.Domain;

namespace HealthCode.Tokens;

/// <summary>
/// The person in a token: nonce 12, PersonId 16 encrypted, tag 16; AES-256-GCM bound to the token's other claims.
/// </summary>
/// <remarks>
/// <para>
/// The nonce is random, so two displays of one person have nothing in common. Random nonces under one key must stay
/// far below 2^32 in number (NIST SP 800-38D, 8.3), and a large region displays some hundred millions of codes a day:
/// so there is a key for each UTC day of issue, HKDF-SHA256(master, info = "healthcode handle" + day number, 8 bytes).
/// </para>
/// <para>Keys of yesterday, today and tomorrow stay derived; a forger's other days are derived and forgotten.</para>
/// </remarks>
internal sealed class HandleCipher(byte[] master)
{
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int SecondsPerDay = 24 * 60 * 60;
    private const int DaysKeptMax = 4;

    private readonly ConcurrentDictionary<long, Pool<AesGcm>> days = [];

    public void Lock(PersonId person, TokenBytes token)
    {
        var handle = token.Handle;
        Span<byte> plain = stackalloc byte[PersonId.Size];
        person.WriteTo(plain);
        RandomNumberGenerator.Fill(handle[..NonceSize]);

        var keys = KeysOf(token.IssuedAt, token.IssuedAt);
        var key = keys.Take();
        key.Encrypt(handle[..NonceSize], plain, handle[NonceSize..^TagSize], handle[^TagSize..], token.HandleContext);
        keys.Return(key);
    }

    /// <summary>False when the handle, or anything that it is bound to, is not as the region made it.</summary>
    public bool TryOpen(TokenBytes token, DateTimeOffset now, out PersonId person)
    {
        var handle = token.Handle;
        Span<byte> plain = stackalloc byte[PersonId.Size];
        person = default;

        var keys = KeysOf(token.IssuedAt, now);
        var key = keys.Take();
        try
        {
            key.Decrypt(handle[..NonceSize], handle[NonceSize..^TagSize], handle[^TagSize..], plain, token.HandleContext);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
        finally
        {
            keys.Return(key);
        }
        person = PersonId.FromBytes(plain);
        return true;
    }

    private Pool<AesGcm> KeysOf(DateTimeOffset issuedAt, DateTimeOffset now)
    {
        var day = DayOf(issuedAt);
        if (days.TryGetValue(day, out var keys))
            return keys;

        keys = Derive(day);
        if (Math.Abs(day - DayOf(now)) > 1)
            return keys;
        if (days.Count >= DaysKeptMax)
            days.Clear();
        return days.GetOrAdd(day, keys);
    }

    private Pool<AesGcm> Derive(long day)
    {
        var info = new byte[17 + sizeof(long)];
        "healthcode handle"u8.CopyTo(info);
        BinaryPrimitives.WriteInt64BigEndian(info.AsSpan(17), day);
        var key = HKDF.DeriveKey(HashAlgorithmName.SHA256, master, 32, info: info);
        return new Pool<AesGcm>(() => new AesGcm(key, TagSize));
    }

    private static long DayOf(DateTimeOffset moment) => moment.ToUnixTimeSeconds() / SecondsPerDay;
}
