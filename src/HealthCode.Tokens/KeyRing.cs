// The keys of one region, in one folder that its processes share:
//
//   region                                         the six-digit division code the keys are for
//   signing-20261124T103900Z-0123456789abcdef.pem  a signing key (PKCS#8): used from that moment on; its kid
//   secret-handle.hex                              the master key of the handles in tokens
//   secret-NAME.hex                                another secret of the region, 32 bytes
//
// There is no index and nothing is ever overwritten: the names of the files are the whole state, so two processes
// cannot disagree for longer than it takes to look again. A key goes through these stages by the clock alone:
//
//   published        used                     retired                      forgotten
//   |--PublishAhead--|------------------------|---------RetiredFor---------|
//   Rotate()         NotBefore                next key's NotBefore         its file is deleted
//
// A process looks at the folder every ReloadEvery, which is shorter than PublishAhead: so every process, and every
// device that fetches the public keys in time, knows a key before the first token is signed with it. Deleting a key's
// file revokes it.
//
// The secrets are not rotated: the handles' keys change daily by derivation, and the names of all people hang on another
// of these secrets. Back the folder up.

using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;

namespace HealthCode.Tokens;

/// <summary>How long the keys of a ring stay in each stage.</summary>
public sealed record KeyRingOptions
{
    /// <summary>How long a new key is public before it signs. Longer than a device goes without fetching keys, ideally.</summary>
    public TimeSpan PublishAhead { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a key is kept after another took its place. At least the lifetime of a token.</summary>
    public TimeSpan RetiredFor { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How often a process looks for keys that another one made.</summary>
    public TimeSpan ReloadEvery { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>Where a signing key is on its way.</summary>
public enum SigningKeyStage : byte
{
    /// <summary>Public already; signs from its moment on.</summary>
    Published = 1,

    /// <summary>Signs.</summary>
    Used = 2,

    /// <summary>Another took its place; what it signed is still accepted.</summary>
    Retired = 3,

    /// <summary>Nothing that it signed is accepted any more. Its file goes with the next rotation or start.</summary>
    Forgotten = 4,
}

/// <param name="From">When it begins, or began, to sign.</param>
public readonly record struct SigningKeyState(KeyId Id, DateTimeOffset From, SigningKeyStage Stage);

/// <summary>A region's keys and secrets. For any number of threads, and of processes that share the folder.</summary>
public sealed class KeyRing
{
    internal const string HandleSecret = "handle";

    private const int SecretSize = 32;
    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";

    /// <summary>How often an unknown key may send us to the folder: forgers name as many as they like.</summary>
    private static readonly TimeSpan UnknownKeyPause = TimeSpan.FromSeconds(1);

    private readonly string folder;
    private readonly TimeProvider time;
    private readonly Lock reloading = new();
    private readonly ConcurrentDictionary<string, byte[]> secrets = [];

    /// <summary>In the order in which they take over. Replaced as a whole.</summary>
    private volatile SigningKey[] keys = [];
    private long lastLook;
    private long lastUnknownKey = long.MinValue;

    private KeyRing(string folder, string region, TimeProvider time, KeyRingOptions options)
    {
        this.folder = folder;
        this.time = time;
        Region = region;
        Options = options;
    }

    /// <summary>The six-digit division code the keys are for.</summary>
    public string Region { get; }

    public KeyRingOptions Options { get; }

    /// <summary>Why the last look at the folder in passing failed; null when it did not. For a health check.</summary>
    public Exception? ReloadFailure { get; private set; }

    /// <summary>The kids of all keys in the folder, in the order in which they take over.</summary>
    public IReadOnlyList<KeyId> KeyIds => [.. keys.Select(key => key.Es256.Id)];

    /// <summary>All keys in the folder with their stages now, in the order in which they take over.</summary>
    public IReadOnlyList<SigningKeyState> States()
    {
        LookInPassing();
        var all = keys;
        var now = time.GetUtcNow();
        var used = Math.Max(0, Array.FindLastIndex(all, key => key.NotBefore <= now));
        return [.. all.Select((key, index) => new SigningKeyState(
            key.Es256.Id, key.NotBefore,
            index > used ? SigningKeyStage.Published
                : index == used ? SigningKeyStage.Used
                : IsForgotten(all, index, now) ? SigningKeyStage.Forgotten
                : SigningKeyStage.Retired))];
    }

    /// <summary>Opens the ring in a folder; makes the folder and a first key, in use at once, when there is none.</summary>
    /// <exception cref="KeyFilePermissionsException">A file in it is open to others than its owner.</exception>
    /// <exception cref="InvalidDataException">The folder is another region's, or a file in it is not what its name says.</exception>
    public static KeyRing OpenOrCreate(string folder, string region, TimeProvider time, KeyRingOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(time);
        if (!IsRegion(region))
            throw new ArgumentException("A region is a six-digit division code.", nameof(region));

        var ring = new KeyRing(Path.GetFullPath(folder), region, time, Checked(options ?? new KeyRingOptions()));
        SecretFile.OpenFolder(ring.folder);
        ring.CheckRegion();
        ring.Secret(HandleSecret);
        ring.Reload();
        if (ring.keys.Length == 0)
            ring.Add(time.GetUtcNow());
        ring.DeleteForgotten();
        return ring;
    }

    /// <summary>Looks at the folder now. It happens by itself every <see cref="KeyRingOptions.ReloadEvery"/>.</summary>
    public void Reload()
    {
        lock (reloading)
        {
            Volatile.Write(ref lastLook, time.GetTimestamp());
            var known = keys.ToDictionary(key => key.Path);
            keys = [.. SigningKeyFiles().Select(path => known.GetValueOrDefault(path) ?? Load(path)).OfType<SigningKey>()];
            ReloadFailure = null;
        }
    }

    /// <summary>
    /// Publishes a new signing key, which takes over after <see cref="KeyRingOptions.PublishAhead"/>; deletes keys that
    /// have been retired long enough.
    /// </summary>
    public KeyId Rotate()
    {
        var key = Add(time.GetUtcNow() + Options.PublishAhead);
        DeleteForgotten();
        return key;
    }

    /// <summary>The public halves of all keys that may stand in a valid token now or soon: what devices are given.</summary>
    public PublicKeySet PublicKeys()
    {
        LookInPassing();
        var all = keys;
        var now = time.GetUtcNow();
        return new PublicKeySet(all.Where((_, index) => !IsForgotten(all, index, now)).Select(key => (Region, key.Es256)));
    }

    /// <summary>
    /// 32 bytes that belong to the region, made at random on first use: the key of its person identifiers, of its
    /// profiles and so on. Whoever asks for the same name gets the same bytes.
    /// </summary>
    /// <param name="name">Lower-case letters, digits and hyphens.</param>
    public byte[] Secret(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            throw new ArgumentException("A secret's name is of lower-case letters, digits and hyphens.", nameof(name));
        return [.. secrets.GetOrAdd(name, LoadOrCreateSecret)];
    }

    internal static bool IsRegion(string? region) =>
        region is { Length: 6 } && region.All(char.IsAsciiDigit) && region[0] != '0';

    /// <summary>The key to sign with: the last that has begun. The earliest, for a clock that runs behind its maker's.</summary>
    internal Es256 SigningKeyAt(DateTimeOffset now)
    {
        LookInPassing();
        var all = keys;
        for (var i = all.Length - 1; i > 0; i--)
        {
            if (all[i].NotBefore <= now)
                return all[i].Es256;
        }
        return all.Length > 0
            ? all[0].Es256
            : throw new InvalidOperationException($"The key folder {folder} holds no signing key.");
    }

    /// <summary>Whether the key is ours and not forgotten; looks at the folder when another process may have made it.</summary>
    internal bool Knows(KeyId key, DateTimeOffset now)
    {
        LookInPassing();
        if (Has(key, now))
            return true;
        LookForUnknownKey();
        return Has(key, now);
    }

    private bool Has(KeyId key, DateTimeOffset now)
    {
        var all = keys;
        var index = Array.FindIndex(all, other => other.Es256.Id == key);
        return index >= 0 && !IsForgotten(all, index, now);
    }

    private bool IsForgotten(SigningKey[] all, int index, DateTimeOffset now) =>
        index + 1 < all.Length && all[index + 1].NotBefore + Options.RetiredFor < now;

    private void LookInPassing()
    {
        if (time.GetElapsedTime(Volatile.Read(ref lastLook)) >= Options.ReloadEvery)
            TryReload();
    }

    private void LookForUnknownKey()
    {
        var last = Volatile.Read(ref lastUnknownKey);
        if (last != long.MinValue && time.GetElapsedTime(last) < UnknownKeyPause)
            return;
        Volatile.Write(ref lastUnknownKey, time.GetTimestamp());
        TryReload();
    }

    /// <summary>A folder that cannot be read for a while stops nobody: the keys at hand go on.</summary>
    private void TryReload()
    {
        try
        {
            Reload();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException
            or KeyFilePermissionsException)
        {
            ReloadFailure = failure;
        }
    }

    private KeyId Add(DateTimeOffset notBefore)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = KeyId.Of(key);
        var name = $"signing-{notBefore.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}-{id}.pem";
        SecretFile.TryCreate(Path.Combine(folder, name), key.ExportPkcs8PrivateKeyPem() + "\n");
        Reload();
        return id;
    }

    private void DeleteForgotten()
    {
        var all = keys;
        var now = time.GetUtcNow();
        var forgotten = all.Where((_, index) => IsForgotten(all, index, now)).ToList();
        if (forgotten.Count == 0)
            return;
        forgotten.ForEach(key => File.Delete(key.Path));
        Reload();
    }

    /// <summary>The names sort by the time at which the keys take over.</summary>
    private IEnumerable<string> SigningKeyFiles() =>
        Directory.EnumerateFiles(folder, "signing-*.pem").Order(StringComparer.Ordinal);

    /// <summary>Null when another process has just deleted it.</summary>
    private static SigningKey? Load(string path)
    {
        try
        {
            var key = Es256.FromPrivatePem(SecretFile.Read(path));
            var parts = Path.GetFileNameWithoutExtension(path).Split('-');
            if (parts.Length != 3 || parts[2] != key.Id.ToString() || !TryParseTime(parts[1], out var notBefore))
                throw new InvalidDataException($"The key file {path} is not what its name says: signing-TIME-KID.pem.");
            return new SigningKey(path, notBefore, key);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (Exception refused) when (refused is CryptographicException or ArgumentException)
        {
            throw new InvalidDataException($"The key file {path} holds no private key of P-256 (PKCS#8, PEM).", refused);
        }
    }

    private static bool TryParseTime(string text, out DateTimeOffset time) => DateTimeOffset.TryParseExact(
        text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);

    private void CheckRegion()
    {
        var path = Path.Combine(folder, "region");
        if (!File.Exists(path))
            SecretFile.TryCreate(path, Region + "\n");
        var found = SecretFile.Read(path).Trim();
        if (found != Region)
            throw new InvalidDataException($"The key folder {folder} is that of region {found}, not of {Region}.");
    }

    private byte[] LoadOrCreateSecret(string name)
    {
        var path = Path.Combine(folder, $"secret-{name}.hex");
        if (!File.Exists(path))
            SecretFile.TryCreate(path, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretSize)) + "\n");
        var secret = new byte[SecretSize];
        var status = Convert.FromHexString(SecretFile.Read(path).AsSpan().Trim(), secret, out _, out var written);
        return status == System.Buffers.OperationStatus.Done && written == SecretSize
            ? secret
            : throw new InvalidDataException($"The secret file {path} does not hold {SecretSize} bytes in hex.");
    }

    private static KeyRingOptions Checked(KeyRingOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ReloadEvery, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.PublishAhead, options.ReloadEvery, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.RetiredFor, TimeSpan.FromMinutes(1), nameof(options));
        return options;
    }

    private sealed record SigningKey(string Path, DateTimeOffset NotBefore, Es256 Es256);
}
