using System.Text.RegularExpressions;

namespace HealthCode.Web.Tests;

/// <summary>The interface is complete in both languages, and has no words that nobody reads.</summary>
public sealed partial class TextsTests
{
    private static readonly string Source = Path.Combine(FindRoot(), "src/HealthCode.Web");

    // Beginnings of keys that are put together where they are used: t(`colour.${…}`), T["document." + type].
    private static readonly string[] Families =
        ["title.", "document.", "symptom.", "contact.", "colour.", "level.", "status.", "role.", "phoneChange.",
         "kind.", "happened.", "until.", "entry.", "result.", "mode.", "degree.", "order.", "source.",
         "rules.state.", "rules.case.", "plans.state.", "plans.draft.", "plans.fact.", "plans.trial."];

    [Fact]
    public void Both_languages_have_the_same_texts_and_none_is_empty()
    {
        Assert.Equal(Texts.Chinese.Keys.Order(StringComparer.Ordinal), Texts.English.Keys.Order(StringComparer.Ordinal));
        Assert.All(Texts.Chinese.Keys, key => Assert.False(string.IsNullOrWhiteSpace(Texts.Chinese[key]) || string.IsNullOrWhiteSpace(Texts.English[key])));
    }

    [Fact]
    public void The_Chinese_table_is_Chinese_and_the_English_one_is_not()
    {
        Assert.All(Texts.Chinese.Keys.Where(key => key != "language"), key => Assert.Matches(Han(), Texts.Chinese[key]));
        Assert.All(Texts.English.Keys.Where(key => key != "language"), key => Assert.DoesNotMatch(Han(), Texts.English[key]));
    }

    [Fact]
    public void What_the_texts_have_to_fill_in_is_the_same_in_both_languages() => Assert.All(Texts.Chinese.Keys, key => Assert.Equal(
        Blanks().Matches(Texts.Chinese[key]).Select(match => match.Value), Blanks().Matches(Texts.English[key]).Select(match => match.Value)));

    [Fact]
    public void Every_text_that_is_asked_for_exists_and_every_text_is_asked_for()
    {
        var files = Directory.EnumerateFiles(Path.Combine(Source, "Pages"), "*.razor").Concat(Directory.EnumerateFiles(Path.Combine(Source, "client"), "*.ts"));
        var code = string.Join('\n', files.Select(File.ReadAllText));
        var asked = Asked().Matches(code).Select(match => match.Groups[1].Value).Where(key => !key.EndsWith('.')).ToHashSet();
        Assert.Empty(asked.Except(Texts.Chinese.Keys));
        Assert.DoesNotContain(Texts.Chinese.Keys, key =>
            !Families.Any(family => key.StartsWith(family, StringComparison.Ordinal)) && !code.Contains($"'{key}'", StringComparison.Ordinal)
            && !code.Contains($"\"{key}\"", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"(?:\bt\('|T\["")([A-Za-z0-9.\-]+)(?=['""])")]
    private static partial Regex Asked();

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"\p{IsCJKUnifiedIdeographs}")]
    private static partial Regex Han();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "HealthCode.slnx")))
            folder = folder.Parent;
        return folder.FullName;
    }
}
