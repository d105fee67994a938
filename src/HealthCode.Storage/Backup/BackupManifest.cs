using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace HealthCode.Storage;

/// <summary>What a backup holds: the one file that makes the others a backup.</summary>
/// <param name="Region">The region's division, 6 digits.</param>
/// <param name="Moment">When the backup began.</param>
/// <param name="Office">The folder with the back office's tables.</param>
/// <param name="Streams">How far each stream of the journal was copied.</param>
/// <param name="Tables">By their names.</param>
public sealed record BackupManifest(
    int Format, string Region, int Partitions, DateTimeOffset Moment, string Office, IReadOnlyDictionary<string, BackupStream> Streams,
    IReadOnlyDictionary<string, BackupTable> Tables)
{
    internal const int FormatKnown = 1;

    internal static BackupManifest? Find(string folder)
    {
        var manifest = BackupFiles.FindChecked(folder, BackupJson.Default.BackupManifest);
        return manifest is null || manifest.Format == FormatKnown ? manifest
            : throw new InvalidDataException($"The backup in {folder} is of format {manifest.Format}; this program knows {FormatKnown}.");
    }

    internal void Write(string folder) => BackupFiles.WriteChecked(folder, this, BackupJson.Default.BackupManifest);

    internal IReadOnlyDictionary<string, JournalHead> Heads() => Streams.ToDictionary(stream => stream.Key, stream => stream.Value.Head);
}

/// <param name="NextSequence">One more than the last batch that was copied.</param>
/// <param name="Chain">After that batch; hexadecimal.</param>
/// <param name="Length">Bytes of the stream's file that belong to the backup. What stands behind them is of one that was cut off.</param>
public sealed record BackupStream(long NextSequence, string Chain, long Length)
{
    [JsonIgnore]
    internal JournalHead Head => new(NextSequence, JournalChain.FromBytes(Convert.FromHexString(Chain)));
}

/// <param name="Sha256">Of the table's file; hexadecimal.</param>
public sealed record BackupTable(long Rows, string Sha256);

/// <summary>The keys that belong to the backups of a region: always the newest only.</summary>
/// <param name="Moment">When the backup began that they were written by.</param>
/// <param name="Files">The SHA-256 of each, by its path in <paramref name="Folder"/>.</param>
internal sealed record KeysManifest(int Format, string Region, DateTimeOffset Moment, string Folder, IReadOnlyDictionary<string, string> Files);

[JsonSourceGenerationOptions(WriteIndented = false)]
[JsonSerializable(typeof(BackupManifest))]
[JsonSerializable(typeof(KeysManifest))]
internal sealed partial class BackupJson : JsonSerializerContext;

/// <summary>Files that are there whole or not at all, durable when the call returns, and their owner's alone.</summary>
internal static class BackupFiles
{
    private const string ManifestFile = "manifest";

    /// <summary>Replaces the folder's manifest at once: one line of JSON, and its SHA-256.</summary>
    public static void WriteChecked<T>(string folder, T manifest, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        var json = JsonSerializer.Serialize(manifest, type);
        var (path, temporary) = (Path.Combine(folder, ManifestFile), Path.Combine(folder, ManifestFile + ".new"));
        using (var file = Create(temporary))
        {
            file.Write(Encoding.UTF8.GetBytes($"{json}\n{Hash(json)}\n"));
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
        SyncedFile.SyncFolder(folder);
    }

    /// <returns>Null when the folder has no manifest.</returns>
    /// <exception cref="InvalidDataException">It is not what was written.</exception>
    public static T? FindChecked<T>(string folder, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) where T : class
    {
        var path = Path.Combine(folder, ManifestFile);
        if (!File.Exists(path))
            return null;
        var lines = File.ReadAllText(path).Split('\n');
        return lines.Length == 3 && lines[1] == Hash(lines[0]) ? JsonSerializer.Deserialize(lines[0], type)
            : throw new InvalidDataException($"{path} is not what was written: its checksum does not fit.");
    }

    public static FileStream Create(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly.OfFile, BufferSize = 1 << 16,
    });

    /// <summary>One backup at a time writes to a folder. A process that is killed lets go of it.</summary>
    /// <exception cref="IOException">Another one does.</exception>
    public static FileStream Lock(string folder)
    {
        OwnerOnly.CreateFolder(folder);
        try
        {
            return new FileStream(Path.Combine(folder, "lock"), new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.None, UnixCreateMode = OwnerOnly.OfFile,
            });
        }
        catch (IOException failure)
        {
            throw new IOException($"Another backup writes to {folder}: {failure.Message}", failure);
        }
    }

    /// <summary>Removes the folders of other backups, also of those that were cut off.</summary>
    public static void RemoveOthers(string folder, string prefix, string? kept)
    {
        foreach (var other in Directory.EnumerateDirectories(folder, prefix + "*"))
        {
            if (Path.GetFileName(other) != kept)
                Directory.Delete(other, recursive: true);
        }
    }

    public static string HashOf(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
