using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace HealthCode.Tidy.Tests;

/// <summary>A node of a YAML document, to be asked by path: what is not there is empty.</summary>
internal readonly record struct Yaml(object? Value)
{
    /// <summary>The documents of a file; those without anything in them are left out. Throws when it is no YAML.</summary>
    public static List<Yaml> ReadAll(string path)
    {
        using var text = File.OpenText(path);
        var parser = new MergingParser(new Parser(text));
        var deserializer = new DeserializerBuilder().Build();
        var documents = new List<Yaml>();
        parser.Consume<StreamStart>();
        while (!parser.TryConsume<StreamEnd>(out _))
            documents.Add(new(deserializer.Deserialize(parser)));
        return [.. documents.Where(document => document.Value is not null)];
    }

    public Yaml this[string path]
    {
        get
        {
            var at = this;
            foreach (var key in path.Split('/'))
                at = new((at.Value as IDictionary<object, object?>)?.TryGetValue(key, out var next) == true ? next : null);
            return at;
        }
    }

    public bool IsThere => Value is not null;

    public string Text => Value as string ?? "";

    public IEnumerable<Yaml> Items => Value is IList<object?> list ? list.Select(item => new Yaml(item)) : [];

    public IEnumerable<string> Texts => Items.Select(item => item.Text);

    public IEnumerable<(string Key, Yaml Value)> Entries =>
        Value is IDictionary<object, object?> map ? map.Select(entry => ((string)entry.Key, new Yaml(entry.Value))) : [];

    public IEnumerable<string> Keys => Entries.Select(entry => entry.Key);

    /// <summary>All nodes of that key, however deep.</summary>
    public IEnumerable<Yaml> All(string key) => Entries.Where(entry => entry.Key == key).Select(entry => entry.Value)
        .Concat(Entries.SelectMany(entry => entry.Value.All(key))).Concat(Items.SelectMany(item => item.All(key)));
}
