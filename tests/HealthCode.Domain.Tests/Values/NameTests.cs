namespace HealthCode.Domain.Tests;

public class NameTests
{
    [Theory]
    [InlineData(Colour.Green, "00")]
    [InlineData(Colour.Yellow, "01")]
    [InlineData(Colour.Red, "10")]
    [InlineData(Colour.Unknown, "20")]
    public void A_colour_has_its_national_level(Colour colour, string level) => Assert.Equal(level, colour.ToLevel());

    [Fact]
    public void The_worse_of_two_colours_wins()
    {
        Assert.Equal(Colour.Red, Colours.Worse(Colour.Yellow, Colour.Red));
        Assert.Equal(Colour.Yellow, Colours.Worse(Colour.Yellow, Colour.Green));
        Assert.Equal(Colour.Green, Colours.Worse(Colour.Unknown, Colour.Green));
    }

    [Fact]
    public void A_person_is_written_as_32_digits_and_read_back()
    {
        var person = new PersonId(0x0123456789abcdef, 0xfedcba9876543210);
        Assert.Equal("0123456789abcdeffedcba9876543210", person.ToString());
        Assert.True(PersonId.TryParse(person.ToString(), out var again));
        Span<byte> bytes = stackalloc byte[PersonId.Size];
        person.WriteTo(bytes);
        Assert.Equal((person, person), (again, PersonId.FromBytes(bytes)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0123456789abcdeffedcba987654321")]
    [InlineData("0123456789abcdeffedcba98765432100")]
    [InlineData("0123456789abcdeffedcba987654321g")]
    [InlineData(" 123456789abcdeffedcba9876543210")]
    public void Anything_else_is_no_person(string? text) => Assert.False(PersonId.TryParse(text, out _));

    [Fact]
    public void The_name_of_a_fact_comes_from_its_source_and_key_alone()
    {
        // Pinned: the journal and the case files hold these, so they may never come out otherwise.
        Assert.Equal(EvidenceId.From("report", "1"), EvidenceId.From("report", "1"));
        Assert.NotEqual(EvidenceId.From("report", "1"), EvidenceId.From("scan", "1"));
        Assert.Equal("9f03aec8fdddb959", EvidenceId.From("report", "key-1").ToString());
        Assert.True(EvidenceId.TryParse("00ff00ff00ff00ff", out var id));
        Assert.Equal(0x00ff00ff00ff00ffUL, id.Value);
        Assert.False(EvidenceId.TryParse("ff00ff00ff00ff", out _));
    }
}
