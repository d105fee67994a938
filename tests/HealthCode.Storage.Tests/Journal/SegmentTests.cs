namespace HealthCode.Storage.Tests;

public sealed class SegmentTests
{
    [Theory]
    [InlineData(RetentionClass.Short, "2020-01-01T00:00Z", 20_000, "Short 2020-01-01")]
    [InlineData(RetentionClass.Short, "2020-01-06T00:00Z", 20_000, "Short 2020-01-01")]
    [InlineData(RetentionClass.Short, "2020-01-12T23:59Z", 20_000, "Short 2020-01-01")]
    [InlineData(RetentionClass.Short, "2020-01-13T00:00Z", 20_001, "Short 2020-01-13")]
    [InlineData(RetentionClass.Long, "2022-06-08T12:00Z", 30_126, "Long 2022-06-06")]
    [InlineData(RetentionClass.Standing, "2022-06-08T12:00Z", 10_126, "Standing 2022-06-06")]
    [InlineData(RetentionClass.Permanent, "2022-06-08T12:00Z", 0, "permanent")]
    public void A_segment_is_a_class_and_the_week_from_monday_in_which_something_was_received(
        RetentionClass retention, string received, int value, string shown)
    {
        var segment = Segment.Of(retention, MinuteOf(received));

        Assert.Equal((value, retention, shown), (segment.Value, segment.Class, segment.ToString()));
    }

    [Fact]
    public void Every_minute_from_its_first_to_its_end_is_in_it_and_no_other()
    {
        var segment = Segment.Of(RetentionClass.Short, MinuteOf("2022-06-08T12:00Z"));

        Assert.Equal(MinuteOf("2022-06-06T00:00Z"), segment.FirstMinute);
        Assert.Equal(MinuteOf("2022-06-13T00:00Z"), segment.End);
        Assert.Equal(segment, Segment.Of(RetentionClass.Short, segment.FirstMinute));
        Assert.Equal(segment, Segment.Of(RetentionClass.Short, new(segment.End.Value - 1)));
        Assert.NotEqual(segment, Segment.Of(RetentionClass.Short, new(segment.FirstMinute.Value - 1)));
        Assert.NotEqual(segment, Segment.Of(RetentionClass.Short, segment.End));
        Assert.Equal((default, Minute.Never), (Segment.Permanent.FirstMinute, Segment.Permanent.End));
    }

    private static Minute MinuteOf(string moment) => Minute.Of(DateTimeOffset.Parse(moment, System.Globalization.CultureInfo.InvariantCulture));
}
