namespace HealthCode.Domain.Tests;

public class TimeTests
{
    [Theory]
    [InlineData("2020-01-01T00:00:00Z", 0)]
    [InlineData("2020-01-01T00:00:59Z", 0)]
    [InlineData("2020-01-01T00:01:00Z", 1)]
    [InlineData("2020-01-02T08:00:00+08:00", 1440)]
    [InlineData("2020-02-29T00:00:00Z", 59 * 1440)]
    [InlineData("2019-12-31T23:59:59Z", 0)]
    [InlineData("0001-01-01T00:00:00Z", 0)]
    public void A_moment_falls_in_a_minute(string moment, int expected) => Assert.Equal(expected, Minute.Of(At(moment)).Value);

    [Fact]
    public void No_moment_is_never()
    {
        Assert.False(Minute.Of(DateTimeOffset.MaxValue).IsNever);
        Assert.True(Minute.Of(DateTimeOffset.MaxValue) < Minute.Never);
    }

    [Fact]
    public void Never_stays_never_and_nothing_else_becomes_it()
    {
        Assert.Equal(Minute.Never, Minute.Never.PlusDays(1));
        Assert.Equal(Minute.Never, Minute.Never.Plus(TimeSpan.FromDays(-1)));
        Assert.Equal(int.MaxValue - 1, new Minute(int.MaxValue - 5).PlusDays(30).Value);
        Assert.Equal(0, new Minute(5).Plus(TimeSpan.FromDays(-1)).Value);
        Assert.Equal("never", Minute.Never.ToString());
    }

    [Theory]
    [InlineData("2020-01-01T15:59:00Z", "2020-01-01")]
    [InlineData("2020-01-01T16:00:00Z", "2020-01-02")]
    [InlineData("2020-02-28T16:00:00Z", "2020-02-29")]
    [InlineData("2020-12-31T23:00:00Z", "2021-01-01")]
    [InlineData("2020-06-01T00:00:00+08:00", "2020-06-01")]
    public void A_day_begins_at_midnight_in_China(string moment, string day) => Assert.Equal(day, Day.Of(Minute.Of(At(moment))).ToString());

    [Theory]
    [InlineData("2020-01-02", "2020-01-01T16:00Z")]
    [InlineData("2020-03-01", "2020-02-29T16:00Z")]
    [InlineData("2020-01-01", "2020-01-01T00:00Z")]
    public void A_day_starts_where_the_one_before_ends(string date, string start)
    {
        var day = Day.Of(DateOnly.ParseExact(date, "yyyy-MM-dd", null));
        Assert.Equal(start, day.Start.ToString());
        Assert.Equal(day, Day.Of(day.Start));
        Assert.Equal(day, Day.Of(new Minute(day.Plus(1).Start.Value - 1)));
    }

    private static DateTimeOffset At(string moment) => DateTimeOffset.Parse(moment, System.Globalization.CultureInfo.InvariantCulture);
}
