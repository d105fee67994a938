using CsCheck;

namespace HealthCode.Domain.Tests;

public class IdentityDocumentTests
{
    private static readonly DateOnly Today = new(2020, 2, 17);
    private static readonly byte[] Secret = [.. Enumerable.Range(0, 32).Select(number => (byte)number)];

    private static readonly Gen<string> GenCitizenNumber =
        from county in Gen.Int[110101, 659001]
        from days in Gen.Int[0, 43_000]
        from sequence in Gen.Int[1, 999]
        select CitizenNumber.Compose(county, new DateOnly(1900, 1, 1).AddDays(days), sequence);

    /// <summary>The first two are printed in GB 11643-1999.</summary>
    [Theory]
    [InlineData("11010519491231002X", "1949-12-31", Sex.Female)]
    [InlineData("440524188001010014", "1880-01-01", Sex.Male)]
    [InlineData("34052419800101001X", "1980-01-01", Sex.Male)]
    public void A_citizen_number_says_birth_date_and_sex(string number, string born, Sex sex)
    {
        var document = Read(DocumentType.CitizenId, number);

        Assert.Equal(born, document.BirthDate?.ToString("yyyy-MM-dd", null));
        Assert.Equal(sex, document.Sex);
    }

    [Theory]
    [InlineData(DocumentType.CitizenId, "11010519491231002x", "11010519491231002X")]
    [InlineData(DocumentType.CitizenId, " 110105 1949-1231 002X ", "11010519491231002X")]
    [InlineData(DocumentType.CitizenId, "１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X")]
    [InlineData(DocumentType.CitizenId, "110105491231002", "11010519491231002X")]
    [InlineData(DocumentType.Passport, "e 1234-5678", "E12345678")]
    [InlineData(DocumentType.HongKongMacaoPermit, "h12345678", "H12345678")]
    [InlineData(DocumentType.HongKongMacaoPermit, "H1234567802", "H12345678")]
    [InlineData(DocumentType.TaiwanPermit, "12345678", "12345678")]
    [InlineData(DocumentType.TaiwanPermit, "1234567801(B)", "12345678")]
    [InlineData(DocumentType.TaiwanPermit, "1234567802", "12345678")]
    [InlineData(DocumentType.ForeignPermanentResidentId, "usa123456789012", "USA123456789012")]
    public void Every_way_of_typing_a_number_is_the_same_document_and_person(DocumentType type, string typed, string normalized)
    {
        var document = Read(type, typed);

        Assert.Equal(normalized, document.Normalized);
        Assert.Equal(Read(type, normalized).PersonIn(Secret), document.PersonIn(Secret));
    }

    [Theory]
    [InlineData(DocumentType.CitizenId, null, DocumentRefusal.NumberMissing)]
    [InlineData(DocumentType.CitizenId, " - ", DocumentRefusal.NumberMissing)]
    [InlineData(DocumentType.CitizenId, "110105194912310020X", DocumentRefusal.NumberTooLong)]
    [InlineData(DocumentType.CitizenId, "1101051949123100", DocumentRefusal.NumberMalformed)]
    [InlineData(DocumentType.CitizenId, "11010519491231002A", DocumentRefusal.NumberMalformed)]
    [InlineData(DocumentType.CitizenId, "810000199408230021", DocumentRefusal.NumberOfAnotherType)]
    [InlineData(DocumentType.CitizenId, "110105194902300025", DocumentRefusal.BirthDateImpossible)]
    [InlineData(DocumentType.CitizenId, "110105202002180025", DocumentRefusal.BirthDateImpossible)]
    [InlineData(DocumentType.CitizenId, "110105187912310025", DocumentRefusal.BirthDateImpossible)]
    [InlineData(DocumentType.CitizenId, "110105194912310021", DocumentRefusal.CheckDigitWrong)]
    [InlineData(DocumentType.ResidencePermit, "11010519491231002X", DocumentRefusal.NumberOfAnotherType)]
    [InlineData(DocumentType.Passport, "ZHANGSAN", DocumentRefusal.NumberMalformed)]
    [InlineData(DocumentType.Passport, "E123", DocumentRefusal.NumberMalformed)]
    [InlineData(DocumentType.Passport, "E123456789", DocumentRefusal.NumberTooLong)]
    [InlineData(DocumentType.HongKongMacaoPermit, "A12345678", DocumentRefusal.NumberMalformed)]
    [InlineData(DocumentType.HongKongMacaoPermit, "H123456780", DocumentRefusal.NumberMalformed)]
    [InlineData(DocumentType.TaiwanPermit, "123456789", DocumentRefusal.NumberMalformed)]
    [InlineData(DocumentType.ForeignPermanentResidentId, "US1234567890123", DocumentRefusal.NumberMalformed)]
    [InlineData(DocumentType.ForeignPermanentResidentId, "911010519491231002", DocumentRefusal.CheckDigitWrong)]
    [InlineData((DocumentType)99, "11010519491231002X", DocumentRefusal.NumberMalformed)]
    public void What_no_such_document_has_is_refused_by_its_reason(DocumentType type, string? number, DocumentRefusal expected)
    {
        Assert.False(IdentityDocument.TryParse(type, number, Today, out var document, out var refusal));
        Assert.Equal((null, expected), (document, refusal));
    }

    [Fact]
    public void A_citizen_number_of_an_abolished_county_is_taken() =>
        // 510202, once a district of Chongqing while that was a city of Sichuan.
        Read(DocumentType.CitizenId, CitizenNumber.Compose(510202, new DateOnly(1970, 5, 1), 12));

    [Fact]
    public void A_residence_permit_and_a_foreigners_identity_card_of_2023_carry_the_same_check()
    {
        Read(DocumentType.ResidencePermit, CitizenNumber.Compose(830000, new DateOnly(1990, 1, 1), 7));
        Read(DocumentType.ForeignPermanentResidentId, CitizenNumber.Compose(911124, new DateOnly(1990, 1, 1), 7));
    }

    [Fact]
    public void The_check_finds_every_single_wrong_digit_and_every_two_neighbours_exchanged() => GenCitizenNumber.Sample(number =>
    {
        Assert.True(IsChecked(number));
        for (var at = 0; at < 17; at++)
        {
            for (var other = '0'; other <= '9'; other++)
            {
                if (other != number[at])
                    Assert.False(IsChecked(number[..at] + other + number[(at + 1)..]), $"{number}: {other} at {at}");
            }
            if (at < 16 && number[at] != number[at + 1])
                Assert.False(IsChecked(number[..at] + number[at + 1] + number[at] + number[(at + 2)..]), $"{number}: turned at {at}");
        }
    }, iter: 200);

    [Fact]
    public void A_number_once_normalised_stays_as_it_is() =>
        (from type in Gen.Enum<DocumentType>() from text in Gen.OneOf(GenCitizenNumber, Gen.String[Gen.Char["0123456789ABEHMXahmx -()"], 5, 20]) select (type, text))
            .Sample(typed => !IdentityDocument.TryParse(typed.type, typed.text, Today, out var document, out _)
                || Read(typed.type, document.Normalized).Equals(document));

    [Fact]
    public void Any_text_at_all_is_taken_or_refused_and_never_thrown_at() =>
        (from type in Gen.Enum<DocumentType>() from text in Gen.String select (type, text)).Sample(typed =>
            IdentityDocument.TryParse(typed.type, typed.text, Today, out _, out var refusal) == (refusal == DocumentRefusal.None));

    /// <summary>Pinned: a change of this would give everybody a second identity.</summary>
    [Theory]
    [InlineData(DocumentType.CitizenId, "11010519491231002X", "31a082c11d37334e101d40611bd95e3b")]
    [InlineData(DocumentType.Passport, "E12345678", "db56417c5f134623223e711796c50add")]
    public void A_person_is_the_same_for_ever(DocumentType type, string number, string person) =>
        Assert.Equal(person, Read(type, number).PersonIn(Secret).ToString());

    [Fact]
    public void Two_regions_and_two_types_of_one_number_are_different_persons()
    {
        var document = Read(DocumentType.TaiwanPermit, "12345678");

        Assert.NotEqual(document.PersonIn(Secret), document.PersonIn(new byte[32]));
        Assert.NotEqual(document.PersonIn(Secret), Read(DocumentType.Passport, "12345678").PersonIn(Secret));
    }

    [Theory]
    [InlineData(DocumentType.CitizenId, "11010519491231002X", "11**************2X")]
    [InlineData(DocumentType.Passport, "E1234", "E***4")]
    public void It_prints_masked(DocumentType type, string number, string masked) =>
        Assert.Equal(masked, Read(type, number).ToString());

    private static bool IsChecked(string number) => CitizenNumber.CheckCharacter(number.AsSpan(0, 17)) == number[17];

    private static IdentityDocument Read(DocumentType type, string number)
    {
        Assert.True(IdentityDocument.TryParse(type, number, Today, out var document, out var refusal), refusal.ToString());
        return document;
    }
}
