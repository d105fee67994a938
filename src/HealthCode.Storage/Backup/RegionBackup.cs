using System.Globalization;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Storage;

/// <summary>What a backup added, or a restore gave back.</summary>
/// <param name="Rows">Of the back office.</param>
/// <param name="Dropped">Rows and batches that a restore left out, because their person was deleted or their time was over since.</param>
public sealed record CopyCounts(int Streams, long Batches, long Rows, long Keys, long Dropped, BackupManifest Manifest);

/// <summary>Copies a region beside its running, from a folder or from a database, in the backup's own form.</summary>
/// <remarks>
/// The data goes to one folder, the keys to another, so that destroying a key ends what it sealed in the data's copies too:
///
/// <code>
///   1 back office, all tables as of one moment   →  office-MOMENT/TABLE       each time anew
///   2 journal, what is new up to its heads now   →  journal/STREAM            only ever longer
///   3 keys, so that they open all of 1 and 2     →  KEYS/keys-MOMENT/, then KEYS/manifest      the old ones are removed
///   4 manifest                                                                 replaced last
/// </code>
///
/// Whatever is cut off before 4, the manifest still says what the earlier backup is, and all of that is still there; what was
/// begun is cleared away by the next. Evidence taken in between 1 and 2 is in the backup, a profile changed between them is not.
/// Snapshots are in no backup: they hold nothing that the journal does not.
/// </remarks>
public static class RegionBackup
{
    private const string JournalFolder = "journal", OfficePrefix = "office-";

    /// <param name="masterKey">The region's key over the keys of all people.</param>
    /// <param name="target">The backup's folder; one of the same region goes on from what it has.</param>
    /// <param name="keysTo">Another folder, kept elsewhere: the keys of the newest backup only.</param>
    /// <param name="say">How far it is.</param>
    /// <exception cref="InvalidDataException">The folder holds another region's backup, or is damaged.</exception>
    /// <exception cref="JournalDamagedException">The region's journal is damaged; the backup stays as it was.</exception>
    /// <exception cref="IOException">The folder cannot be written, or another backup writes to it.</exception>
    public static async Task<CopyCounts> WriteAsync(
        RegionStores stores, string region, string keyFolder, byte[] masterKey, string target, string keysTo, DateTimeOffset moment, Action<string> say,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stores);
        CheckApart(target, keysTo);
        var partitions = await stores.SettingAsync(RegionStore.Partitions, cancellation).ConfigureAwait(false) is { } setting
            ? int.Parse(setting, CultureInfo.InvariantCulture) : throw new InvalidDataException($"{stores.Where} holds no region.");
        using var alone = BackupFiles.Lock(target);
        using var aloneWithKeys = BackupFiles.Lock(keysTo);
        var before = BackupManifest.Find(target);
        if (before is not null && (before.Region != region || before.Partitions != partitions))
            throw new InvalidDataException($"{target} is the backup of region {before.Region} with {before.Partitions} partitions: back up to another folder.");
        BackupFiles.RemoveOthers(target, OfficePrefix, before?.Office);

        using var wrap = new KeyWrap(masterKey);
        var seal = new RowSeal(async (stream, cancel) => new PersonKeys(await stores.Keys.ReadAsync(stream, cancel).ConfigureAwait(false), wrap), partitions);
        var office = OfficePrefix + moment.UtcDateTime.ToString("yyyyMMdd'T'HHmmssfffffff'Z'", CultureInfo.InvariantCulture);
        var context = await stores.BackOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await using var _ = context.ConfigureAwait(false);
        var tables = await OfficeCopy.WriteAsync(context, seal, Path.Combine(target, office), say, cancellation).ConfigureAwait(false);

        var (streams, batches) = await CopyJournalAsync(stores.Journal, before, Path.Combine(target, JournalFolder), say, cancellation).ConfigureAwait(false);
        say("keys");
        var scopes = Enumerable.Range(0, partitions).Select(JournalStreams.Of).Append(EvidenceStore.SegmentScope);
        var keys = await KeyCopy.WriteAsync(stores.Keys, scopes, keyFolder, region, moment, keysTo, cancellation).ConfigureAwait(false);

        var manifest = new BackupManifest(BackupManifest.FormatKnown, region, partitions, moment, office, streams, tables);
        SyncedFile.SyncFolder(target);
        manifest.Write(target);
        BackupFiles.RemoveOthers(target, OfficePrefix, office);
        return new(streams.Count, batches, tables.Values.Sum(table => table.Rows), keys, 0, manifest);
    }

    /// <summary>Reads a whole backup, and its keys when they are given, and says what is not as it was written; nothing when all is.</summary>
    /// <exception cref="InvalidDataException">There is no backup, or not even its manifest can be read.</exception>
    public static async IAsyncEnumerable<string> VerifyAsync(
        string source, string? keysFrom, Action<string> say, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var manifest = ManifestOf(source);
        if (keysFrom is not null)
        {
            foreach (var problem in KeyCopy.ProblemsOf(keysFrom, KeysOf(keysFrom, manifest)))
                yield return problem;
        }
        foreach (var problem in OfficeCopy.ProblemsOf(Path.Combine(source, manifest.Office), manifest.Tables))
            yield return problem;
        foreach (var (stream, noted) in manifest.Streams)
        {
            if (await DamageOfAsync(source, stream, noted, say, cancellation).ConfigureAwait(false) is { } damage)
                yield return damage.Message;
        }
    }

    /// <summary>Makes a region of a backup, in an empty folder or database.</summary>
    /// <param name="folder">The data folder, also for a region in a database.</param>
    /// <param name="keyFolder">Where the region's own keys go.</param>
    /// <param name="masterKeyOf">Reads the region's key over the keys of all people from a folder like <paramref name="keyFolder"/>.</param>
    /// <exception cref="InvalidDataException">The store has something in it, or the backup is damaged, or its keys are older than it. Nothing was changed.</exception>
    public static async Task<CopyCounts> RestoreAsync(
        string source, string keysFrom, string folder, StoreAddress address, string region, string keyFolder, Func<string, byte[]> masterKeyOf,
        Action<string> say, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(masterKeyOf);
        var manifest = ManifestOf(source);
        if (manifest.Region != region)
            throw new InvalidDataException($"{source} is the backup of region {manifest.Region}, not of {region}.");
        await RegionStores.CheckEmptyAsync(folder, address, cancellation).ConfigureAwait(false);
        if (Directory.Exists(keyFolder) && Directory.EnumerateFileSystemEntries(keyFolder).Any())
            throw new InvalidDataException($"The key folder {keyFolder} has something in it: restore into an empty one.");
        await foreach (var problem in VerifyAsync(source, keysFrom, say, cancellation).ConfigureAwait(false))
            throw new InvalidDataException($"The backup is damaged, and nothing was restored: {problem}");

        var stores = RegionStores.Open(folder, address);
        await using var _ = stores.ConfigureAwait(false);
        await stores.BeginRestoringAsync(cancellation).ConfigureAwait(false);
        var keys = KeysOf(keysFrom, manifest);
        KeyCopy.CopyRegionFolder(keysFrom, keys, keyFolder);
        var count = 0L;
        foreach (var (scope, stored) in KeyCopy.Read(keysFrom, keys))
        {
            say($"keys of {scope}");
            foreach (var chunk in stored.Chunk(10_000))
                await stores.Keys.AddAsync(scope, chunk, cancellation).ConfigureAwait(false);
            count += stored.Count;
        }
        var (batches, erased) = await RestoreJournalAsync(source, manifest, stores, say, cancellation).ConfigureAwait(false);

        // The back office last, and in one transaction: with it the region is whole, and may be started.
        using var wrap = new KeyWrap(masterKeyOf(keyFolder));
        var seal = new RowSeal(async (stream, cancel) => new PersonKeys(await stores.Keys.ReadAsync(stream, cancel).ConfigureAwait(false), wrap), manifest.Partitions);
        var context = await stores.BackOffice.CreateDbContextAsync(cancellation).ConfigureAwait(false);
        await using var __ = context.ConfigureAwait(false);
        say("back office");
        var (rows, dropped) = await OfficeCopy.ReadAsync(context, seal, Path.Combine(source, manifest.Office), manifest.Tables, cancellation).ConfigureAwait(false);
        return new(manifest.Streams.Count, batches, rows, count, dropped + erased, manifest);
    }

    private static async Task<(Dictionary<string, BackupStream> Streams, long Batches)> CopyJournalAsync(
        IJournal journal, BackupManifest? before, string folder, Action<string> say, CancellationToken cancellation)
    {
        OwnerOnly.CreateFolder(folder);
        var (streams, batches) = (new Dictionary<string, BackupStream>(), 0L);
        var heads = await journal.ReadHeadsAsync(cancellation).ConfigureAwait(false);
        foreach (var stream in heads.Keys.Union(before?.Streams.Keys ?? []).Order(StringComparer.Ordinal))
        {
            streams.Add(stream, await JournalCopy.AppendAsync(
                journal, stream, heads.GetValueOrDefault(stream), before?.Streams.GetValueOrDefault(stream), folder, Copied, cancellation).ConfigureAwait(false));
        }
        SyncedFile.SyncFolder(folder);
        return (streams, batches);

        void Copied(JournalBatch batch) => say($"{batch.Stream} {batch.Sequence}: {++batches:N0} batches");
    }

    private static async Task<(long Restored, long Erased)> RestoreJournalAsync(
        string source, BackupManifest manifest, RegionStores stores, Action<string> say, CancellationToken cancellation)
    {
        const int batchesMax = 256, bytesMax = 4 << 20;
        var over = await stores.SegmentsOverAsync(cancellation).ConfigureAwait(false);
        var (restored, erased) = (0L, 0L);
        foreach (var (stream, noted) in manifest.Streams)
        {
            var (group, first, bytes) = (new List<NewBatch>(), 0L, 0L);
            await foreach (var batch in JournalCopy.ReadAsync(Path.Combine(source, JournalFolder), stream, noted, cancellation).ConfigureAwait(false))
            {
                // Its time was over since: its key is destroyed, and its bytes would only lie about.
                var isOver = batch.IsErased || over.Contains(batch.Segment);
                erased += isOver && !batch.IsErased ? 1 : 0;
                group.Add(isOver ? new NewBatch(batch.Segment, default) { ErasedChecksum = batch.Checksum } : new NewBatch(batch.Segment, batch.Bytes));
                bytes += batch.Bytes.Length;
                say($"{stream} {batch.Sequence}: {++restored:N0} batches");
                if (group.Count < batchesMax && bytes < bytesMax)
                    continue;
                await stores.Journal.AppendAsync(stream, first, group, cancellation).ConfigureAwait(false);
                (group, first, bytes) = ([], first + group.Count, 0);
            }
            if (group.Count > 0)
                await stores.Journal.AppendAsync(stream, first, group, cancellation).ConfigureAwait(false);
        }
        var heads = await stores.Journal.ReadHeadsAsync(cancellation).ConfigureAwait(false);
        foreach (var (stream, head) in manifest.Heads())
        {
            if (heads.GetValueOrDefault(stream) != head)
                throw new InvalidDataException($"Stream {stream} does not end where the backup says. Empty {stores.Where} and restore again.");
        }
        return (restored, erased);
    }

    private static async Task<JournalDamagedException?> DamageOfAsync(
        string source, string stream, BackupStream noted, Action<string> say, CancellationToken cancellation)
    {
        try
        {
            await foreach (var batch in JournalCopy.ReadAsync(Path.Combine(source, JournalFolder), stream, noted, cancellation).ConfigureAwait(false))
                say($"{stream} {batch.Sequence} is read");
            return null;
        }
        catch (JournalDamagedException damage)
        {
            return damage;
        }
    }

    private static BackupManifest ManifestOf(string source) =>
        BackupManifest.Find(source) ?? throw new InvalidDataException($"There is no backup in {source}: it has no manifest.");

    private static KeysManifest KeysOf(string keysFrom, BackupManifest manifest)
    {
        var keys = KeyCopy.Find(keysFrom, manifest.Region) ?? throw new InvalidDataException($"There are no keys in {keysFrom}: it has no manifest.");
        return keys.Moment >= manifest.Moment ? keys : throw new InvalidDataException(
            $"The keys in {keysFrom} are of {keys.Moment:u}, and the backup is of {manifest.Moment:u}: keys must be of the same backup or of a later one.");
    }

    // Whoever copies the one away must not take the other along.
    private static void CheckApart(string target, string keysTo)
    {
        var (one, other) = (Path.GetFullPath(target) + Path.DirectorySeparatorChar, Path.GetFullPath(keysTo) + Path.DirectorySeparatorChar);
        if (one.StartsWith(other, StringComparison.Ordinal) || other.StartsWith(one, StringComparison.Ordinal))
            throw new InvalidDataException("The keys must go to a folder that is neither in the backup's nor around it.");
    }
}
