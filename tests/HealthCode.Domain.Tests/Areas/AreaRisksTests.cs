namespace HealthCode.Domain.Tests;

public class AreaRisksTests
{
    private static readonly AreaCode County = Area("330106");

    [Theory]
    [InlineData(100, 200, 0, 100, 0)]      // left in the minute in which it began
    [InlineData(100, 200, 0, 101, 101)]
    [InlineData(100, 200, 150, 160, 160)]
    [InlineData(100, 200, 199, 300, 200)]
    [InlineData(100, 200, 200, 300, 0)]    // came in the minute in which it ended
    [InlineData(100, 200, 150, int.MaxValue, 200)]
    [InlineData(100, int.MaxValue, 150, int.MaxValue, 501)] // still there: the minute now belongs to it
    [InlineData(501, 600, 0, int.MaxValue, 0)]              // not begun yet
    public void The_last_exposure_is_where_stay_and_period_overlap(int begins, int ends, int from, int until, int expected)
    {
        var risks = AreaRisks.None.With(Risk(1, County, RiskLevel.High, begins, ends));
        Assert.Equal(expected, risks.LastExposure(County, new(from), new(until), RiskLevel.High, now: new(500)).Value);
        Assert.Equal(0, risks.LastExposure(County, new(from), new(until), RiskLevel.Medium, now: new(500)).Value);
    }

    [Theory]
    [InlineData(0, 100)]
    [InlineData(99, 100)]
    [InlineData(100, 150)]
    [InlineData(150, 200)]
    [InlineData(199, 200)]
    [InlineData(200, int.MaxValue)]
    public void The_next_change_is_the_next_beginning_or_end(int now, int expected)
    {
        var risks = AreaRisks.None.With(Risk(1, County, RiskLevel.High, 100, 200)).With(Risk(2, County, RiskLevel.Medium, 150, int.MaxValue));
        Assert.Equal(expected, risks.NextChange(new(now)).Value);
    }

    [Fact]
    public void A_changed_period_takes_the_place_of_the_old_and_who_holds_the_old_sees_the_old()
    {
        var old = AreaRisks.None.With(Risk(1, County, RiskLevel.High, 100, 200));
        var changed = old.With(Risk(1, County, RiskLevel.High, 100, 150));
        Assert.Equal(200, Assert.Single(old.All).Until.Value);
        Assert.Equal(150, Assert.Single(changed.All).Until.Value);
        Assert.NotEqual(old.Version, changed.Version);
    }

    private static AreaRisk Risk(int id, AreaCode area, RiskLevel level, int from, int until) =>
        new(new Guid(id, 0, 0, new byte[8]), area, level, new(from), new(until), "outbreak", "somebody", default);

    private static AreaCode Area(string digits) => AreaCode.TryParse(digits, out var area) ? area : default;
}
