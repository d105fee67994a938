namespace HealthCode.Domain.Tests;

/// <summary>The tables can fail: a wrong one does, and says where.</summary>
public class HistoryTests
{
    [Theory]
    [InlineData("1  declares fever  green  -")]
    [InlineData("1  declares fever  yellow  R1")]
    [InlineData("1  -  green  Y2")]
    public void A_wrong_table_fails(string row) =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => History.Check("day  evidence  colour  reasons\n" + row));

    [Theory]
    [InlineData("1  declares nothing  green  -")]
    [InlineData("1  sneezes  green  -")]
    [InlineData("1  corrected stay  green  -")]
    [InlineData("1  area 330106 high  green  -")]
    [InlineData("1  green  -")]
    [InlineData("2  -  green  -\n1  -  green  -")]
    public void A_row_that_nobody_can_read_fails(string row) =>
        Assert.Throws<FormatException>(() => History.Check("day  evidence  colour  reasons\n" + row));
}
