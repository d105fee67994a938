using System.CommandLine;
using System.Globalization;
using HealthCode.Tokens;

namespace HealthCode.Cli;

/// <summary><c>healthcode keys</c>: the keys that sign codes, and a new one in the place of the old.</summary>
/// <remarks>
/// Works on the key folder alone, so a region may be running: it looks there every minute, and at once when a code
/// names a key that it does not know. A key is public well before it signs, so nobody ever meets an unknown one.
/// </remarks>
internal static class KeysCommand
{
    public static Command Create()
    {
        var list = new Command("list", "The signing keys and their stages");
        list.SetAction(parsed => Run(Commands.PathsOf(parsed), _ => 0));
        var rotate = new Command("rotate", "Publish a new signing key, which takes over in ten minutes");
        rotate.SetAction(parsed => Run(Commands.PathsOf(parsed), Rotate));
        return new Command("keys", "The keys that sign codes") { list, rotate };
    }

    private static int Run(RegionPaths paths, Func<KeyRing, int> work)
    {
        if (!Directory.Exists(paths.KeyFolder))
        {
            Console.Error.WriteLine($"There are no keys in {paths.KeyFolder}. Start the region once, or name its folder with --data or --key-folder.");
            return 2;
        }
        try
        {
            var keys = paths.Keys();
            var result = work(keys);
            Print(keys);
            return result;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException or KeyFilePermissionsException)
        {
            Console.Error.WriteLine(failure.Message);
            return 1;
        }
    }

    private static int Rotate(KeyRing keys)
    {
        // One key that waits is enough: a second would take over in the same breath and protect nobody more.
        if (keys.States().FirstOrDefault(key => key.Stage == SigningKeyStage.Published) is { Stage: SigningKeyStage.Published } waiting)
        {
            Console.Error.WriteLine($"Key {waiting.Id} is published already and takes over at {Moment(waiting.From)}. Rotate again after that.");
            return 1;
        }
        Console.WriteLine($"New key {keys.Rotate()}");
        return 0;
    }

    private static void Print(KeyRing keys)
    {
        foreach (var key in keys.States())
            Console.WriteLine($"{key.Id}  {key.Stage.ToString().ToLowerInvariant(),-9}  signs from {Moment(key.From)}");
    }

    private static string Moment(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
