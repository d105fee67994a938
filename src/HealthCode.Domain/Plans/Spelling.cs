using System.Collections.Frozen;

namespace HealthCode.Domain;

/// <summary>How the values of an enumeration are written, in editions, cases and over HTTP: <c>SameVehicle</c> is <c>same-vehicle</c>.</summary>
public static class Spelling
{
    public static string Of<T>(T value) where T : struct, Enum => string.Concat(value.ToString().Select((c, index) =>
        char.IsUpper(c) ? (index > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString()));

    public static IEnumerable<string> All<T>() where T : struct, Enum => Enum.GetValues<T>().Select(Of);

    public static bool TryRead<T>(string? word, out T value) where T : struct, Enum => Known<T>.ByWord.TryGetValue(word ?? "", out value);

    private static class Known<T> where T : struct, Enum
    {
        public static readonly FrozenDictionary<string, T> ByWord = Enum.GetValues<T>().ToFrozenDictionary(Of, StringComparer.Ordinal);
    }
}
