namespace HealthCode.Domain.Tests;

public class AreaCodeTests
{
    [Theory]
    [InlineData("33", 2, "330000")]
    [InlineData("330000", 2, "330000")]
    [InlineData("3301", 4, "330100")]
    [InlineData("330100", 4, "330100")]
    [InlineData("330106", 6, "330106")]
    [InlineData("330106001", 9, "330106001")]
    [InlineData("330106001002", 12, "330106001002")]
    [InlineData("330106001000", 9, "330106001")]
    public void It_is_read_from_its_digits_and_written_with_those_that_mean_something(string digits, int depth, string written)
    {
        Assert.True(AreaCode.TryParse(digits, out var area));
        Assert.Equal((depth, written), (area.Depth, area.ToString()));
        Assert.True(AreaCode.TryParse(written, out var again));
        Assert.Equal(area, again);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("3")]
    [InlineData("330")]
    [InlineData("33010")]
    [InlineData("3301060")]
    [InlineData("33010600")]
    [InlineData("3301060010")]
    [InlineData("3301060010021")]
    [InlineData("030106")]
    [InlineData("33010x")]
    [InlineData("33 106")]
    [InlineData("-30106")]
    [InlineData("３３０１０６")]
    public void Anything_else_is_refused(string? text)
    {
        Assert.False(AreaCode.TryParse(text, out var area));
        Assert.True(area.IsNone);
    }

    [Theory]
    [InlineData("33", "330106001002", true)]
    [InlineData("330100", "330106", true)]
    [InlineData("330106", "330106", true)]
    [InlineData("330106", "330106001", true)]
    [InlineData("330106", "330100", false)]
    [InlineData("330106", "330105", false)]
    [InlineData("330106001", "330106002", false)]
    [InlineData("33", "42", false)]
    public void It_contains_itself_and_what_lies_in_it(string outer, string inner, bool expected) =>
        Assert.Equal(expected, Area(outer).Contains(Area(inner)));

    [Fact]
    public void No_area_contains_nothing_and_lies_nowhere()
    {
        Assert.False(default(AreaCode).Contains(Area("330106")));
        Assert.False(default(AreaCode).Contains(default));
        Assert.False(Area("33").Contains(default));
        Assert.Equal("", default(AreaCode).ToString());
    }

    [Fact]
    public void Its_parents_lead_up_to_the_province()
    {
        var area = Area("330106001002");
        foreach (var expected in new[] { "330106001", "330106", "330100", "330000", "" })
        {
            area = area.Parent;
            Assert.Equal(expected, area.ToString());
        }
    }

    private static AreaCode Area(string digits) => AreaCode.TryParse(digits, out var area) ? area : throw new FormatException(digits);
}
