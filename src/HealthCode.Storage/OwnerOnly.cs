namespace HealthCode.Storage;

/// <summary>Files and folders that nobody but their owner may open, from their first moment on.</summary>
internal static class OwnerOnly
{
    public const UnixFileMode OfFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Creates the file, empty, when it is missing. What SQLite lays beside it (-wal, -shm) gets the same mode.</summary>
    public static void CreateFile(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = OfFile };
        new FileStream(path, options).Dispose();
    }

    public static void CreateFolder(string path) => Directory.CreateDirectory(path, OfFile | UnixFileMode.UserExecute);
}
