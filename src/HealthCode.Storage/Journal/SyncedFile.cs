using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HealthCode.Storage;

/// <summary>What .NET does not offer about making a file's content last.</summary>
internal static class SyncedFile
{
    private const int ReadOnly = 0;

    /// <summary>Returns when the file's content is on the disk.</summary>
    /// <exception cref="IOException">It may not be. What was written before must not be trusted any more.</exception>
    public static void Sync(SafeFileHandle file)
    {
        // .NET's own also writes the times of the file, which nobody reads here.
        if (!OperatingSystem.IsLinux())
            RandomAccess.FlushToDisk(file);
        else if (DataSync((int)file.DangerousGetHandle()) != 0)
            throw new IOException("fdatasync: " + new Win32Exception(Marshal.GetLastPInvokeError()).Message);
    }

    /// <summary>Makes the names in a folder last: a new file is not there after a power cut until its folder is synced.</summary>
    public static void SyncFolder(string path)
    {
        if (!OperatingSystem.IsLinux())
            return;
        var folder = OpenFile(path, ReadOnly);
        if (folder < 0)
            throw new IOException($"{path}: " + new Win32Exception(Marshal.GetLastPInvokeError()).Message);
        try
        {
            if (AllSync(folder) != 0)
                throw new IOException($"{path}: " + new Win32Exception(Marshal.GetLastPInvokeError()).Message);
        }
        finally
        {
            _ = CloseFile(folder);
        }
    }

#pragma warning disable SYSLIB1054 // Generated marshalling would need unsafe code in the whole assembly, for four numbers and a path.
    [DllImport("libc", EntryPoint = "fdatasync", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int DataSync(int file);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int AllSync(int file);

    [DllImport("libc", EntryPoint = "open", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int OpenFile([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "close", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int CloseFile(int file);
#pragma warning restore SYSLIB1054
}
