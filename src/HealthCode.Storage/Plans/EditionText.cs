using System.Security.Cryptography;
using System.Text;

namespace HealthCode.Storage;

/// <summary>An edition's file with its cases, as they are written, tried and approved together.</summary>
public sealed record EditionText(string Text, string Cases)
{
    /// <summary>Characters of each, at most: far more than any published plan has, and little enough to check while one writes.</summary>
    public const int LengthMax = 100_000;

    /// <summary>SHA-256 of both: a trial speaks for exactly this text.</summary>
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Text.Length}\n{Text}\n{Cases}")));
}
