using CsCheck;

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
    [InlineData("330106001002003", 15, "330106001002003")]
    [InlineData("330106001002003004", 18, "330106001002003004")]
    [InlineData("330106001002003000", 15, "330106001002003")]
    [InlineData("330106001002000", 12, "330106001002")]
    [InlineData("330106001002000000", 12, "330106001002")]
    [InlineData("330106000000000", 6, "330106")]
    [InlineData("999999999999999999", 18, "999999999999999999")]
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
    [InlineData("33010600100200")]
    [InlineData("3301060010020030")]
    [InlineData("33010600100200300")]
    [InlineData("3301060010020030041")]
    [InlineData("330106001000003")]       // a compound lies in a residents' committee,
    [InlineData("330106000000003")]
    [InlineData("330106001002000004")]    // and a building in a compound
    [InlineData("030106001002003")]
    [InlineData("33010600100200３")]
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
    [InlineData("33", "330106001002003004", true)]
    [InlineData("330106001002", "330106001002003", true)]
    [InlineData("330106001002", "330106001002003004", true)]
    [InlineData("330106001002003", "330106001002003004", true)]
    [InlineData("330106001002003004", "330106001002003004", true)]
    [InlineData("330106001002003004", "330106001002003", false)]
    [InlineData("330106001002003", "330106001002", false)]
    [InlineData("330106001002003", "330106001002004", false)]
    [InlineData("330106001002003", "330106001002004001", false)]
    [InlineData("330106001003", "330106001002003", false)]
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
        var area = Area("330106001002003004");
        foreach (var expected in new[] { "330106001002003", "330106001002", "330106001", "330106", "330100", "330000", "" })
        {
            area = area.Parent;
            Assert.Equal(expected, area.ToString());
        }
    }

    [Theory]
    [InlineData("33", 330_000_000_000)]
    [InlineData("3301", 330_100_000_000)]
    [InlineData("330106", 330_106_000_000)]
    [InlineData("330106001", 330_106_001_000)]
    [InlineData("330106001002", 330_106_001_002)]
    [InlineData("330106001002003", 330_106_001_002_003_000)]
    [InlineData("330106001002003004", 330_106_001_002_003_004)]
    public void Its_number_is_pinned_since_the_journal_keeps_it(string digits, long value) => Assert.Equal(value, Area(digits).Value);

    [Theory]
    [InlineData("330106001002003004", "330106")]
    [InlineData("330106001002", "330106")]
    [InlineData("330106", "330106")]
    [InlineData("330100", "330100")]
    [InlineData("33", "330000")]
    public void Its_county_is_found_at_once(string digits, string county) => Assert.Equal(county, Area(digits).County.ToString());

    [Fact]
    public void Free_form_areas_are_numbered_below_a_committee_and_below_a_compound_and_nowhere_else()
    {
        Assert.Equal("330106001002001", Area("330106001002").Below(1).ToString());
        Assert.Equal("330106001002999999", Area("330106001002").Below(999).Below(999).ToString());
        Assert.True(Area("330106001002").Below(1).IsFree);
        Assert.False(Area("330106001002").IsFree);
        Assert.Throws<InvalidOperationException>(() => Area("330106001").Below(1));
        Assert.Throws<InvalidOperationException>(() => Area("330106001002003004").Below(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Area("330106001002").Below(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Area("330106001002").Below(1000));
    }

    // Areas that lie in each other often enough: few choices at each level.
    private static readonly Gen<AreaCode> GenArea =
        from depth in Gen.Int[0, 6]
        from parts in Gen.Int[1, 3].Array[7]
        select Area($"{10 + parts[0]}" + string.Concat(parts.Skip(1).Take(depth).Select((part, level) => part.ToString(level < 2 ? "D2" : "D3", null))));

    [Fact]
    public void What_is_written_is_read_again_and_no_two_areas_are_written_alike() => GenArea.Select(GenArea).Sample((one, other) =>
    {
        Assert.True(AreaCode.TryParse(one.ToString(), out var again));
        Assert.Equal(one, again);
        Assert.Equal(one == other, one.ToString() == other.ToString());
    });

    [Fact]
    public void One_contains_another_when_it_is_reached_from_there_by_parents() => GenArea.Select(GenArea).Sample((outer, inner) =>
    {
        var reached = false;
        for (var area = inner; !area.IsNone; area = area.Parent)
            reached |= area == outer;
        Assert.Equal(reached, outer.Contains(inner));
    });

    [Fact]
    public void Each_area_comes_just_before_those_that_lie_in_it() => GenArea.Select(GenArea, GenArea).Sample((outer, inner, other) =>
    {
        if (outer.Contains(inner) && outer.CompareTo(other) <= 0 && other.CompareTo(inner) <= 0)
            Assert.True(outer.Contains(other));
        Assert.True(outer.Parent.IsNone || (outer.Parent.Contains(outer) && outer.Parent.Depth < outer.Depth && outer.Parent.CompareTo(outer) < 0));
        Assert.True(outer.County.Contains(outer) && outer.County.Depth == Math.Min(6, outer.Depth));
    });

    private static AreaCode Area(string digits) => AreaCode.TryParse(digits, out var area) ? area : throw new FormatException(digits);
}
