using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Json.Schema;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace HealthCode.Storage.Tests;

/// <summary>Every edition in <c>editions/</c>: it is read, its cases pass and speak of each of its rules, its form is the schema's.</summary>
public partial class ShippedEditionsTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "editions");

    public static TheoryData<string> Ids => [.. Directory.GetFiles(Folder, "*.yaml").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    [Fact]
    public void The_editions_of_nine_plans_are_shipped() => Assert.Equal(
        [
            "guangdong-2022-05", "guangxi-2021", "guangzhou-2022-05", "hangzhou-2020-02", "luoyang-2022-09", "national-8", "national-9",
            "national-9-measures-20", "zhejiang-2020",
        ],
        Ids.Select(row => row.Data));

    [Theory]
    [MemberData(nameof(Ids))]
    public void An_edition_is_read_and_named_as_its_file(string id)
    {
        var edition = Load(id);

        Assert.Equal(id, edition.Id);
        Assert.StartsWith("http", edition.Source, StringComparison.Ordinal);
        Assert.All(edition.Rules, rule =>
        {
            Assert.StartsWith("http", rule.Source, StringComparison.Ordinal);
            Assert.All(new[] { rule.Title, rule.Explanation, rule.End, rule.WhatToDo, rule.Owner }, IsInBothLanguages);
        });
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Its_cases_pass(string id)
    {
        var results = CaseTable.Check(Cases(id), new Policy(Load(id)));

        Assert.NotEmpty(results);
        var failed = results.Where(result => result.Problem is not null).Select(result => $"{id}.txt:{result.Line} {result.Title}: {result.Problem}");
        if (string.Join('\n', failed) is { Length: > 0 } problems)
            Assert.Fail(problems);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Each_of_its_rules_is_held_and_ended_by_a_case(string id)
    {
        var (held, ended) = HeldAndEnded(Cases(id));

        var rules = Load(id).Rules.Select(rule => rule.Number).ToList();
        Assert.Equal([], rules.Except(held));
        Assert.Equal([], rules.Except(ended));
    }

    /// <summary>The cases hold the edition fast: a number one more or one less, a word less, and one of them fails.</summary>
    [Theory]
    [MemberData(nameof(Ids))]
    public void No_number_and_no_word_of_a_rule_can_change_unnoticed(string id)
    {
        var (text, cases) = (File.ReadAllText(FileOf(id)), Cases(id));
        var unnoticed = Changes(text).Where(change => Passes(change.Text, cases)).Select(change => change.What);
        if (string.Join('\n', unnoticed) is { Length: > 0 } changes)
            Assert.Fail($"No case of {id} fails with {changes}");
    }

    /// <summary>The schema is what an officer's editor knows of the form.</summary>
    [Theory]
    [MemberData(nameof(Ids))]
    public void It_is_as_the_schema_says(string id)
    {
        var lines = File.ReadLines(FileOf(id));

        Assert.Equal("# yaml-language-server: $schema=edition.schema.json", lines.First());
        Assert.Equal([], ProblemsOf(File.ReadAllText(FileOf(id))));
    }

    /// <summary>What the reader refuses for its form, the editor has marked before.</summary>
    [Theory]
    [InlineData("colour: red", "colour: green")]
    [InlineData("colour: red", "color: red")]
    [InlineData("diagnosis: [confirmed, asymptomatic]", "diagnosis: [ill]")]
    [InlineData("withinDays: 21", "within: 21")]
    [InlineData("onDays: [1, 4, 7]", "onDays: 7")]
    [InlineData("onDays: [1, 4, 7]", "negative: 3, onDays: [1, 4, 7]")]
    [InlineData("$recoveredDays", "many")]
    [InlineData("region: \"100000\"", "region: here")]
    [InlineData("inForceFrom: 2022-06-28", "inForceFrom: soon")]
    public void A_slip_is_seen_by_the_schema_and_by_the_reader(string good, string slip)
    {
        var text = File.ReadAllText(FileOf("national-9"));
        var at = text.IndexOf(good, StringComparison.Ordinal);
        Assert.True(at > 0, good);
        text = text[..at] + slip + text[(at + good.Length)..];

        Assert.NotEmpty(ProblemsOf(text));
        Assert.Throws<EditionFileException>(() => EditionFile.Parse(text, "x.yaml", FindBase));
    }

    /// <summary>Bytes changed, lines dropped, values swapped: an edition, or problems with their place, and never another failure.</summary>
    [Theory]
    [MemberData(nameof(Ids))]
    public void A_damaged_edition_is_read_or_refused_with_a_place(string id)
    {
        var whole = File.ReadAllText(FileOf(id));
        var chance = new Random(20220628);
        for (var round = 0; round < 400; round++)
        {
            var damaged = whole;
            for (var times = chance.Next(1, 4); times > 0; times--)
                damaged = Damage(damaged, chance);
            try
            {
                _ = new Policy(EditionFile.Parse(damaged, "x.yaml", FindBase));
            }
            catch (EditionFileException refused)
            {
                Assert.NotEmpty(refused.Problems);
                Assert.All(refused.Problems, problem => Assert.Matches(@"^x\.yaml:\d+:\d+: ", problem));
            }
        }
    }

    /// <summary>An officer's cases are played while they are typed: each comes out somehow, on a line of the text.</summary>
    [Theory]
    [MemberData(nameof(Ids))]
    public void Damaged_cases_pass_or_say_on_which_line_they_do_not(string id)
    {
        var (policy, whole) = (new Policy(Load(id)), Cases(id));
        var chance = new Random(20221111);
        for (var round = 0; round < 200; round++)
        {
            var damaged = whole;
            for (var times = chance.Next(1, 20); times > 0; times--)
                damaged = chance.Next(3) switch
                {
                    0 => WithBytesChanged(damaged, chance),
                    1 => WithoutALine(damaged, chance),
                    _ => WithWordsSwapped(damaged, chance),
                };
            var lines = damaged.Split('\n').Length;
            Assert.All(CaseTable.Check(damaged, policy), result => Assert.InRange(result.Line, 0, lines));
        }
    }

    private static string WithWordsSwapped(string text, Random chance)
    {
        var words = text.Split(' ');
        var (one, other) = (chance.Next(words.Length), chance.Next(words.Length));
        (words[one], words[other]) = (words[other], words[one]);
        return string.Join(' ', words);
    }

    private static IEnumerable<(string What, string Text)> Changes(string text)
    {
        foreach (var number in NumberOfARule().Matches(text).Cast<Match>())
        {
            // The last of onDays already asks for that many days; fewer would be the same but for some hours.
            var implied = text[number.Index..].Split('\n')[1].Contains("onDays", StringComparison.Ordinal);
            var value = int.Parse(number.Value);
            foreach (var other in implied ? [value + 1] : new[] { value - 1, value + 1 })
                yield return ($"{Place(number)} {other}", text[..number.Index] + other + text[(number.Index + number.Length)..]);
        }
        foreach (var word in WordOfAList().Matches(text).Cast<Match>())
            yield return ($"{Place(word)} left out", text[..word.Index] + text[(word.Index + word.Length)..]);

        string Place(Match match) => $"line {text[..match.Index].Count(letter => letter == '\n') + 1}: {match.Value}";
    }

    private static bool Passes(string text, string cases)
    {
        try
        {
            return CaseTable.Check(cases, new Policy(EditionFile.Parse(text, "x.yaml", FindBase))).All(result => result.Problem is null);
        }
        catch (EditionFileException)
        {
            return false;
        }
    }

    private static string Damage(string text, Random chance) => chance.Next(4) switch
    {
        0 => WithBytesChanged(text, chance),
        1 => WithoutALine(text, chance),
        2 => WithValuesSwapped(text, chance),
        _ => WithAValueReplaced(text, chance),
    };

    private static string WithBytesChanged(string text, Random chance)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var times = chance.Next(1, 5); times > 0 && bytes.Length > 0; times--)
            bytes[chance.Next(bytes.Length)] = (byte)chance.Next(256);
        return Encoding.UTF8.GetString(bytes);
    }

    private static string WithoutALine(string text, Random chance)
    {
        var lines = text.Split('\n').ToList();
        lines.RemoveAt(chance.Next(lines.Count));
        return string.Join('\n', lines);
    }

    private static string WithValuesSwapped(string text, Random chance)
    {
        var values = ValueAfterAColon().Matches(text);
        if (values.Count < 2)
            return text;
        var (one, other) = (values[chance.Next(values.Count)], values[chance.Next(values.Count)]);
        var (first, second) = one.Index <= other.Index ? (one, other) : (other, one);
        return first.Index == second.Index ? text
            : text[..first.Index] + second.Value + text[(first.Index + first.Length)..second.Index] + first.Value + text[(second.Index + second.Length)..];
    }

    private static string WithAValueReplaced(string text, Random chance)
    {
        string[] wrong = ["-1", "0", "99999999999999999999", "1e9", "null", "~", "''", "[]", "{}", "[[1]]", "$nothing", "$", "*a", "&a 1", "!!int x", "true", "2022-13-45"];
        var values = ValueAfterAColon().Matches(text);
        if (values.Count == 0)
            return text;
        var value = values[chance.Next(values.Count)];
        return text[..value.Index] + wrong[chance.Next(wrong.Length)] + text[(value.Index + value.Length)..];
    }

    /// <summary>The rules that stand among the reasons of a row, and those that stand there no longer in a later row of the same case.</summary>
    private static (HashSet<string> Held, HashSet<string> Ended) HeldAndEnded(string cases)
    {
        var (held, ended, before) = (new HashSet<string>(), new HashSet<string>(), Array.Empty<string>());
        foreach (var line in cases.Split('\n').Select(line => line.Trim()))
        {
            var columns = Gap().Split(line);
            if (line.StartsWith('#') || columns is not [_, _, _, _] || columns[0] == "day")
            {
                before = [];
                continue;
            }
            var now = columns[3].Split(' ');
            held.UnionWith(now);
            ended.UnionWith(before.Except(now));
            before = now;
        }
        return (held, ended);
    }

    private static void IsInBothLanguages(Text text)
    {
        Assert.Matches(@"\p{IsCJKUnifiedIdeographs}", text.Zh);
        Assert.Matches("[A-Za-z]", text.En);
        Assert.DoesNotMatch(@"\p{IsCJKUnifiedIdeographs}", text.En);
    }

    private static IEnumerable<string> ProblemsOf(string text)
    {
        var result = Schema.Value.Evaluate(JsonOf(text), new EvaluationOptions { OutputFormat = OutputFormat.List });
        return result.IsValid ? [] : (result.Details ?? []).Where(part => !part.IsValid && part.Errors is not null)
            .SelectMany(part => part.Errors!.Select(error => $"{part.InstanceLocation}: {error.Value}")).DefaultIfEmpty("not valid");
    }

    private static readonly Lazy<JsonSchema> Schema = new(() => JsonSchema.FromText(File.ReadAllText(Path.Combine(Folder, "edition.schema.json"))));

    private static System.Text.Json.JsonElement JsonOf(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return System.Text.Json.JsonSerializer.SerializeToElement(JsonOf(stream.Documents[0].RootNode));
    }

    private static JsonNode? JsonOf(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(mapping.Children.Select(pair => KeyValuePair.Create(pair.Key.ToString(), JsonOf(pair.Value)))),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(JsonOf)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } word => JsonValue.Create(word.Value == "true"),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: { } digits } when int.TryParse(digits, out var number) => JsonValue.Create(number),
        YamlScalarNode scalar => JsonValue.Create(scalar.Value),
        _ => null,
    };

    private static PlanEdition Load(string id) => EditionFile.Load(FileOf(id));

    private static string? FindBase(string id) => File.Exists(FileOf(id)) ? File.ReadAllText(FileOf(id)) : null;

    private static string FileOf(string id) => Path.Combine(Folder, id + ".yaml");

    private static string Cases(string id) => File.ReadAllText(Path.Combine(Folder, "cases", id + ".txt"));

    [GeneratedRegex(@"(?<=^ .*\b(days|reports|withinDays|negative|apartHours|fromDay|startsAfterDays|value|confidenceMin|testsNeeded|testDays): )\d+", RegexOptions.Multiline)]
    private static partial Regex NumberOfARule();

    // One of several in brackets, with its comma.
    [GeneratedRegex(@"(?<=\[)[a-z0-9-]+, |(?<=\[.*), [a-z0-9-]+", RegexOptions.Multiline)]
    private static partial Regex WordOfAList();

    [GeneratedRegex(" {2,}")]
    private static partial Regex Gap();

    [GeneratedRegex(@"(?<=: )[^\s{#][^\n]*", RegexOptions.Multiline)]
    private static partial Regex ValueAfterAColon();
}
