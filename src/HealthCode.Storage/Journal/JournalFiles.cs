using Microsoft.Data.Sqlite;
using Microsoft.Win32.SafeHandles;

namespace HealthCode.Storage;

/// <summary>The files beside a journal's SQLite file, where the bytes of large batches are.</summary>
/// <remarks>
/// SQLite writes every byte twice, into the log and then into the file; a large batch is written once, to the end of a
/// file, and its row says where. The file is synced before the row is committed, so a row never speaks of bytes that are
/// not there; bytes that no row speaks of, after a crash, are never read. Files are opened and made only while SQLite's
/// write lock is held, and their numbers are never used twice, so that a file whose segment was erased can be removed
/// after the commit, whatever other processes do meanwhile.
/// </remarks>
internal sealed class JournalFiles(string journal)
{
    private readonly string folder = journal + "-bytes";

    public string PathOf(long file) => Path.Combine(folder, $"{file:D6}");

    public SafeFileHandle OpenToRead(long file) =>
        File.OpenHandle(PathOf(file), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    public SafeFileHandle OpenToAppend(long file)
    {
        if (!File.Exists(PathOf(file)))
        {
            OwnerOnly.CreateFolder(folder);
            OwnerOnly.CreateFile(PathOf(file));
            SyncedFile.SyncFolder(folder);
            SyncedFile.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(folder))!);
        }
        return File.OpenHandle(PathOf(file), FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
    }

    /// <summary>Removes what no row speaks of any more. Call it with the write lock held.</summary>
    public void RemoveOthers(IReadOnlySet<long> known)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            if (long.TryParse(Path.GetFileName(path), out var file) && !known.Contains(file))
                File.Delete(path);
        }
    }

    public static HashSet<long> Known(SqliteConnection connection)
    {
        using var select = Sqlite.Command(connection, "SELECT file FROM files");
        using var rows = select.ExecuteReader();
        var known = new HashSet<long>();
        while (rows.Read())
            known.Add(rows.GetInt64(0));
        return known;
    }
}
