using System.Globalization;
using HealthCode.Domain;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace HealthCode.Storage;

/// <summary>A mapping that is read field by field; what was not asked for in the end is a problem.</summary>
internal sealed class EditionNode(YamlMappingNode node, EditionProblems problems)
{
    private readonly HashSet<string> read = [];

    public Mark Start => node.Start;

    public bool Has(string field) => Find(field) is not null;

    /// <summary>Which of the fields stand here.</summary>
    public IReadOnlyList<string> Which(IEnumerable<string> fields) =>
        [.. fields.Where(field => node.Children.ContainsKey(new YamlScalarNode(field)))];

    public string Word(string field)
    {
        if (Scalar(field) is { Length: > 0 } value)
            return value;
        Problem(field, $"{field} is missing, or not a text");
        return "";
    }

    /// <summary>Letters, digits and hyphens, for what names a file or is quoted.</summary>
    public string Name(string field)
    {
        var word = Word(field);
        if (word.Length > 60 || !word.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
            Problem(field, $"{field} has at most 60 letters, digits and hyphens");
        return word;
    }

    public Text Both(string field)
    {
        if (Find(field) is YamlMappingNode mapping)
        {
            var both = new EditionNode(mapping, problems);
            var text = new Text(both.Word("zh"), both.Word("en"));
            both.NothingElse();
            return text;
        }
        Problem(field, $"{field} is a text in both languages: {{ zh: …, en: … }}");
        return new Text("", "");
    }

    public int Number(string field, int min, int max)
    {
        if (int.TryParse(Scalar(field), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
            return value;
        Problem(field, $"{field} is a whole number from {min} to {max}");
        return min;
    }

    public int NumberOr(string field, int min, int max, int otherwise) => Has(field) ? Number(field, min, max) : otherwise;

    public bool Flag(string field)
    {
        switch (Scalar(field))
        {
            case null when !Has(field):
            case "false":
                return false;
            case "true":
                return true;
            default:
                Problem(field, $"{field} is true or false");
                return false;
        }
    }

    /// <summary>A number that is written out, or a parameter: <c>$name</c>.</summary>
    public int NumberOrParameter(string field, int min, int max, int otherwise, IReadOnlyDictionary<string, int> parameters)
    {
        if (Scalar(field) is not { Length: > 1 } word || word[0] != '$')
            return NumberOr(field, min, max, otherwise);
        if (!parameters.TryGetValue(word[1..], out var value))
            Problem(field, $"there is no parameter {word[1..]}");
        else if (value < min || value > max)
            Problem(field, $"{word} is {value}, and {field} is a whole number from {min} to {max}");
        else
            return value;
        return min;
    }

    public DateOnly Date(string field)
    {
        if (DateOnly.TryParseExact(Scalar(field), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var value) && value.Year >= 2020)
            return value;
        Problem(field, $"{field} is a day from 2020 on, as yyyy-MM-dd");
        return new DateOnly(2020, 1, 2);
    }

    public AreaCode Area(string field)
    {
        if (AreaCode.TryParse(Scalar(field), out var area))
            return area;
        Problem(field, $"{field} is a division: its digits in quotes");
        return default;
    }

    public void Problem(string field, string what) => problems.Add(Find(field)?.Start ?? node.Start, what);

    public void Problem(string what) => problems.Add(node.Start, what);

    public T OneOf<T>(string field, params T[] allowed) where T : struct, Enum => Known(Find(field), field, allowed);

    /// <summary>The bits of all that a list names.</summary>
    public uint Bits<T>(string field, params T[] allowed) where T : struct, Enum, IConvertible =>
        Items(field, allowed).Aggregate(0u, (bits, value) => bits | (1u << value.ToInt32(CultureInfo.InvariantCulture)));

    public IReadOnlyList<T> Items<T>(string field, params T[] allowed) where T : struct, Enum
    {
        if (Find(field) is YamlSequenceNode { Children.Count: > 0 } sequence)
            return [.. sequence.Children.Select(child => Known(child, field, allowed))];
        Problem(field, $"{field} is a list of {string.Join(", ", allowed.Select(Spelling.Of))}");
        return [];
    }

    /// <summary>The scalars of a list, each with its place.</summary>
    public IReadOnlyList<(string Word, Mark At)> Scalars(string field, string what)
    {
        if (Find(field) is YamlSequenceNode { Children.Count: > 0 } sequence && sequence.Children.All(child => child is YamlScalarNode))
            return [.. sequence.Children.Select(child => (((YamlScalarNode)child).Value ?? "", child.Start))];
        Problem(field, $"{field} is a list of {what}");
        return [];
    }

    public EditionNode? Mapping(string field)
    {
        if (Find(field) is YamlMappingNode mapping)
            return new EditionNode(mapping, problems);
        if (Has(field))
            Problem(field, $"{field} has fields");
        return null;
    }

    public IReadOnlyList<EditionNode> Nodes(string field, bool required)
    {
        var found = Find(field);
        if (found is null && !required)
            return [];
        if (found is not YamlSequenceNode { Children.Count: > 0 } sequence)
        {
            Problem(field, $"{field} is a list");
            return [];
        }
        foreach (var child in sequence.Children.Where(child => child is not YamlMappingNode))
            problems.Add(child.Start, $"an item of {field} has fields");
        return [.. sequence.Children.OfType<YamlMappingNode>().Select(child => new EditionNode(child, problems))];
    }

    /// <summary>All names and whole numbers of a mapping.</summary>
    public IReadOnlyDictionary<string, int> Numbers(string field)
    {
        var numbers = new Dictionary<string, int>();
        if (Find(field) is not YamlMappingNode mapping)
            return numbers;
        foreach (var (key, value) in mapping.Children)
        {
            if (key is YamlScalarNode { Value: { } name } && value is YamlScalarNode scalar
                && int.TryParse(scalar.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number))
                numbers[name] = number;
            else
                problems.Add(key.Start, $"{field} gives each parameter a whole number");
        }
        return numbers;
    }

    public void NothingElse()
    {
        foreach (var (key, _) in node.Children)
        {
            if (key is not YamlScalarNode { Value: { } name } || !read.Contains(name))
                problems.Add(key.Start, $"{(key as YamlScalarNode)?.Value ?? "this"} is not a field known here");
        }
    }

    private T Known<T>(YamlNode? found, string field, T[] allowed) where T : struct, Enum
    {
        if (Spelling.TryRead<T>((found as YamlScalarNode)?.Value, out var value) && allowed.Contains(value))
            return value;
        problems.Add(found?.Start ?? node.Start, $"{field} is one of {string.Join(", ", allowed.Select(Spelling.Of))}");
        return allowed[0];
    }

    private string? Scalar(string field) => (Find(field) as YamlScalarNode)?.Value;

    private YamlNode? Find(string field)
    {
        read.Add(field);
        return node.Children.TryGetValue(new YamlScalarNode(field), out var found) ? found : null;
    }
}
