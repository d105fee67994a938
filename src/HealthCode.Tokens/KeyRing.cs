using System.Globalization;
using System.Security.Cryptography;

namespace HealthCode.Tokens;

/// <param name="PublishedBefore">A new key is published so long before it signs, so that every node and device knows it first.</param>
/// <param name="RetiredFor">A key that signs no more is kept so long for the tokens it signed.</param>
public sealed record KeyRingOptions(TimeSpan PublishedBefore, TimeSpan RetiredFor)
{
    public static readonly KeyRingOptions Default = new(TimeSpan.FromMinutes(10), TimeSpan.FromDays(1));
}

/// <summary>The region's own keys, in files of a folder that only their owner may read.</summary>
/// <remarks>
/// <code>
///   secret-NAME.key                     32 random bytes, hex; made when first asked for, never changed
///   signing-YYYYMMDDTHHMMSSZ.pem        P-256, PKCS #8; it signs from the moment in its name until a later one does
/// </code>
/// A rotation only adds a file. Each process that shares the folder reads it again when it meets a key it does not know
/// and at least once a minute when it signs, so nobody has to be restarted.
/// </remarks>
public sealed class KeyRing
{
    /// <summary>The secret that handles are encrypted under.</summary>
    public const string HandleSecret = "handle";

    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";
    private const string SigningPrefix = "signing-";
    private const int SecretSize = 32;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan ReloadAfter = TimeSpan.FromMinutes(1);

    private readonly string folder;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private volatile Dated[] keys = [];
    private long reloadedAt;

    private sealed record Dated(DateTimeOffset From, Es256 Key);

    private KeyRing(string folder, string region, TimeProvider time, KeyRingOptions options)
    {
        (this.folder, Region, this.time, Options) = (folder, region, time, options);
    }

    /// <summary>The six-digit division code that this ring's tokens name as their issuer.</summary>
    public string Region { get; }

    public KeyRingOptions Options { get; }

    /// <summary>Opens the folder, making it and a first signing key when there is none.</summary>
    /// <exception cref="KeyFilePermissionsException">A file may be read or written by others than its owner.</exception>
    public static KeyRing OpenOrCreate(string folder, string region, TimeProvider time, KeyRingOptions? options = null)
    {
        if (region is not { Length: 6 } || !region.All(char.IsAsciiDigit))
            throw new ArgumentException("A region is named by the six digits of its division.", nameof(region));
        Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        var ring = new KeyRing(folder, region, time, options ?? KeyRingOptions.Default);
        ring.Reload();
        if (ring.keys.Length == 0)
        {
            ring.WriteSigningKey(time.GetUtcNow());
            ring.Reload();
        }
        return ring;
    }

    /// <summary>The keys by which anyone checks this region's tokens: retired ones that may still be needed, and the next.</summary>
    public PublicKeySet PublicKeys
    {
        get
        {
            ReloadIfOld();
            var now = time.GetUtcNow();
            return new PublicKeySet([.. keys.Where((key, index) => !IsGone(index, now)).Select(key => (Region, key.Key))]);
        }
    }

    /// <summary>Adds a signing key. It is published at once, and signs after <see cref="KeyRingOptions.PublishedBefore"/>.</summary>
    public KeyId Rotate()
    {
        var added = WriteSigningKey(time.GetUtcNow() + Options.PublishedBefore);
        Reload();
        return added;
    }

    /// <summary>Reads the folder again.</summary>
    public void Reload()
    {
        lock (gate)
        {
            var known = keys.ToDictionary(key => key.From);
            keys = [.. Directory.EnumerateFiles(folder, SigningPrefix + "*.pem").Select(file => Read(file, known)).OrderBy(key => key.From)];
            Volatile.Write(ref reloadedAt, time.GetUtcNow().UtcTicks);
        }
    }

    /// <summary>A secret of the region by its name: 32 bytes, made when first asked for.</summary>
    /// <exception cref="KeyFilePermissionsException">The file may be read or written by others than its owner.</exception>
    public byte[] Secret(string name)
    {
        var file = Path.Combine(folder, $"secret-{name}.key");
        lock (gate)
        {
            if (!File.Exists(file))
                Write(file, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretSize)));
            Check(file);
            var secret = Convert.FromHexString(File.ReadAllText(file).Trim());
            return secret.Length == SecretSize ? secret : throw new CryptographicException($"{file} does not hold {SecretSize} bytes.");
        }
    }

    internal Es256 SigningKeyAt(DateTimeOffset now)
    {
        ReloadIfOld();
        var all = keys;
        var current = all[0];
        foreach (var key in all)
        {
            if (key.From <= now)
                current = key;
        }
        return current.Key;
    }

    internal bool Knows(KeyId id, DateTimeOffset now)
    {
        if (Has(id, now))
            return true;
        // Another process may have rotated; but a flood of invented key ids must not become a flood of directory reads.
        if (time.GetUtcNow().UtcTicks - Volatile.Read(ref reloadedAt) < TimeSpan.TicksPerSecond)
            return false;
        Reload();
        return Has(id, now);
    }

    private bool Has(KeyId id, DateTimeOffset now)
    {
        var all = keys;
        for (var index = 0; index < all.Length; index++)
        {
            if (all[index].Key.Id == id)
                return !IsGone(index, now);
        }
        return false;
    }

    // A key has signed its last token when the next one began; some time after that nothing it signed is alive.
    private bool IsGone(int index, DateTimeOffset now) =>
        index + 1 < keys.Length && keys[index + 1].From + Options.RetiredFor <= now;

    private void ReloadIfOld()
    {
        if (time.GetUtcNow().UtcTicks - Volatile.Read(ref reloadedAt) >= ReloadAfter.Ticks)
            Reload();
    }

    private static Dated Read(string file, Dictionary<DateTimeOffset, Dated> known)
    {
        Check(file);
        var from = DateTimeOffset.ParseExact(
            Path.GetFileNameWithoutExtension(file)[SigningPrefix.Length..], TimeFormat, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        return known.GetValueOrDefault(from) ?? new Dated(from, Es256.FromPrivatePem(File.ReadAllText(file)));
    }

    private KeyId WriteSigningKey(DateTimeOffset from)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = SigningPrefix + from.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture) + ".pem";
        Write(Path.Combine(folder, name), key.ExportPkcs8PrivateKeyPem());
        return KeyId.Of(key);
    }

    // Whole or not at all: to the disk under another name first.
    private static void Write(string file, string text)
    {
        var partial = file + ".new";
        using (var stream = new FileStream(partial, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }
        File.Move(partial, file, overwrite: false);
    }

    private static void Check(string file)
    {
        if ((File.GetUnixFileMode(file) & ~(OwnerOnly | UnixFileMode.UserExecute)) != 0)
            throw new KeyFilePermissionsException(file);
    }
}

/// <summary>A key file is open to others than its owner, and so no secret any more.</summary>
public sealed class KeyFilePermissionsException(string file) : Exception(
    $"{file} may be read or written by others than its owner. Run: chmod 600 {file} — and if anybody else could have read it, rotate the keys.")
{
    public string File { get; } = file;
}
