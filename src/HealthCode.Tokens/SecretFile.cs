using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HealthCode.Tokens;

/// <summary>A secret lies open to others than its owner. The message names the file and what to do.</summary>
public sealed class KeyFilePermissionsException : Exception
{
    public KeyFilePermissionsException()
    {
    }

    public KeyFilePermissionsException(string message)
        : base(message)
    {
    }

    public KeyFilePermissionsException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>Files that only their owner may read, and that are there whole or not at all.</summary>
/// <remarks>On Windows the permissions are those of the folder, and are not checked.</remarks>
internal static class SecretFile
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode ReadByOthers =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private const UnixFileMode WriteByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Makes the folder for its owner alone; refuses one in which others may put files in place of ours.</summary>
    public static void OpenFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }
        Directory.CreateDirectory(folder, Owner | UnixFileMode.UserExecute);
        if ((File.GetUnixFileMode(folder) & WriteByOthers) != 0)
            throw new KeyFilePermissionsException(
                $"The key folder {folder} may be written by group or others. Check what is in it, then: chmod 700 {folder}");
    }

    /// <exception cref="KeyFilePermissionsException">Group or others may read or write it.</exception>
    public static string Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        // Asked of the open file, so that it cannot be exchanged between the question and the reading.
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(stream.SafeFileHandle) & ReadByOthers) != 0)
            throw new KeyFilePermissionsException(
                $"The key file {path} is open to group or others. Replace the key if anyone may have read it, then: chmod 600 {path}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>
    /// Creates the file; returns when it would survive a power failure. False when another process was first: then
    /// that file stands, whole.
    /// </summary>
    public static bool TryCreate(string path, string text)
    {
        var folder = Path.GetDirectoryName(path)!;
        var temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Path.GetRandomFileName()}");
        try
        {
            WriteDurably(temporary, text);
            if (!TryPutInPlace(temporary, path))
                return false;
            FlushFolder(folder);
            return true;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void WriteDurably(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = Owner;
        using var stream = new FileStream(path, options);
        using var writer = new StreamWriter(stream);
        writer.Write(text);
        writer.Flush();
        stream.Flush(flushToDisk: true);
    }

    private static bool TryPutInPlace(string temporary, string path)
    {
        try
        {
            // Does not replace a file that is there, not even one that appeared a moment ago.
            File.Move(temporary, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
    }

    /// <summary>A new name is durable only when its folder is; .NET opens no folders, so the system is asked.</summary>
    private static void FlushFolder(string folder)
    {
        if (!OperatingSystem.IsLinux())
            return;
        using var handle = new SafeFileHandle(Open(folder, flags: 0), ownsHandle: true);
        if (handle.IsInvalid || Fsync(handle) != 0)
            throw new IOException($"The key folder {folder} could not be written to disk.");
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Fsync(SafeFileHandle handle);
}
