using CsCheck;

namespace HealthCode.Domain.Tests;

public class PersonNameTests
{
    [Theory]
    [InlineData("张三", "张*")]
    [InlineData("张小三", "张**")]
    [InlineData("欧阳娜", "欧阳*")]
    [InlineData("欧阳", "欧*")]
    [InlineData("𠮷田", "𠮷*")]
    [InlineData("王", "*")]
    [InlineData("买买提·阿不都拉", "买***")]
    [InlineData("John Smith", "J***")]
    public void It_prints_its_surname_and_hides_the_rest(string name, string masked) => Assert.Equal(masked, Read(name).ToString());

    [Theory]
    [InlineData("买买提·阿不都拉", "买买提•阿不都拉")]
    [InlineData("买买提·阿不都拉", "买买提阿不都拉")]
    [InlineData("John Smith", "JOHN  SMITH")]
    [InlineData("Ｊｏｈｎ Smith", "John Smith")]
    [InlineData("张三", " 张 三 ")]
    public void Ways_of_writing_one_name(string one, string other) => Assert.True(Read(one).SameAs(Read(other)));

    [Theory]
    [InlineData("张三", "张四")]
    [InlineData("张三", "张三丰")]
    public void Two_names(string one, string other) => Assert.False(Read(one).SameAs(Read(other)));

    [Theory]
    [InlineData(null, NameRefusal.NameMissing)]
    [InlineData("  ", NameRefusal.NameMissing)]
    [InlineData("张3", NameRefusal.NameMalformed)]
    [InlineData("张\u0000三", NameRefusal.NameMalformed)]
    [InlineData("<script>", NameRefusal.NameMalformed)]
    [InlineData("·", NameRefusal.NameMalformed)]
    [InlineData("\ud800", NameRefusal.NameMalformed)]
    public void What_is_no_name(string? text, NameRefusal expected)
    {
        Assert.False(PersonName.TryParse(text, out _, out var refusal));
        Assert.Equal(expected, refusal);
    }

    [Fact]
    public void Fifty_characters_are_a_name_and_fifty_one_are_not()
    {
        Read(string.Concat(Enumerable.Repeat("𠮷", 50)));
        Assert.False(PersonName.TryParse(new string('李', 51), out _, out var refusal));
        Assert.Equal(NameRefusal.NameTooLong, refusal);
    }

    [Fact]
    public void A_name_once_tidied_stays_as_it_is_and_masks_more_than_it_shows() =>
        Gen.String[Gen.Char["张王欧阳娜三·• ABcd-'"], 1, 12].Sample(text =>
            !PersonName.TryParse(text, out var name, out _)
            || (Read(name.Full).Equals(name) && name.Masked.Contains('*', StringComparison.Ordinal) && name.Masked != name.Full));

    [Fact]
    public void Any_text_at_all_is_taken_or_refused_and_never_thrown_at() =>
        Gen.String.Sample(text => PersonName.TryParse(text, out _, out var refusal) == (refusal == NameRefusal.None));

    private static PersonName Read(string text)
    {
        Assert.True(PersonName.TryParse(text, out var name, out var refusal), refusal.ToString());
        return name;
    }
}
