using System.Globalization;
using HealthCode.Domain;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace HealthCode.Storage;

/// <summary>Reads an edition of the plan from its YAML file. Every problem is named with file, line and column.</summary>
public static class EditionFile
{
    public static PlanEdition Load(string path)
    {
        if (!File.Exists(path))
            throw new EditionFileException([$"{path}: there is no such file"]);
        return Parse(File.ReadAllText(path), Path.GetFileName(path));
    }

    /// <exception cref="EditionFileException">With all problems that were found, not only the first.</exception>
    public static PlanEdition Parse(string text, string name)
    {
        var problems = new Problems(name);
        var edition = ReadRoot(text, problems) is { } root ? ReadEdition(new EditionNode(root, problems), problems) : null;
        return problems.Any || edition is null ? throw new EditionFileException(problems.All) : edition;
    }

    private static YamlMappingNode? ReadRoot(string text, Problems problems)
    {
        var parser = new Parser(new StringReader(text));
        try
        {
            var stream = new YamlStream();
            stream.Load(parser);
            if (stream.Documents is [{ RootNode: YamlMappingNode root }])
                return root;
            problems.Add(Mark.Empty, "an edition is one document with fields");
        }
        catch (YamlException failure)
        {
            problems.Add(failure.Start, "this is not YAML: " + failure.Message);
        }
        catch (Exception failure) when (failure is ArgumentException or InvalidOperationException)
        {
            // The library reports some malformed comments, anchors and twice given keys so, without a place.
            problems.Add(parser.Current?.End ?? Mark.Empty, "from here on this is not YAML: " + failure.Message);
        }
        return null;
    }

    private static PlanEdition? ReadEdition(EditionNode node, Problems problems)
    {
        var (id, title, region) = (node.Word("id"), node.Both("title"), node.Word("region"));
        var (date, fever, source) = (node.Date("inForceFrom"), node.Number("feverFrom", 370, 420), node.Word("source"));
        var rules = node.Items("rules").Select(ReadRule).ToList();
        node.NothingElse();
        if (rules.Count is 0 or > PlanEdition.RulesMax)
            problems.Add(node.Start, $"an edition has 1 to {PlanEdition.RulesMax} rules, and this one {rules.Count}");
        foreach (var twice in rules.GroupBy(rule => rule.Number).Where(group => group.Count() > 1))
            problems.Add(node.Start, $"rule {twice.Key} stands here {twice.Count()} times");
        return new PlanEdition(id, title, region, Day.Of(date).Start, (short)fever, source, rules);
    }

    private static Rule ReadRule(EditionNode node)
    {
        var trigger = node.OneOf<Trigger>("trigger");
        IReadOnlyList<DiagnosisStatus> statuses = trigger == Trigger.Diagnosis ? node.ManyOf<DiagnosisStatus>("statuses") : [];
        var level = trigger == Trigger.StayInRiskArea ? node.OneOf("level", RiskLevel.Medium, RiskLevel.High) : RiskLevel.Low;
        var confidence = trigger == Trigger.StayInRiskArea ? node.Number("confidenceMin", 1, 100) : 0;
        var rule = new Rule(
            node.Word("number"), node.OneOf("colour", Colour.Yellow, Colour.Red), trigger, statuses, level, (byte)confidence,
            node.Number("reportsToEnd", 0, 60), node.Number("daysMax", 0, 120), node.Both("title"), node.Both("explanation"),
            node.Both("end"), node.Both("whatToDo"), node.Both("owner"), node.Word("source"));
        node.NothingElse();
        if (trigger != Trigger.Diagnosis && rule is { ReportsToEnd: 0, DaysMax: 0 })
            node.Problem("reportsToEnd", "a reason has to end: reportsToEnd or daysMax is more than 0");
        return rule;
    }

    private sealed class Problems(string file)
    {
        private readonly List<string> all = [];

        public bool Any => all.Count > 0;

        public IReadOnlyList<string> All => all;

        public void Add(Mark at, string what) => all.Add(string.Create(CultureInfo.InvariantCulture, $"{file}:{at.Line}:{at.Column}: {what}"));
    }

    /// <summary>A mapping that is read field by field; what was not asked for in the end is a problem.</summary>
    private sealed class EditionNode(YamlMappingNode node, Problems problems)
    {
        private readonly HashSet<string> read = [];

        public Mark Start => node.Start;

        public string Word(string field)
        {
            if (Find(field) is YamlScalarNode { Value: { Length: > 0 } value })
                return value;
            problems.Add(At(field), $"{field} is missing, or not a text");
            return "";
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
            problems.Add(At(field), $"{field} is missing, or has not a text in zh and one in en");
            return new Text("", "");
        }

        public int Number(string field, int min, int max)
        {
            if (int.TryParse((Find(field) as YamlScalarNode)?.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value)
                && value >= min && value <= max)
                return value;
            problems.Add(At(field), $"{field} is a whole number from {min} to {max}");
            return min;
        }

        public DateOnly Date(string field)
        {
            if (DateOnly.TryParseExact((Find(field) as YamlScalarNode)?.Value, "yyyy-MM-dd", out var value) && value.Year >= 2020)
                return value;
            problems.Add(At(field), $"{field} is a day from 2020 on, as yyyy-MM-dd");
            return new DateOnly(2020, 1, 2);
        }

        public void Problem(string field, string what) => problems.Add(At(field), what);

        /// <param name="allowed">All that may stand there; when empty, every value of the type.</param>
        public T OneOf<T>(string field, params T[] allowed) where T : struct, Enum =>
            Known(Find(field), field, allowed is [] ? Enum.GetValues<T>() : allowed);

        public IReadOnlyList<T> ManyOf<T>(string field) where T : struct, Enum
        {
            if (Find(field) is YamlSequenceNode { Children.Count: > 0 } sequence)
                return [.. sequence.Children.Select(child => Known(child, field, Enum.GetValues<T>()))];
            problems.Add(At(field), $"{field} is a list of {Words(Enum.GetValues<T>())}");
            return [];
        }

        public IEnumerable<EditionNode> Items(string field)
        {
            if (Find(field) is not YamlSequenceNode sequence)
            {
                problems.Add(At(field), $"{field} is a list");
                yield break;
            }
            foreach (var child in sequence.Children)
            {
                if (child is YamlMappingNode mapping)
                    yield return new EditionNode(mapping, problems);
                else
                    problems.Add(child.Start, $"an item of {field} has fields");
            }
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
            var word = (found as YamlScalarNode)?.Value ?? "";
            foreach (var value in allowed)
            {
                if (WordOf(value) == word)
                    return value;
            }
            problems.Add(found?.Start ?? node.Start, $"{field} is one of {Words(allowed)}");
            return default;
        }

        private static string Words<T>(T[] values) where T : struct, Enum => string.Join(", ", values.Select(WordOf));

        // StayInRiskArea is written stay-in-risk-area.
        private static string WordOf<T>(T value) where T : struct, Enum => string.Concat(value.ToString().Select((c, index) =>
            char.IsUpper(c) ? (index > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString()));

        private YamlNode? Find(string field)
        {
            read.Add(field);
            return node.Children.TryGetValue(new YamlScalarNode(field), out var found) ? found : null;
        }

        private Mark At(string field) => Find(field)?.Start ?? node.Start;
    }
}

/// <summary>An edition file cannot be used.</summary>
public sealed class EditionFileException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    /// <summary>Each as <c>file:line:column: what is wrong</c>.</summary>
    public IReadOnlyList<string> Problems { get; } = problems;
}
