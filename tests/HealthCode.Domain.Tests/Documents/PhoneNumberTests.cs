namespace HealthCode.Domain.Tests;

public class PhoneNumberTests
{
    [Theory]
    [InlineData("13812345678")]
    [InlineData("+86 138-1234-5678")]
    [InlineData("0086 13812345678")]
    [InlineData("8613812345678")]
    [InlineData("１３８１２３４５６７８")]
    public void Every_way_of_writing_it_is_one_number_and_prints_masked(string text)
    {
        Assert.True(PhoneNumber.TryParse(text, out var phone, out _));
        Assert.Equal(("13812345678", "138*****678"), (phone.Normalized, phone.ToString()));
    }

    [Theory]
    [InlineData(null, PhoneRefusal.PhoneMissing)]
    [InlineData("", PhoneRefusal.PhoneMissing)]
    [InlineData("23812345678", PhoneRefusal.PhoneNotMobile)]
    [InlineData("1381234567", PhoneRefusal.PhoneNotMobile)]
    [InlineData("138123456789", PhoneRefusal.PhoneNotMobile)]
    [InlineData("+852 9123 4567", PhoneRefusal.PhoneNotMobile)]
    [InlineData("0571-88888888", PhoneRefusal.PhoneNotMobile)]
    [InlineData("13812345678 13812345678 13812345678 13812345678", PhoneRefusal.PhoneTooLong)]
    public void What_no_message_can_be_sent_to(string? text, PhoneRefusal expected)
    {
        Assert.False(PhoneNumber.TryParse(text, out _, out var refusal));
        Assert.Equal(expected, refusal);
    }
}
