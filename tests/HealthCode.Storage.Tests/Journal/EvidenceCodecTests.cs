using CsCheck;

namespace HealthCode.Storage.Tests;

public class EvidenceCodecTests
{
    private static readonly PersonId Person = new(0x0123456789abcdef, 0xfedcba9876543210);
    private static readonly Minute Noon = Minute.Of(new DateTimeOffset(2020, 2, 17, 4, 0, 0, TimeSpan.Zero));

    /// <summary>One of each kind with every field, and one with as few as there may be.</summary>
    private static readonly Evidence[] Samples =
    [
        new Declaration
        {
            Id = new(1), Person = Person, Happened = Noon, Received = Noon, Source = Source.Resident,
            Symptoms = Symptoms.Fever | Symptoms.DryCough, TemperatureTenths = 381, Contact = DeclaredContact.Unsure,
        },
        new Declaration { Id = new(2), Person = Person, Happened = Noon, Received = Noon, Source = Source.CommunityWorker, EnteredBy = "worker" },
        new Stay { Id = new(3), Person = Person, Happened = Noon, Received = Noon, Source = Source.Resident, Area = new(420106), Until = new(Noon.Value + 60), Confidence = 80 },
        new Stay { Id = new(4), Person = Person, Happened = Noon, Received = Noon, Source = Source.Resident, Area = new(330106001001), Until = Minute.Never },
        new Visit { Id = new(5), Person = Person, Happened = Noon, Received = Noon, Source = Source.Checkpoint, EnteredBy = "guard", Place = "market", Area = new(330106), TemperatureTenths = 365 },
        new Diagnosis
        {
            Id = new(6), Person = Person, Happened = Noon, Received = Noon, Source = Source.Epidemiologist, EnteredBy = "epi",
            Status = DiagnosisStatus.Confirmed, Onset = new(18_300), Institution = "市疾控中心",
        },
        new Diagnosis { Id = new(7), Person = Person, Happened = Noon, Received = Noon, Source = Source.Epidemiologist, Status = DiagnosisStatus.Recovered, Institution = "" },
        new Correction { Id = new(ulong.MaxValue), Person = Person, Happened = Noon, Received = Noon, Source = Source.Epidemiologist, Corrects = new(6), Reason = "wrong patient" },
    ];

    /// <summary>What lies in journals since the first version. These bytes are read as the same evidence for ever.</summary>
    [Fact]
    public void The_journals_bytes_are_these()
    {
        Assert.Equal(
            "820188a901010248000000000000000103500123456789abcdeffedcba9876543210041a00010950051a0001095006010a030b19017d0c02a701010248000000000000000203500123456789abcdeffedcba9876543210041a00010950051a0001095006030766776f726b6572a901020248000000000000000303500123456789abcdeffedcba9876543210041a00010950051a000109500601141a0006690a151a0001098c161850a801020248000000000000000403500123456789abcdeffedcba9876543210041a00010950051a000109500601141b0000004cdbd9d669161864aa01030248000000000000000503500123456789abcdeffedcba9876543210041a00010950051a000109500602076567756172640b19016d141a0005097a181e666d61726b6574aa01040248000000000000000603500123456789abcdeffedcba9876543210041a00010950051a0001095006040763657069182802182919477c182a6fe5b882e796bee68ea7e4b8ade5bf83a701040248000000000000000703500123456789abcdeffedcba9876543210041a00010950051a000109500604182804a801050248ffffffffffffffff03500123456789abcdeffedcba9876543210041a00010950051a000109500604183248000000000000000618336d77726f6e672070617469656e74",
            Convert.ToHexStringLower(EvidenceCodec.Encode(Samples)));
    }

    [Fact]
    public void All_kinds_come_back_as_they_were() =>
        Assert.Equal(Samples, EvidenceCodec.Decode(EvidenceCodec.Encode(Samples)));

    [Fact]
    public void No_kind_of_evidence_is_without_a_sample() =>
        Assert.Equal(Enum.GetValues<EvidenceKind>(), Samples.Select(sample => sample.Kind).Distinct().Order());

    [Fact]
    public void Any_numbers_and_texts_come_back() =>
        (from id in Gen.ULong from high in Gen.ULong from low in Gen.ULong from happened in Gen.Int from area in Gen.Long
         from temperature in Gen.Short from place in Gen.String[Gen.Char.AlphaNumeric, 0, 40]
         select new Visit
         {
             Id = new(id), Person = new(high, low), Happened = new(happened), Received = new(happened), Source = Source.Checkpoint,
             Place = place, Area = new(area), TemperatureTenths = temperature,
         }).Sample(visit => EvidenceCodec.Decode(EvidenceCodec.Encode([visit])).Single().Equals(visit));

    [Fact]
    public void An_area_risk_comes_back()
    {
        AreaRisk[] risks =
        [
            new(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), new(420100), RiskLevel.High, Noon, Minute.Never, "outbreak", "epi", Noon),
            new(Guid.Parse("00112233-4455-6677-8899-aabbccddee00"), new(420106001), RiskLevel.Low, Noon, new(Noon.Value + 5), "", "", Noon),
        ];

        Assert.Equal(risks, EvidenceCodec.DecodeRisks(EvidenceCodec.EncodeRisks(risks)));
        Assert.Equal(
            "820182a7015000112233445566778899aabbccddeeff021a000669040302041a0001095006686f7574627265616b0763657069081a00010950a6015000112233445566778899aabbccddee00021a190a4f110300041a00010950051a00010955081a00010950",
            Convert.ToHexStringLower(EvidenceCodec.EncodeRisks(risks)));
    }

    [Fact]
    public void What_a_newer_version_wrote_beside_is_skipped_and_the_rest_is_read()
    {
        // [1, [{1: 5, 2: id, 3: person, 4: 0, 5: 0, 6: 1, 50: id, 99: [1, 2]}, the same of kind 200]]
        const string common = "0248000000000000000103500123456789abcdeffedcba98765432100400050006011832480000000000000002186382" + "0102";
        var bytes = Convert.FromHexString("820182" + "a80105" + common + "a80118c8" + common);

        var correction = Assert.IsType<Correction>(Assert.Single(EvidenceCodec.Decode(bytes)));
        Assert.Equal((new EvidenceId(1), Person, new EvidenceId(2)), (correction.Id, correction.Person, correction.Corrects));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("820280")]
    [InlineData("8201")]
    [InlineData("820181a0")]
    [InlineData("820181a10101")]
    [InlineData("82019b7fffffffffffffff")]
    public void What_is_no_batch_is_damaged_and_says_where(string hex)
    {
        var refused = Assert.Throws<JournalDamagedException>(() => EvidenceCodec.Decode(new JournalBatch(1, "people/0001", 7, Convert.FromHexString(hex))));

        Assert.Contains("people/0001", refused.Message, StringComparison.Ordinal);
        Assert.Contains('7', refused.Message);
    }

    [Fact]
    public void Any_bytes_are_evidence_or_damaged_and_nothing_else()
    {
        var whole = EvidenceCodec.Encode(Samples);
        for (var length = 0; length < whole.Length; length++)
            Assert.Throws<JournalDamagedException>(() => EvidenceCodec.Decode(whole.AsMemory(0, length)));
        (from at in Gen.Int[0, whole.Length - 1] from value in Gen.Byte from more in Gen.Byte.Array[0, 4] select (at, value, more)).Sample(change =>
        {
            byte[] changed = [.. whole, .. change.more];
            changed[change.at] = change.value;
            try
            {
                EvidenceCodec.Decode(changed);
            }
            catch (JournalDamagedException)
            {
            }
        }, iter: 20_000);
    }
}
