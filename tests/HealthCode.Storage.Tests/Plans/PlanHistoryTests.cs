namespace HealthCode.Storage.Tests;

public class PlanHistoryTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "editions");
    private static readonly EditionText Hangzhou = EditionLibrary.Find("hangzhou-2020-02", Folder)!;
    private static readonly Minute Noon = Minute.Of(new DateTimeOffset(2020, 2, 17, 4, 0, 0, TimeSpan.Zero));

    private static Minute After(int minutes) => new(Noon.Value + minutes);

    internal static string Named(string id) => Hangzhou.Text.Replace("id: hangzhou-2020-02", "id: " + id, StringComparison.Ordinal);

    private static EditionApproved Approved(string id, Minute from) => new()
    {
        Edition = id, Text = Named(id), Cases = "", InForceFrom = from, At = Noon, By = "wang", Author = "li", Reason = "r",
    };

    [Fact]
    public void Each_edition_decides_from_its_moment_until_the_next_begins()
    {
        var history = PlanHistory.Empty.With(Approved("a", Noon)).With(Approved("c", After(20))).With(Approved("b", After(10)));

        Assert.Equal(["a", "b", "c"], history.Editions.Select(edition => edition.Edition.Id));
        Assert.Equal(["a", "a", "b", "b", "c"], new[] { -5, 9, 10, 19, 20 }.Select(minute => history.At(After(minute)).Edition.Id));
        Assert.Equal([After(10), After(20), Minute.Never], new[] { 0, 10, 20 }.Select(minute => history.NextStart(After(minute))));
        Assert.Equal([After(10), After(20), Minute.Never], history.Editions.Select(history.EndOf));
    }

    [Fact]
    public void Of_two_with_one_moment_the_later_approved_decides()
    {
        var history = PlanHistory.Empty.With(Approved("a", Noon)).With(Approved("b", Noon));
        Assert.Equal("b", history.At(Noon).Edition.Id);
    }

    [Fact]
    public void What_is_withdrawn_never_decides_and_stays_in_the_history()
    {
        var history = PlanHistory.Empty.With(Approved("a", Noon)).With(Approved("b", After(10)))
            .With(new EditionWithdrawn { Edition = "b", At = After(1), By = "li", Reason = "r" });

        Assert.Equal("a", history.At(After(10)).Edition.Id);
        Assert.Equal(Minute.Never, history.NextStart(Noon));
        Assert.Null(history.Find("b"));
        Assert.Equal(3, history.Facts.Count);
    }

    [Fact]
    public void The_start_of_the_next_edition_is_the_next_change_of_everybody()
    {
        var history = PlanHistory.Empty.With(Approved("a", Noon)).With(Approved("b", After(10)));
        var record = new PersonRecord(new PersonId(1, 2));

        Assert.Equal(After(10), history.Decide(record.Facts, AreaRisks.None, Noon).NextChange);
        Assert.Equal(After(10), history.Explain(record, AreaRisks.None, Noon).Decision.NextChange);
        Assert.Equal(Minute.Never, history.Decide(record.Facts, AreaRisks.None, After(10)).NextChange);
    }

    [Fact]
    public async Task It_is_read_from_the_journal_as_it_was_known_at_any_moment()
    {
        await using var journal = new MemoryJournal();
        PlanFact[] facts = [Approved("a", Noon), Approved("b", After(30)) with { At = After(5) }, new EditionWithdrawn { Edition = "b", At = After(9), By = "li", Reason = "r" }];
        for (var sequence = 0; sequence < facts.Length; sequence++)
            await journal.AppendAsync(JournalStreams.Plans, sequence, PlanCodec.Encode(facts[sequence]), TestContext.Current.CancellationToken);

        async Task<string> Ids(int minute) => string.Join(' ', (await PlanHistory.LoadAsync(journal, After(minute), TestContext.Current.CancellationToken))
            .History.Editions.Select(edition => edition.Edition.Id));
        Assert.Equal(["a", "a", "a b", "a"], [await Ids(-60), await Ids(4), await Ids(5), await Ids(9)]);
        Assert.Equal(3, (await PlanHistory.LoadAsync(journal, Minute.Never, TestContext.Current.CancellationToken)).NextSequence);
    }

    [Fact]
    public void A_regional_edition_is_whole_in_the_journal()
    {
        var based = Named("base-2020") + "parameters:\n  - { name: spare, value: 7, min: 7, max: 14, title: { zh: 天数, en: Days } }\n";
        const string regional = """
            id: regional-2020
            title: { zh: 地区方案, en: Regional plan }
            base: base-2020
            region: "330100"
            inForceFrom: 2020-03-01
            source: https://example.org/
            set: { spare: 10 }
            """;
        var history = PlanHistory.Empty.With(Approved("base-2020", Noon) with { Text = based });
        var findings = new EditionLibrary(history, Folder).Check(new EditionText(regional, ""));

        Assert.Empty(findings.Problems);
        Assert.Equal(based, findings.Base);
        var alone = PlanHistory.Empty.With(Approved("regional-2020", Noon) with { Text = regional, Base = findings.Base });
        Assert.Equal(history.At(Noon).Edition.Rules.Count, alone.At(Noon).Edition.Rules.Count);
        Assert.Equal("base-2020", alone.At(Noon).Edition.Base);
    }

    [Theory]
    [InlineData("../secrets")]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData("..")]
    public void An_id_that_is_a_path_finds_nothing(string id) => Assert.Null(EditionLibrary.Find(id, Folder));

    [Fact]
    public void Problems_come_with_line_and_column_and_failing_cases_with_their_line()
    {
        var library = new EditionLibrary(PlanHistory.Empty, Folder);
        var wrong = library.Check(new EditionText(Hangzhou.Text.Replace("feverFrom: 373", "feverFrom: hot", StringComparison.Ordinal), ""));
        var line = Hangzhou.Text.Split('\n').Index().First(line => line.Item.StartsWith("feverFrom", StringComparison.Ordinal)).Index + 1;
        Assert.Equal((line, 12), wrong.Problems.Select(problem => (problem.Line, problem.Column)).Single());

        var cases = library.Check(new EditionText(Hangzhou.Text, "# fever\nday  evidence        colour  reasons\n1    declares fever  yellow  Y2\n# wrong\n1    declares fever  red     Y2\n"));
        Assert.Equal([null, 5], cases.Cases.Select(result => result.Problem is null ? (int?)null : result.Line));
    }

    [Fact]
    public void An_alias_that_repeats_without_end_is_a_problem()
    {
        var text = "a: &a [x, x]\nb: &b [*a, *a]\n";
        var problem = Assert.Single(new EditionLibrary(PlanHistory.Empty, Folder).Check(new EditionText(text, "")).Problems);
        Assert.Equal((2, 8), (problem.Line, problem.Column));
    }

    // A parser that calls itself for each level would take the whole process down with it.
    [Theory]
    [InlineData("[")]
    [InlineData("- ")]
    [InlineData("{a: ")]
    [InlineData("? ")]
    public void A_text_nested_without_end_is_a_problem_and_no_crash(string opening)
    {
        var text = string.Concat(Enumerable.Repeat(opening, EditionText.LengthMax / opening.Length));
        Assert.NotEmpty(new EditionLibrary(PlanHistory.Empty, Folder).Check(new EditionText(text, "")).Problems);
    }
}
