using CsCheck;

namespace HealthCode.Storage.Tests;

public class EditionFileTests
{
    private static readonly string Hangzhou = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "editions", "hangzhou-2020-02.yaml"));

    [Fact]
    public void The_edition_in_the_repository_is_read()
    {
        var edition = EditionFile.Parse(Hangzhou, "hangzhou-2020-02.yaml");

        Assert.Equal("hangzhou-2020-02", edition.Id);
        Assert.NotEmpty(edition.Rules);
        Assert.All(edition.Rules, rule => Assert.NotEqual("", rule.Title.Zh + rule.Title.En));
    }

    [Theory]
    [InlineData("", "an edition is one document with fields")]
    [InlineData("[]", "an edition is one document with fields")]
    [InlineData("a: [", "this is not YAML")]
    [InlineData("a: 1\na: 2", "this is not YAML")]
    [InlineData("id: x", "rules is a list")]
    [InlineData("rules: [1]", "an item of rules has fields")]
    [InlineData("rules: []", "an edition has 1 to")]
    [InlineData("colour: red", "colour is not a field known here")]
    public void What_is_no_edition_is_refused_and_says_why(string text, string expected)
    {
        var refused = Assert.Throws<EditionFileException>(() => EditionFile.Parse(text, "x.yaml"));

        Assert.All(refused.Problems, problem => Assert.Matches(@"^x\.yaml:\d+:\d+: ", problem));
        Assert.Contains(refused.Problems, problem => problem.Contains(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("colour: red", "colour: green", "colour is one of yellow, red")]
    [InlineData("colour: red", "color: red", "color is not a field known here")]
    [InlineData("stay: [high]", "surname: [Li]", "each item of holds has exactly one of")]
    [InlineData("stay: [high]", "stay: [low]", "stay is one of medium, high")]
    [InlineData("reports: 14", "reports: $many", "there is no parameter many")]
    [InlineData("feverFrom: 373", "feverFrom: hot", "feverFrom is a whole number from 370 to 420")]
    public void A_slip_in_a_good_edition_is_named_at_its_line(string good, string slip, string expected)
    {
        var line = Hangzhou[..Hangzhou.IndexOf(good, StringComparison.Ordinal)].Count(letter => letter == '\n') + 1;
        var at = Hangzhou.IndexOf(good, StringComparison.Ordinal);
        var text = Hangzhou[..at] + slip + Hangzhou[(at + good.Length)..];

        var refused = Assert.Throws<EditionFileException>(() => EditionFile.Parse(text, "x.yaml"));

        Assert.Contains(refused.Problems, problem =>
            problem.StartsWith($"x.yaml:{line}:", StringComparison.Ordinal) && problem.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void All_problems_are_told_and_not_only_the_first()
    {
        var text = Hangzhou.Replace("colour: red", "colour: black", StringComparison.Ordinal);

        Assert.True(Assert.Throws<EditionFileException>(() => EditionFile.Parse(text, "x.yaml")).Problems.Count > 1);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named() => Assert.Contains(
        "nowhere.yaml", Assert.Throws<EditionFileException>(() => EditionFile.Load("nowhere.yaml")).Message, StringComparison.Ordinal);

    /// <summary>Lines cut, doubled and garbled: an edition or a problem with its place, and never another failure.</summary>
    [Fact]
    public void A_garbled_edition_is_read_or_refused_with_a_place()
    {
        var lines = Hangzhou.Split('\n');
        var damage = from line in Gen.Int[0, lines.Length - 1]
                     from column in Gen.Int[0, 60]
                     from garbage in Gen.OneOf(Gen.String[Gen.Char["{}[]&*!|>'\"%@`:-#,? \tabc0"], 0, 6], Gen.String)
                     from whole in Gen.Bool
                     select (line, column, garbage, whole);
        damage.Array[1, 3].Sample(
            changes =>
            {
                var damaged = lines.ToArray();
                foreach (var (line, column, garbage, whole) in changes)
                {
                    var old = damaged[line];
                    damaged[line] = whole ? garbage : old[..Math.Min(column, old.Length)] + garbage + old[Math.Min(column + 1, old.Length)..];
                }
                try
                {
                    EditionFile.Parse(string.Join('\n', damaged), "x.yaml");
                }
                catch (EditionFileException refused)
                {
                    Assert.NotEmpty(refused.Problems);
                    Assert.All(refused.Problems, problem => Assert.Matches(@"^x\.yaml:\d+:\d+: ", problem));
                }
            },
            iter: 1_000);
    }
}
