namespace HealthCode.Storage;

/// <summary>The keys of people and segments, and the region's own, in a folder that each backup overwrites.</summary>
/// <remarks>
/// Only the newest keys are kept, and none of the snapshots'. So whoever was deleted becomes unreadable in every backup,
/// however old, with the next one that is made.
///
/// <code>
///   manifest            names the folder that counts, and the SHA-256 of its files
///   keys-MOMENT/keys    scope by scope: name, count, and count times id, generation, wrapped or nothing, destroyed at or -1
///   keys-MOMENT/region/ a copy of the region's key folder
/// </code>
/// </remarks>
internal static class KeyCopy
{
    private const string KeysFile = "keys", RegionFolder = "region", Prefix = "keys-";

    public static async Task<long> WriteAsync(
        IKeyStore keys, IEnumerable<string> scopes, string keyFolder, string region, DateTimeOffset moment, string to, CancellationToken cancellation)
    {
        var before = Find(to, region);
        BackupFiles.RemoveOthers(to, Prefix, before?.Folder);
        var name = $"{Prefix}{moment.UtcDateTime:yyyyMMdd'T'HHmmssfffffff'Z'}";
        var folder = Path.Combine(to, name);
        OwnerOnly.CreateFolder(Path.Combine(folder, RegionFolder));
        var count = await WriteKeysAsync(keys, scopes, Path.Combine(folder, KeysFile), cancellation).ConfigureAwait(false);
        CopyFiles(keyFolder, Path.Combine(folder, RegionFolder));
        SyncedFile.SyncFolder(folder);
        SyncedFile.SyncFolder(to);
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .ToDictionary(path => Path.GetRelativePath(folder, path), BackupFiles.HashOf);
        BackupFiles.WriteChecked(to, new KeysManifest(BackupManifest.FormatKnown, region, moment, name, files), BackupJson.Default.KeysManifest);
        BackupFiles.RemoveOthers(to, Prefix, name);
        return count;
    }

    /// <exception cref="InvalidDataException">The keys are another region's, or of an unknown format.</exception>
    public static KeysManifest? Find(string folder, string region)
    {
        var manifest = BackupFiles.FindChecked(folder, BackupJson.Default.KeysManifest);
        if (manifest is not null && manifest.Format != BackupManifest.FormatKnown)
            throw new InvalidDataException($"The keys in {folder} are of format {manifest.Format}; this program knows {BackupManifest.FormatKnown}.");
        return manifest is null || manifest.Region == region ? manifest
            : throw new InvalidDataException($"The keys in {folder} are those of region {manifest.Region}, not of {region}.");
    }

    /// <returns>What is wrong, file by file.</returns>
    public static IEnumerable<string> ProblemsOf(string folder, KeysManifest manifest)
    {
        foreach (var (file, hash) in manifest.Files)
        {
            var path = Path.Combine(folder, manifest.Folder, file);
            if (!File.Exists(path))
                yield return $"{path} is missing.";
            else if (BackupFiles.HashOf(path) != hash)
                yield return $"{path} is not what was written: its checksum does not fit.";
        }
    }

    /// <summary>All keys, scope by scope.</summary>
    public static IEnumerable<(string Scope, IReadOnlyList<StoredKey> Keys)> Read(string folder, KeysManifest manifest)
    {
        using var reader = new BinaryReader(File.OpenRead(Path.Combine(folder, manifest.Folder, KeysFile)));
        while (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            var (scope, keys) = (reader.ReadString(), new StoredKey[reader.ReadInt32()]);
            for (var index = 0; index < keys.Length; index++)
                keys[index] = ReadKey(reader);
            yield return (scope, keys);
        }
    }

    public static void CopyRegionFolder(string folder, KeysManifest manifest, string to)
    {
        OwnerOnly.CreateFolder(to);
        CopyFiles(Path.Combine(folder, manifest.Folder, RegionFolder), to);
    }

    private static async Task<long> WriteKeysAsync(IKeyStore keys, IEnumerable<string> scopes, string path, CancellationToken cancellation)
    {
        var count = 0L;
        var file = BackupFiles.Create(path);
        await using var _ = file.ConfigureAwait(false);
        using var writer = new BinaryWriter(file, System.Text.Encoding.UTF8, leaveOpen: true);
        foreach (var scope in scopes)
        {
            var stored = await keys.ReadAsync(scope, cancellation).ConfigureAwait(false);
            writer.Write(scope);
            writer.Write(stored.Count);
            foreach (var key in stored)
                WriteKey(writer, key);
            count += stored.Count;
        }
        writer.Flush();
        file.Flush(flushToDisk: true);
        return count;
    }

    private static void WriteKey(BinaryWriter writer, StoredKey key)
    {
        writer.Write(checked((byte)key.Id.Length));
        writer.Write(key.Id);
        writer.Write(key.Generation);
        writer.Write(checked((byte)(key.Wrapped?.Length ?? 0)));
        writer.Write(key.Wrapped ?? []);
        writer.Write(key.DestroyedAt ?? -1);
    }

    private static StoredKey ReadKey(BinaryReader reader)
    {
        var (id, generation) = (reader.ReadBytes(reader.ReadByte()), reader.ReadInt32());
        var wrapped = reader.ReadBytes(reader.ReadByte());
        var destroyed = reader.ReadInt64();
        return new StoredKey(id, generation, wrapped.Length == 0 ? null : wrapped, destroyed < 0 ? null : destroyed);
    }

    // Files of a key folder are made whole and never changed; those that are being made begin with a dot.
    private static void CopyFiles(string from, string to)
    {
        foreach (var path in Directory.EnumerateFiles(from).Where(path => !Path.GetFileName(path).StartsWith('.')))
        {
            using var file = BackupFiles.Create(Path.Combine(to, Path.GetFileName(path)));
            using var source = File.OpenRead(path);
            source.CopyTo(file);
            file.Flush(flushToDisk: true);
        }
        SyncedFile.SyncFolder(to);
    }
}
