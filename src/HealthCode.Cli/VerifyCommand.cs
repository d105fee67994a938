using System.CommandLine;
using HealthCode.Tokens;

namespace HealthCode.Cli;

/// <summary><c>healthcode verify TOKEN</c>: checks a code as anyone can, by its signature; <c>verify journal</c> and <c>verify backup</c> what the region keeps.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var token = new Argument<string>("TOKEN") { Description = "The text of the QR code; - reads it from standard input" };
        var keys = new Option<FileInfo?>("--keys") { Description = "Public keys (JWK set) of the issuers; this region's own when absent" };
        var at = new Option<DateTimeOffset?>("--at") { Description = "The moment to check at, ISO 8601; now when absent" };
        var command = new Command("verify", "Check a code's signature, issuer and time; or the journal, or a backup")
        {
            token, keys, at, VerifyJournalCommand.Create(), BackupCommand.CreateVerify(),
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var text = parsed.GetValue(token)!;
            if (text == "-")
                text = await Console.In.ReadLineAsync(cancellation) ?? "";
            return Run(Commands.PathsOf(parsed), text.Trim(), parsed.GetValue(keys), parsed.GetValue(at) ?? TimeProvider.System.GetUtcNow());
        });
        return command;
    }

    private static int Run(RegionPaths paths, string text, FileInfo? keyFile, DateTimeOffset at)
    {
        if (keyFile is null && !Directory.Exists(paths.KeyFolder))
        {
            Console.Error.WriteLine($"There are no keys in {paths.KeyFolder}. Name the issuers' public keys with --keys, or the region's folder with --data or --key-folder.");
            return 2;
        }
        var keys = keyFile is not null
            ? PublicKeySet.FromJson(File.ReadAllText(keyFile.FullName))
            : paths.Keys().PublicKeys();
        if (!TokenVerifier.TryVerify(text, keys, at, out var token, out var refusal))
        {
            Console.WriteLine($"REFUSED   {refusal}");
            return 1;
        }
        Console.WriteLine($"VALID     {token.Colour}");
        Console.WriteLine($"issuer    {token.Issuer}");
        Console.WriteLine($"issued    {token.IssuedAt:O}");
        Console.WriteLine($"expires   {token.ExpiresAt:O}");
        return 0;
    }
}
