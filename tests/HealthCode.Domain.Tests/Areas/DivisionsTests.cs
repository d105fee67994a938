namespace HealthCode.Domain.Tests;

public class DivisionsTests
{
    private static readonly Divisions China = Divisions.BuiltIn;

    [Fact]
    public void Thirty_four_provinces_and_their_counties()
    {
        Assert.Equal(34, China.Children(default).Count());
        Assert.InRange(China.Children(default).SelectMany(province => China.Children(province.Code)).SelectMany(city => China.Children(city.Code)).Count(), 2_800, 3_200);
    }

    [Theory]
    [InlineData("330106", "浙江省杭州市西湖区", "西湖区, 杭州市, Zhejiang")]
    [InlineData("110105", "北京市朝阳区", "朝阳区, Beijing")]
    [InlineData("999999", "999999", "999999")]
    public void A_division_is_called_by_its_place_in_the_larger_ones(string code, string name, string english)
    {
        Assert.Equal(name, China.NameOf(Area(code)));
        Assert.Equal(english, China.EnglishNameOf(Area(code)));
    }

    [Fact]
    public void Everything_but_a_province_lies_in_one_that_is_known_too()
    {
        foreach (var province in China.Children(default))
        {
            foreach (var city in China.Children(province.Code))
            {
                Assert.True(province.Code.Contains(city.Code));
                Assert.All(China.Children(city.Code), county => Assert.True(city.Code.Contains(county.Code)));
            }
        }
    }

    [Fact]
    public void Others_may_be_added_and_renamed()
    {
        var more = China.With([new Division(Area("990000"), "演示省"), new Division(Area("330106"), "西湖")]);

        Assert.Equal("演示省", more.NameOf(Area("990000")));
        Assert.Equal("浙江省杭州市西湖", more.NameOf(Area("330106")));
        Assert.False(China.Exists(Area("990000")));
    }

    private static AreaCode Area(string digits) => AreaCode.TryParse(digits, out var area) ? area : default;
}
