using Npgsql;

namespace HealthCode.Storage.Tests;

public sealed class StoreAddressTests
{
    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("  ")]
    public void Nothing_said_is_the_data_folder(string? text)
    {
        Assert.False(StoreAddress.Parse(text).IsPostgres);
        Assert.Throws<InvalidOperationException>(() => StoreAddress.Parse(text).ConnectionString);
    }

    [Fact]
    public void Every_part_of_an_address_reaches_the_driver()
    {
        var address = StoreAddress.Parse("postgres://li%40cdc:p%3Aw%2F@db.example:6432/region-1?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&pool=40");

        var driver = new NpgsqlConnectionStringBuilder(address.ConnectionString);
        Assert.Equal(("li@cdc", "p:w/", "db.example", 6432, "region-1"), (driver.Username, driver.Password, driver.Host, driver.Port, driver.Database));
        Assert.Equal((SslMode.VerifyFull, "/etc/ca.pem", 40), (driver.SslMode, driver.RootCertificate, driver.MaxPoolSize));
        Assert.Equal("region-1", address.Database);
    }

    [Fact]
    public void The_port_may_be_left_out_and_a_socket_named_in_the_place_of_the_host()
    {
        Assert.Equal(5432, new NpgsqlConnectionStringBuilder(StoreAddress.Parse("postgresql://li@db/region").ConnectionString).Port);
        Assert.Equal("/run/postgresql", new NpgsqlConnectionStringBuilder(StoreAddress.Parse("postgres://li@localhost/region?host=/run/postgresql").ConnectionString).Host);
    }

    [Theory]
    [InlineData("mysql://li:hush@db/region", "does not begin with postgres://")]
    [InlineData("data/hush.db", "does not begin with postgres://")]
    [InlineData("postgres://li:hush@db", "does not name one database")]
    [InlineData("postgres://li:hush@db/one/two", "does not name one database")]
    [InlineData("postgres://db/region", "names no user")]
    [InlineData("postgres://li:hush@/region", "is not an address")]
    [InlineData("postgres://li:hush@db/region?sslmode=maybe", "has an sslmode other than")]
    [InlineData("postgres://li:hush@db/region?password=hush", "has a parameter that is not known")]
    [InlineData("postgres://li:hush@db/region?pool=0", "wants pool from 1 to 1000")]
    public void What_is_no_address_is_refused_by_what_is_wrong_and_never_repeated(string text, string problem)
    {
        var refused = Assert.Throws<StoreAddressException>(() => StoreAddress.Parse(text));

        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_never_prints_its_password() =>
        Assert.Equal("postgres://li@db:5432/region", $"{StoreAddress.Parse("postgres://li:hush@db/region?sslmode=require")}");
}
