using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;

namespace HealthCode.Tokens.Tests;

/// <summary>A region's key folder of one test, and its clock.</summary>
internal sealed class Region : IDisposable
{
    public const string Division = "990100";

    public static readonly DateTimeOffset Morning = new(2020, 2, 17, 0, 30, 0, TimeSpan.Zero);
    public static readonly PersonId Resident = new(0x0123456789abcdef, 0xfedcba9876543210);

    public string Folder { get; } = Directory.CreateTempSubdirectory("healthcode-tokens-").FullName;

    public FakeTimeProvider Time { get; } = new(Morning);

    /// <summary>Opens the folder as one more process would.</summary>
    public KeyRing Open(KeyRingOptions? options = null) => KeyRing.OpenOrCreate(Path.Combine(Folder, "keys"), Division, Time, options);

    /// <summary>The folder of one and the same region for ever: what its tokens were made with when the pinned ones were.</summary>
    public static Region Pinned()
    {
        var region = new Region();
        var keys = Directory.CreateDirectory(Path.Combine(region.Folder, "keys"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using var signing = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256, D = SHA256.HashData("the signing key of a region in a test"u8),
        });
        region.Write($"signing-20200217T000000Z-{KeyId.Of(signing)}.pem", signing.ExportPkcs8PrivateKeyPem());
        region.Write("secret-handle.hex", Convert.ToHexStringLower(SHA256.HashData("the handle secret of a region in a test"u8)));
        region.Write("region", Division);
        return region;
    }

    public void Write(string file, string text)
    {
        var path = Path.Combine(Folder, "keys", file);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
