using System.Security.Cryptography;

namespace HealthCode.Storage;

/// <summary>Keys as a store keeps them: under the region's master key, so that a copy of the store opens nothing by itself.</summary>
/// <remarks>
/// A key is one random block of 16 bytes, so one block of AES-256 under a master key that serves nothing else is all that
/// wrapping takes: ten million are unwrapped in seconds.
/// </remarks>
public sealed class KeyWrap : IDisposable
{
    /// <summary>Bytes of a key, wrapped or not.</summary>
    public const int KeySize = 16;

    private readonly Aes aes = Aes.Create();
    private readonly Lock gate = new();

    /// <param name="masterKey">32 bytes: the region's key over the keys of all people.</param>
    public KeyWrap(byte[] masterKey) =>
        aes.Key = HKDF.DeriveKey(HashAlgorithmName.SHA256, masterKey, 32, info: "healthcode key wrapping"u8.ToArray());

    public static byte[] NewKey() => RandomNumberGenerator.GetBytes(KeySize);

    public byte[] Wrap(ReadOnlySpan<byte> key)
    {
        lock (gate)
            return aes.EncryptEcb(key, PaddingMode.None);
    }

    public byte[] Unwrap(ReadOnlySpan<byte> wrapped)
    {
        lock (gate)
            return aes.DecryptEcb(wrapped, PaddingMode.None);
    }

    public void Dispose() => aes.Dispose();
}
