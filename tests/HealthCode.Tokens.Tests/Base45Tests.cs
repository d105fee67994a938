using CsCheck;

namespace HealthCode.Tokens.Tests;

public class Base45Tests
{
    /// <summary>The examples of RFC 9285, 4.3 and 4.4.</summary>
    [Theory]
    [InlineData("AB", "BB8")]
    [InlineData("Hello!!", "%69 VD92EX0")]
    [InlineData("base-45", "UJCLQE7W581")]
    [InlineData("ietf!", "QED8WEX0")]
    public void The_examples_of_the_standard(string plain, string text)
    {
        Assert.Equal(text, Base45.Encode(System.Text.Encoding.ASCII.GetBytes(plain)));
        Assert.True(Base45.TryDecode(text, out var bytes));
        Assert.Equal(plain, System.Text.Encoding.ASCII.GetString(bytes));
    }

    /// <summary>RFC 9285, 6: a group above its bytes' range, a lone character, and what is not in the alphabet.</summary>
    [Theory]
    [InlineData("GGW")]
    [InlineData(":::")]
    [InlineData("ZZ")]
    [InlineData("A")]
    [InlineData("ABCD")]
    [InlineData("bb8")]
    [InlineData("BB\n")]
    [InlineData("ＢＢ８")]
    public void What_no_encoder_writes_is_refused(string text) => Assert.False(Base45.TryDecode(text, out _));

    [Fact]
    public void Any_bytes_come_back() => Gen.Byte.Array[0, 300].Sample(bytes =>
        Base45.TryDecode(Base45.Encode(bytes), out var back) && back.AsSpan().SequenceEqual(bytes));

    [Fact]
    public void Every_text_that_is_read_is_the_one_that_would_be_written() =>
        Gen.Char["0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"].Array[0, 30].Select(letters => new string(letters)).Sample(text =>
            !Base45.TryDecode(text, out var bytes) || Base45.Encode(bytes) == text);
}
