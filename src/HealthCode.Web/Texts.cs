using System.Text.Json;

namespace HealthCode.Web;

/// <summary>The interface's words in one language: <c>Texts/*.json</c>, the same table that the modules are bundled with.</summary>
public sealed class Texts
{
    public static readonly Texts Chinese = new("zh-CN", "");
    public static readonly Texts English = new("en", "/en");

    private readonly Dictionary<string, string> words;

    private Texts(string language, string prefix)
    {
        (Language, Prefix) = (language, prefix);
        using var stream = typeof(Texts).Assembly.GetManifestResourceStream($"texts/{language}.json")!;
        words = JsonSerializer.Deserialize<Dictionary<string, string>>(stream)!;
    }

    public string Language { get; }

    /// <summary>What every address of this language begins with.</summary>
    public string Prefix { get; }

    public Texts Other => this == Chinese ? English : Chinese;

    public IReadOnlyCollection<string> Keys => words.Keys;

    /// <exception cref="KeyNotFoundException">A page asks for words that the table does not have.</exception>
    public string this[string key] => words[key];
}
