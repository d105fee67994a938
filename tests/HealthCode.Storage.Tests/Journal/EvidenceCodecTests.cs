using CsCheck;
using TestResult = HealthCode.Domain.TestResult;

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

    /// <summary>The kinds that came with the second version of the law, alike: with every field, and with as few as there may be.</summary>
    private static readonly Evidence[] LaterSamples =
    [
        new Journey
        {
            Id = new(11), Person = Person, Happened = Noon, Received = Noon, Source = Source.Railway, EnteredBy = "epi", Mode = JourneyMode.Train,
            Number = "G1234", Carriage = "05", Seat = "12F", From = new(420106), To = new(330106), Until = new(Noon.Value + 300),
        },
        new Journey
        {
            Id = new(12), Person = Person, Happened = Noon, Received = Noon, Source = Source.Coach, Mode = JourneyMode.Coach, Number = "7",
            From = new(420106), To = new(330106), Until = new(Noon.Value + 1),
        },
        new Test { Id = new(13), Person = Person, Happened = Noon, Received = Noon, Source = Source.Laboratory, Result = TestResult.Inconclusive, Institution = "第一医院" },
        new Vaccination { Id = new(14), Person = Person, Happened = Noon, Received = Noon, Source = Source.Hospital, Dose = 9, Vaccine = "CoronaVac" },
        new Contact { Id = new(15), Person = Person, Happened = Noon, Received = Noon, Source = Source.Tracing, Degree = ContactKind.TimeSpace, Circumstance = "same table" },
        new Order { Id = new(16), Person = Person, Happened = Noon, Received = Noon, Source = Source.Epidemiologist, Ordered = OrderKind.HomeIsolation, Institution = "CDC", Basis = "art. 39" },
        new Release { Id = new(17), Person = Person, Happened = Noon, Received = Noon, Source = Source.Epidemiologist, Released = OrderKind.Health, Institution = "CDC" },
        new Arrival { Id = new(18), Person = Person, Happened = Noon, Received = Noon, Source = Source.BorderControl, Country = "FRA", Port = new(310115) },
        new Recognition { Id = new(19), Person = Person, Happened = Noon, Received = Noon, Source = Source.Region, Issuer = new(410000), Colour = Colour.Red, Reason = "A4" },
        new Answer { Id = new(20), Person = Person, Happened = Noon, Received = Noon, Source = Source.Resident, Question = new(3), WasThere = true },
        new Answer { Id = new(21), Person = Person, Happened = Noon, Received = Noon, Source = Source.Resident, Question = new(4), WasThere = false },
        new Pass { Id = new(22), Person = Person, Happened = Noon, Received = Noon, Source = Source.CommunityWorker, EnteredBy = "worker", Until = new(Noon.Value + 60), Purpose = "dialysis" },
    ];

    private static IEnumerable<Evidence> AllSamples => Samples.Concat(LaterSamples);

    /// <summary>What lies in journals since the first version. These bytes are read as the same evidence for ever.</summary>
    [Fact]
    public void The_journals_bytes_are_these()
    {
        Assert.Equal(
            "820188a901010248000000000000000103500123456789abcdeffedcba9876543210041a00010950051a0001095006010a030b19017d0c02a701010248000000000000000203500123456789abcdeffedcba9876543210041a00010950051a0001095006030766776f726b6572a901020248000000000000000303500123456789abcdeffedcba9876543210041a00010950051a000109500601141a0006690a151a0001098c161850a801020248000000000000000403500123456789abcdeffedcba9876543210041a00010950051a000109500601141b0000004cdbd9d669161864aa01030248000000000000000503500123456789abcdeffedcba9876543210041a00010950051a000109500602076567756172640b19016d141a0005097a181e666d61726b6574aa01040248000000000000000603500123456789abcdeffedcba9876543210041a00010950051a0001095006040763657069182802182919477c182a6fe5b882e796bee68ea7e4b8ade5bf83a701040248000000000000000703500123456789abcdeffedcba9876543210041a00010950051a000109500604182804a801050248ffffffffffffffff03500123456789abcdeffedcba9876543210041a00010950051a000109500604183248000000000000000618336d77726f6e672070617469656e74",
            Convert.ToHexStringLower(EvidenceCodec.Encode(Samples)));
    }

    [Fact]
    public void The_journals_bytes_of_the_later_kinds_are_these() =>
        Assert.Equal(
            "82018cae01060248000000000000000b03500123456789abcdeffedcba9876543210041a00010950051a0001095006060763657069151a00010a7c183c01183d654731323334183e623035183f6331324618401a0006690a18411a0005097aab01060248000000000000000c03500123456789abcdeffedcba9876543210041a00010950051a000109500608151a00010951183c03183d613718401a0006690a18411a0005097aa801070248000000000000000d03500123456789abcdeffedcba9876543210041a00010950051a000109500609182a6ce7acace4b880e58cbbe999a2184603a801080248000000000000000e03500123456789abcdeffedcba9876543210041a00010950051a00010950060a185009185169436f726f6e61566163a801090248000000000000000f03500123456789abcdeffedcba9876543210041a00010950051a00010950060d185a04185b6a73616d65207461626c65a9010a0248000000000000001003500123456789abcdeffedcba9876543210041a00010950051a000109500604182a634344431864021865676172742e203339a8010b0248000000000000001103500123456789abcdeffedcba9876543210041a00010950051a000109500604182a63434443186404a8010c0248000000000000001203500123456789abcdeffedcba9876543210041a00010950051a00010950060b186e63465241186f1a0004bb63a9010d0248000000000000001303500123456789abcdeffedcba9876543210041a00010950051a00010950060c183362413418781a00064190187903a8010e0248000000000000001403500123456789abcdeffedcba9876543210041a00010950051a0001095006011882480000000000000003188301a8010e0248000000000000001503500123456789abcdeffedcba9876543210041a00010950051a0001095006011882480000000000000004188300a9010f0248000000000000001603500123456789abcdeffedcba9876543210041a00010950051a0001095006030766776f726b6572151a0001098c188c686469616c79736973",
            Convert.ToHexStringLower(EvidenceCodec.Encode(LaterSamples)));

    [Fact]
    public void All_kinds_come_back_as_they_were() =>
        Assert.Equal(AllSamples, EvidenceCodec.Decode(EvidenceCodec.Encode([.. AllSamples])));

    [Fact]
    public void A_kind_that_only_a_newer_program_knows_is_passed_over_in_the_journal_and_refused_where_it_would_be_acknowledged()
    {
        var newer = EvidenceCodec.Encode([Samples[0]]);
        Assert.Equal([0x01, (byte)EvidenceKind.Declaration], newer[4..6]);
        newer[5] = 23;

        Assert.Empty(EvidenceCodec.Decode(newer));
        Assert.Throws<JournalUnavailableException>(() => EvidenceCodec.DecodeToTakeIn(newer));
        Assert.Equal(Samples, EvidenceCodec.DecodeToTakeIn(EvidenceCodec.Encode(Samples)));
    }

    [Fact]
    public void No_kind_of_evidence_is_without_a_sample() =>
        Assert.Equal(Enum.GetValues<EvidenceKind>(), AllSamples.Select(sample => sample.Kind).Distinct().Order());

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
    public void Any_journey_comes_back() =>
        (from happened in Gen.Int from until in Gen.Int from area in Gen.Long from mode in Gen.Enum<JourneyMode>()
         from texts in Gen.String[Gen.Char.AlphaNumeric, 1, 20].Array[3] from seated in Gen.Bool
         select new Journey
         {
             Id = new(1), Person = Person, Happened = new(happened), Received = new(happened), Source = Source.Railway, Mode = mode, Number = texts[0],
             Carriage = seated ? texts[1] : null, Seat = seated ? texts[2] : null, From = new(area), To = new(~area), Until = new(until),
         }).Sample(journey => EvidenceCodec.Decode(EvidenceCodec.Encode([journey])).Single().Equals(journey));

    [Fact]
    public void Any_word_that_is_kept_as_a_number_comes_back() =>
        (from result in Gen.Enum<TestResult>() from degree in Gen.Enum<ContactKind>() from order in Gen.Enum<OrderKind>() from colour in Gen.Enum<Colour>()
         from dose in Gen.Byte from issuer in Gen.Long from question in Gen.ULong from was in Gen.Bool from until in Gen.Int from text in Gen.String[Gen.Char.AlphaNumeric, 0, 40]
         select new Evidence[]
         {
             new Test { Id = new(1), Person = Person, Happened = Noon, Received = Noon, Source = Source.Laboratory, Result = result, Institution = text },
             new Vaccination { Id = new(2), Person = Person, Happened = Noon, Received = Noon, Source = Source.Hospital, Dose = dose, Vaccine = text },
             new Contact { Id = new(3), Person = Person, Happened = Noon, Received = Noon, Source = Source.Tracing, Degree = degree, Circumstance = text },
             new Order { Id = new(4), Person = Person, Happened = Noon, Received = Noon, Source = Source.Epidemiologist, Ordered = order, Institution = text, Basis = text },
             new Release { Id = new(5), Person = Person, Happened = Noon, Received = Noon, Source = Source.Epidemiologist, Released = order, Institution = text },
             new Arrival { Id = new(6), Person = Person, Happened = Noon, Received = Noon, Source = Source.BorderControl, Country = text, Port = new(issuer) },
             new Recognition { Id = new(7), Person = Person, Happened = Noon, Received = Noon, Source = Source.Region, Issuer = new(issuer), Colour = colour, Reason = text },
             new Answer { Id = new(8), Person = Person, Happened = Noon, Received = Noon, Source = Source.Resident, Question = new(question), WasThere = was },
             new Pass { Id = new(9), Person = Person, Happened = Noon, Received = Noon, Source = Source.CommunityWorker, Until = new(until), Purpose = text },
         }).Sample(batch => EvidenceCodec.Decode(EvidenceCodec.Encode(batch)).SequenceEqual(batch));

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
        var refused = Assert.Throws<JournalDamagedException>(() => EvidenceCodec.Decode(new JournalBatch("people/0001", 7, Segment.Permanent, Convert.FromHexString(hex))));

        Assert.Contains("people/0001", refused.Message, StringComparison.Ordinal);
        Assert.Contains('7', refused.Message);
    }

    [Fact]
    public void Any_bytes_are_evidence_or_damaged_and_nothing_else()
    {
        var whole = EvidenceCodec.Encode([.. AllSamples]);
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
