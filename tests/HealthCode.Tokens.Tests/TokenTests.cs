using CsCheck;

namespace HealthCode.Tokens.Tests;

public sealed class TokenTests : IDisposable
{
    private readonly Region region = new();
    private readonly KeyRing keys;
    private readonly TokenIssuer issuer;
    private readonly TokenReader reader;

    public TokenTests()
    {
        keys = region.Open();
        issuer = new TokenIssuer(keys);
        reader = new TokenReader(keys);
    }

    public void Dispose() => region.Dispose();

    [Fact]
    public void Any_person_and_colour_is_read_back_by_the_region_and_the_colour_by_anyone()
    {
        var anyone = keys.PublicKeys();
        (from high in Gen.ULong from low in Gen.ULong from colour in Gen.Int[1, 3] from seconds in Gen.Int[0, 119] select (high, low, colour, seconds))
            .Sample(
                drawn =>
                {
                    var person = new PersonId(drawn.high, drawn.low);
                    var token = issuer.Issue(person, (Colour)drawn.colour, Region.Morning);
                    var at = Region.Morning.AddSeconds(drawn.seconds);
                    return reader.TryReadOwn(token.Text, at, out var own, out _) && own.Person == person && own.Colour == token.Colour
                        && TokenVerifier.TryVerify(token.Text, anyone, at, out var verified, out _) && verified.Colour == token.Colour;
                },
                iter: 500);
    }

    [Fact]
    public void A_QR_code_packs_it_as_alphanumeric_in_version_10()
    {
        var token = issuer.Issue(Region.Resident, Colour.Green, Region.Morning);

        Assert.All(token.Text, letter => Assert.Contains(letter, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"));
        // ISO/IEC 18004, table 7: version 10 at level M holds 311 alphanumeric characters.
        Assert.InRange(token.Text.Length, 1, 311);
    }

    [Fact]
    public void Two_displays_of_one_person_have_nothing_in_common_by_which_they_could_be_linked()
    {
        var first = Handle(issuer.Issue(Region.Resident, Colour.Green, Region.Morning));
        var second = Handle(issuer.Issue(Region.Resident, Colour.Green, Region.Morning));
        var stranger = Handle(issuer.Issue(new PersonId(1, 2), Colour.Green, Region.Morning));

        // Equal bytes at equal places: by chance 44/256 of them, whoever's the two handles are.
        Assert.InRange(Equal(first, second), 0, 5);
        Assert.InRange(Equal(first, stranger), 0, 5);
        var bytes = new byte[PersonId.Size];
        Region.Resident.WriteTo(bytes);
        Assert.Equal(-1, first.AsSpan().IndexOf(bytes.AsSpan(0, 4)));

        static int Equal(byte[] one, byte[] other) => one.Zip(other).Count(pair => pair.First == pair.Second);
    }

    [Theory]
    [InlineData(-61, TokenRefusal.NotYetValid)]
    [InlineData(-60, TokenRefusal.None)]
    [InlineData(0, TokenRefusal.None)]
    [InlineData(119, TokenRefusal.None)]
    [InlineData(120, TokenRefusal.Expired)]
    [InlineData(86_400 * 30, TokenRefusal.Expired)]
    public void It_lives_two_minutes_and_bears_a_clock_a_minute_behind(int seconds, TokenRefusal expected)
    {
        var token = issuer.Issue(Region.Resident, Colour.Red, Region.Morning);
        var at = Region.Morning.AddSeconds(seconds);

        reader.TryReadOwn(token.Text, at, out _, out var byRegion);
        TokenVerifier.TryVerify(token.Text, keys.PublicKeys(), at, out _, out var byAnyone);

        Assert.Equal((expected, expected), (byRegion, byAnyone));
    }

    [Fact]
    public void A_token_made_just_before_midnight_is_read_just_after()
    {
        var late = new DateTimeOffset(2020, 2, 17, 23, 59, 59, TimeSpan.Zero);
        var token = issuer.Issue(Region.Resident, Colour.Green, late);

        Assert.True(reader.TryReadOwn(token.Text, late.AddSeconds(100), out _, out _));
    }

    [Fact]
    public void Who_has_no_colour_gets_no_token() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => issuer.Issue(Region.Resident, Colour.Unknown, Region.Morning));

    [Fact]
    public void Another_regions_token_is_foreign_until_its_keys_are_accepted()
    {
        using var other = new Region();
        var theirs = KeyRing.OpenOrCreate(Path.Combine(other.Folder, "theirs"), "330100", other.Time);
        var token = new TokenIssuer(theirs).Issue(Region.Resident, Colour.Green, Region.Morning);

        Assert.False(reader.TryReadOwn(token.Text, Region.Morning, out _, out var refusal));
        Assert.Equal(TokenRefusal.ForeignIssuer, refusal);
        Assert.False(TokenVerifier.TryVerify(token.Text, keys.PublicKeys(), Region.Morning, out _, out refusal));
        Assert.Equal(TokenRefusal.ForeignIssuer, refusal);
        Assert.True(TokenVerifier.TryVerify(token.Text, keys.PublicKeys().With(theirs.PublicKeys()), Region.Morning, out _, out _));
    }

    [Fact]
    public void Another_region_of_the_same_name_is_an_unknown_key_and_with_our_keys_name_forged()
    {
        using var other = new Region();
        var token = new TokenIssuer(other.Open()).Issue(Region.Resident, Colour.Green, Region.Morning);

        Assert.False(reader.TryReadOwn(token.Text, Region.Morning, out _, out var refusal));
        Assert.Equal(TokenRefusal.UnknownKey, refusal);
        Assert.False(TokenVerifier.TryVerify(token.Text, keys.PublicKeys(), Region.Morning, out _, out refusal));
        Assert.Equal(TokenRefusal.UnknownKey, refusal);
    }

    [Theory]
    [InlineData(null, TokenRefusal.NotACode)]
    [InlineData("", TokenRefusal.NotACode)]
    [InlineData("https://example.org/code", TokenRefusal.NotACode)]
    [InlineData("HC1:NCFOXN", TokenRefusal.NotACode)]
    [InlineData("JKM2:BB8", TokenRefusal.NotACode)]
    [InlineData("JKM1:", TokenRefusal.Damaged)]
    [InlineData("JKM1:BB8", TokenRefusal.Damaged)]
    [InlineData("JKM1:你好", TokenRefusal.Damaged)]
    public void What_else_a_camera_may_see_is_refused_by_its_name(string? text, TokenRefusal expected)
    {
        reader.TryReadOwn(text, Region.Morning, out _, out var byRegion);
        TokenVerifier.TryVerify(text, keys.PublicKeys(), Region.Morning, out _, out var byAnyone);

        Assert.Equal((expected, expected), (byRegion, byAnyone));
    }

    [Fact]
    public void A_text_of_any_length_and_any_bytes_of_the_right_length_are_refused_and_nothing_is_thrown()
    {
        Assert.False(reader.TryReadOwn("JKM1:" + new string('0', 10_000_000), Region.Morning, out _, out _));
        Gen.String.Sample(text => !reader.TryReadOwn(text, Region.Morning, out _, out _), iter: 2_000);
        Gen.Byte.Array[TokenBytes.Size].Sample(
            bytes => !reader.TryReadOwn("JKM1:" + Base45.Encode(bytes), Region.Morning, out _, out _), iter: 2_000);
    }

    private static byte[] Handle(Token token) => TokenBytes.TryParse(token.Text, out var bytes, out _) ? bytes.Handle.ToArray() : [];
}
