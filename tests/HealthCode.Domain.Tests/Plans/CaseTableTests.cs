namespace HealthCode.Domain.Tests;

/// <summary>The tables can fail: a wrong one does, and says where.</summary>
public class CaseTableTests
{
    [Theory]
    [InlineData("1  declares fever  green  -", "expected green -, but it is yellow Y2")]
    [InlineData("1  declares fever  yellow  R1", "expected yellow R1, but it is yellow Y2")]
    [InlineData("1  -  green  Y2", "expected green Y2, but it is green -")]
    [InlineData("1  declares nothing  green  -", "nothing is no body temperature")]
    [InlineData("1  sneezes  green  -", "Nobody knows how to read \"sneezes\"")]
    [InlineData("1  corrected stay  green  -", "There is no stay to correct")]
    [InlineData("1  answers yes  green  -", "There is no doubtful stay")]
    [InlineData("1  area 330106 high  green  -", "An area's risk is")]
    [InlineData("1  contact distant  green  -", "distant is none of close, secondary")]
    [InlineData("1  stays in 33010 from 1  green  -", "33010 is no area")]
    [InlineData("1  contact close on  green  -", "After \"on\" a number is missing")]
    [InlineData("1  green  -", "two spaces apart")]
    [InlineData("9-2  -  green  -", "neither a day nor a span")]
    [InlineData("99999  -  green  -", "is not a whole number up to")]
    [InlineData("2  -  green  -\n1  -  green  -", "Day 1 stands after day 2")]
    public void A_wrong_row_is_its_cases_problem(string rows, string problem) => Assert.Contains(
        problem, Assert.Single(CaseTable.Check("# A case\nday  evidence  colour  reasons\n" + rows, Editions.Hangzhou)).Problem, StringComparison.Ordinal);

    [Fact]
    public void Each_case_has_its_title_and_the_line_of_its_first_problem()
    {
        var results = CaseTable.Check("""
            # Fever
            day  evidence        colour  reasons
            1    declares fever  yellow  Y2

            # Nothing at all
            day  evidence  colour  reasons
            1    -         green   -
            2    -         red     R1
            3    -         red     R1
            """, Editions.Hangzhou);

        Assert.Equal(["Fever", "Nothing at all"], results.Select(result => result.Title));
        Assert.Equal([1, 8], results.Select(result => result.Line));
        Assert.Equal([true, false], results.Select(result => result.Problem is null));
    }

    [Fact]
    public void A_text_without_cases_has_no_results() => Assert.Empty(CaseTable.Check("# Nothing follows\n\n", Editions.Hangzhou));
}
