using System.Net;
using System.Text;
using System.Text.Json;
using HealthCode.Api;

namespace HealthCode.Server.Tests;

/// <summary>Facts that others than the person report: by hand under one's name, or as a feed.</summary>
[Collection("one region, one clock")]
public sealed class SourcesTests(TestRegion region)
{
    private string Number(int index) => region.City.Resident(index).Document.Normalized;

    private DateTimeOffset Ago(double hours) => region.Time.GetUtcNow().AddHours(-hours);

    /// <summary>One of each kind about somebody, as it may be entered.</summary>
    private EvidenceEntry[] EntriesAbout(string number) =>
    [
        new StayEntry { DocumentType = "citizen-id", DocumentNumber = number, Happened = Ago(50), Until = Ago(40), Area = "990105", Confidence = 90 },
        new JourneyEntry
        {
            DocumentType = "citizen-id", DocumentNumber = number, Happened = Ago(30), Until = Ago(26), Mode = "train", Number = "G1234", Carriage = "05",
            Seat = "12F", From = "420100", To = "990100",
        },
        new TestEntry { DocumentType = "citizen-id", DocumentNumber = number, Happened = Ago(20), Result = "negative", Institution = "示例市第一医院" },
        new VaccinationEntry { DocumentType = "citizen-id", DocumentNumber = number, Happened = Ago(19), Dose = 2, Vaccine = "灭活疫苗" },
        new ContactEntry { DocumentType = "citizen-id", DocumentNumber = number, Happened = Ago(18), Degree = "general", Circumstance = "同一商场" },
        new OrderEntry
        {
            DocumentType = "citizen-id", DocumentNumber = number, Happened = Ago(17), Ordered = "monitoring", Institution = "示例市疾控中心", Basis = "传染病防治法第三十九条",
        },
        new ReleaseEntry { DocumentType = "citizen-id", DocumentNumber = number, Happened = Ago(16), Released = "monitoring", Institution = "示例市疾控中心" },
        new ArrivalEntry { DocumentType = "citizen-id", DocumentNumber = number, Happened = Ago(15), Country = "FRA", Port = "310115" },
        new RecognitionEntry { DocumentType = "citizen-id", DocumentNumber = number, Happened = Ago(14), Issuer = "410000", Colour = "green", Reason = "无" },
    ];

    private static string KindOf(EvidenceEntry entry) =>
        JsonSerializer.SerializeToElement(entry, ApiJson.Default.EvidenceEntry).GetProperty("kind").GetString()!;

    private static Task<EvidenceAccepted> EnterAsync(TestSession staff, EvidenceEntry entry, string? key = null) =>
        staff.MustAsync<EvidenceEntry, EvidenceAccepted>(HttpStatusCode.Created, Routes.Evidence, entry, key);

    private static async Task<string> RefusedAsync(TestSession staff, EvidenceEntry entry, string? key = null)
    {
        using var answer = await staff.PostAsync(Routes.Evidence, entry, key);
        return await TestSession.RefusalOf(answer);
    }

    [Fact]
    public async Task Each_role_enters_what_is_its_own_and_nothing_else()
    {
        string[] epidemiologist = ["stay", "journey", "test", "contact", "order", "release", "arrival", "recognition"];
        string[] worker = ["stay", "test", "vaccination", "release"];
        foreach (var (role, kinds) in new[] { (Roles.Epidemiologist, epidemiologist), (Roles.CommunityWorker, worker) })
        {
            using var staff = await region.StaffAsync(role);
            foreach (var entry in EntriesAbout(Number(101)))
            {
                using var answer = await staff.PostAsync(Routes.Evidence, entry);
                if (kinds.Contains(KindOf(entry)))
                    Assert.True(answer.IsSuccessStatusCode, $"{role} {KindOf(entry)}: {await answer.Content.ReadAsStringAsync()}");
                else
                    Assert.Equal("not-allowed", await TestSession.RefusalOf(answer));
            }
        }

        using var neighbour = await region.StaffAsync(Roles.CommunityWorker);
        var release = EntriesAbout(Number(101)).OfType<ReleaseEntry>().Single();
        Assert.Equal("not-allowed", await RefusedAsync(neighbour, release with { Released = "central-isolation" }));
        Assert.Equal("not-allowed", await RefusedAsync(neighbour, release with { Released = "health" }));
    }

    [Fact]
    public async Task The_person_reads_what_was_entered_by_whom_and_that_they_were_looked_up()
    {
        var (session, resident) = await region.AppliedAsync();
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        foreach (var entry in EntriesAbout(resident.Document.Normalized))
            await EnterAsync(entry is VaccinationEntry ? worker : epidemiologist, entry);

        var history = await session.GetAsync<HistoryState>(Routes.MyHistory);
        var journey = Assert.Single(history.Evidence, evidence => evidence.Kind == "journey");
        Assert.Equal(("乘坐火车", "epidemiologist"), (journey.Title.Zh, journey.EnteredBy));
        Assert.Contains("湖北省武汉市 至 示例省示例市", journey.Detail!.Zh, StringComparison.Ordinal);
        Assert.Contains("05 车厢，座位 12F", journey.Detail.Zh, StringComparison.Ordinal);
        var said = history.Evidence.Select(evidence => evidence.Title.En).ToList();
        Assert.All(
            new[] { "Test: negative", "Vaccination, dose 2", "General contact", "Health monitoring", "Health monitoring ended", "Arrival from abroad" },
            title => Assert.Contains(title, said));
        Assert.Contains(history.Evidence, evidence => evidence.Kind == "stay" && evidence.Detail!.En.Contains("90 % sure", StringComparison.Ordinal));
        Assert.Equal(9, history.LookUps.Count);
        Assert.Contains(history.LookUps, lookUp => lookUp is { By: "community-worker", Purpose: "录入疫苗接种 / vaccination recorded" });
    }

    [Fact]
    public async Task The_same_entry_twice_counts_once_and_its_key_serves_no_other()
    {
        var (session, resident) = await region.AppliedAsync();
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        var test = EntriesAbout(resident.Document.Normalized).OfType<TestEntry>().Single();
        var key = Guid.NewGuid().ToString();
        var first = await EnterAsync(worker, test, key);
        Assert.Equal(first.Id, (await EnterAsync(worker, test, key)).Id);
        Assert.Equal("idempotency-key-reused", await RefusedAsync(worker, test with { Result = "positive" }, key));

        var history = await session.GetAsync<HistoryState>(Routes.MyHistory);
        Assert.Single(history.Evidence, evidence => evidence.Kind == "test");
        Assert.Single(history.LookUps);
    }

    public static TheoryData<string, string, Func<EvidenceEntry, EvidenceEntry>> BadEntries => new()
    {
        { "document-check-digit-wrong", "test", good => good with { DocumentNumber = "110105194912310021" } },
        { "document-type-unknown", "test", good => good with { DocumentType = "library-card" } },
        { "field-missing", "test", good => good with { Happened = null } },
        { "moment-in-the-future", "test", good => good with { Happened = good.Happened!.Value.AddDays(2) } },
        { "date-impossible", "test", good => good with { Happened = new DateTimeOffset(2019, 12, 31, 0, 0, 0, TimeSpan.Zero) } },
        { "field-unknown", "test", good => good with { Id = "1" } },
        { "field-unknown", "test", good => good with { Source = "laboratory" } },
        { "choice-unknown", "test", good => (TestEntry)good with { Result = "perhaps" } },
        { "field-missing", "test", good => (TestEntry)good with { Result = null } },
        { "text-too-long", "test", good => (TestEntry)good with { Institution = new string('院', 101) } },
        { "field-missing", "test", good => (TestEntry)good with { Institution = " " } },
        { "area-unknown", "stay", good => (StayEntry)good with { Area = "123456" } },
        { "area-unknown", "stay", good => (StayEntry)good with { Area = "420000" } },
        { "date-impossible", "stay", good => (StayEntry)good with { Until = good.Happened!.Value.AddHours(-1) } },
        { "moment-in-the-future", "stay", good => (StayEntry)good with { Until = good.Happened!.Value.AddDays(9) } },
        { "confidence-impossible", "stay", good => (StayEntry)good with { Confidence = 101 } },
        { "confidence-impossible", "stay", good => (StayEntry)good with { Confidence = 0 } },
        { "field-missing", "stay", good => (StayEntry)good with { Confidence = null } },
        { "choice-unknown", "journey", good => (JourneyEntry)good with { Mode = "rocket" } },
        { "field-missing", "journey", good => (JourneyEntry)good with { Number = null } },
        { "text-too-long", "journey", good => (JourneyEntry)good with { Number = new string('1', 21) } },
        { "text-too-long", "journey", good => (JourneyEntry)good with { Carriage = new string('1', 11) } },
        { "text-too-long", "journey", good => (JourneyEntry)good with { Seat = new string('1', 11) } },
        { "area-unknown", "journey", good => (JourneyEntry)good with { To = null } },
        { "date-impossible", "journey", good => (JourneyEntry)good with { Until = good.Happened } },
        { "choice-unknown", "contact", good => (ContactEntry)good with { Degree = "intimate" } },
        { "text-too-long", "contact", good => (ContactEntry)good with { Circumstance = new string('x', 201) } },
        { "choice-unknown", "order", good => (OrderEntry)good with { Ordered = "health" } },
        { "field-missing", "order", good => (OrderEntry)good with { Basis = "" } },
        { "choice-unknown", "release", good => (ReleaseEntry)good with { Released = "everything" } },
        { "country-unknown", "arrival", good => (ArrivalEntry)good with { Country = "France" } },
        { "country-unknown", "arrival", good => (ArrivalEntry)good with { Country = "CHN" } },
        { "area-unknown", "arrival", good => (ArrivalEntry)good with { Port = "000000" } },
        { "area-unknown", "recognition", good => (RecognitionEntry)good with { Issuer = "98" } },
        { "choice-unknown", "recognition", good => (RecognitionEntry)good with { Colour = "blue" } },
        { "reason-missing", "recognition", good => (RecognitionEntry)good with { Reason = null } },
    };

    [Theory]
    [MemberData(nameof(BadEntries), DisableDiscoveryEnumeration = true)]
    public async Task An_entry_with_one_wrong_field_is_refused_by_name(string refusal, string kind, Func<EvidenceEntry, EvidenceEntry> spoil)
    {
        using var staff = await region.StaffAsync(Roles.Epidemiologist);
        Assert.Equal(refusal, await RefusedAsync(staff, spoil(EntriesAbout(Number(102)).Single(entry => KindOf(entry) == kind))));
    }

    [Fact]
    public async Task Doses_are_one_to_nine_and_have_a_vaccine()
    {
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        var good = EntriesAbout(Number(102)).OfType<VaccinationEntry>().Single();
        Assert.Equal("dose-impossible", await RefusedAsync(worker, good with { Dose = 0 }));
        Assert.Equal("dose-impossible", await RefusedAsync(worker, good with { Dose = 10 }));
        Assert.Equal("field-missing", await RefusedAsync(worker, good with { Dose = null }));
        Assert.Equal("field-missing", await RefusedAsync(worker, good with { Vaccine = null }));
    }

    [Theory]
    [InlineData("""{"documentType":"citizen-id"}""", "kind-unknown")]
    [InlineData("""{"kind":"declaration"}""", "kind-unknown")]
    [InlineData("""{"kind":"diagnosis"}""", "kind-unknown")]
    [InlineData("""{"kind":7}""", "kind-unknown body-malformed field-invalid")]
    [InlineData("""{"kind":"test","seat":"12F"}""", "field-unknown")]
    [InlineData("""{"kind":"vaccination","dose":"two"}""", "field-invalid")]
    [InlineData("""{"documentNumber":"1","kind":"test"}""", "document-type-unknown")]
    [InlineData("null", "body-malformed")]
    [InlineData("", "body-malformed")]
    [InlineData("[]", "body-malformed field-invalid kind-unknown")]
    [InlineData("{", "body-malformed")]
    public async Task A_body_that_is_no_entry_is_refused_by_name(string body, string refusals)
    {
        using var staff = await region.StaffAsync(Roles.Epidemiologist);
        using var answer = await staff.PostTextAsync(Routes.Evidence, body);
        Assert.Contains(await TestSession.RefusalOf(answer), refusals.Split(' '));
    }

    [Fact]
    public async Task Who_enters_may_withdraw_and_who_may_not_enter_may_not()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        foreach (var entry in EntriesAbout(Number(103)))
        {
            var kind = KindOf(entry);
            var (mine, other) = entry is VaccinationEntry ? (worker, epidemiologist) : (epidemiologist, worker);
            var entered = await EnterAsync(mine, entry);
            var wrong = new CorrectionRequest(entered.Person, entered.Id, "录错了人");
            // A stay is somebody's word about where one was; the neighbourhood may always take it back.
            if (entry is not StayEntry)
                Assert.Equal((kind, "evidence-not-correctable"), (kind, await other.RefusedAsync(Routes.Corrections, wrong)));
            await mine.MustAsync(HttpStatusCode.Created, Routes.Corrections, wrong);
            Assert.Equal((kind, "evidence-not-correctable"), (kind, await mine.RefusedAsync(Routes.Corrections, wrong)));
        }

        var test = await EnterAsync(worker, EntriesAbout(Number(103)).OfType<TestEntry>().Single());
        var seen = await worker.MustAsync<PersonState>(HttpStatusCode.OK, Routes.LookUps, new LookUpRequest("citizen-id", Number(103), "核对"));
        Assert.True(Assert.Single(seen.Evidence, evidence => evidence.Id == test.Id).Correctable);
        Assert.DoesNotContain(seen.Evidence, evidence => evidence is { Kind: "order", Correctable: true });
        Assert.DoesNotContain(seen.Evidence, evidence => evidence.Kind == "journey");
    }

    private static string LineOf(EvidenceEntry entry, string id, string source) =>
        JsonSerializer.Serialize(entry with { Id = id, Source = source }, ApiJson.Default.EvidenceEntry);

    private static async Task<FeedReport> FeedAsync(TestSession staff, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Routes.EvidenceFeed)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/jsonl"),
        };
        using var answer = await staff.Client.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        return JsonSerializer.Deserialize(text, ApiJson.Default.FeedReport)!;
    }

    [Fact]
    public async Task A_feed_keeps_its_good_lines_names_its_bad_ones_and_sent_again_changes_nothing()
    {
        var (session, resident) = await region.AppliedAsync();
        var entries = EntriesAbout(resident.Document.Normalized);
        var (test, journey) = (entries.OfType<TestEntry>().Single(), entries.OfType<JourneyEntry>().Single());
        var body = string.Join("\n",
            LineOf(test, "t-1", "laboratory"),
            "",
            "{broken",
            LineOf(journey, "j-1", "railway") + "\r",
            LineOf(journey, "j-2", "laboratory"),
            LineOf(test, "t-2", "palmistry"),
            LineOf(test, "", "laboratory"),
            LineOf(test with { Result = "perhaps" }, "t-3", "hospital"),
            LineOf(test with { Institution = new string('x', 5_000) }, "t-4", "laboratory"),
            LineOf(test with { Result = "positive" }, "t-1", "laboratory"),
            LineOf(test, "t-1", "laboratory"),
            LineOf(test, "t-1", "hospital"),
            LineOf(entries.OfType<OrderEntry>().Single(), "o-1", "hospital"));
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);

        var first = await FeedAsync(epidemiologist, body);
        Assert.Equal((12, 3, 1, 8), (first.Read, first.Accepted, first.Known, first.Refused));
        Assert.Equal(
            ["3 body-malformed", "5 source-not-for-kind", "6 source-unknown", "7 field-missing", "8 choice-unknown", "9 line-too-long",
                "10 idempotency-key-reused", "13 source-not-for-kind"],
            first.Lines.OrderBy(line => line.Line).Select(line => $"{line.Line} {line.Refusal}"));
        Assert.Equal("t-3", first.Lines.Single(line => line.Line == 8).Id);
        Assert.Equal(
            Reconciliation.Text(Reconciliation.Of("laboratory", "t-1") * 2 + Reconciliation.Of("railway", "j-1") + Reconciliation.Of("hospital", "t-1")),
            first.Reconciliation);

        var again = await FeedAsync(epidemiologist, body + "\n");
        Assert.Equal((12, 0, 4, 8), (again.Read, again.Accepted, again.Known, again.Refused));
        Assert.Equal(first.Reconciliation, again.Reconciliation);
        var history = await session.GetAsync<HistoryState>(Routes.MyHistory);
        Assert.Equal(2, history.Evidence.Count(evidence => evidence.Kind == "test"));
        Assert.Contains(history.Evidence, evidence => evidence is { Kind: "journey", Source.En: "Railway", EnteredBy: "epidemiologist" });
    }

    [Fact]
    public async Task A_feed_larger_than_other_bodies_goes_through_and_an_empty_one_too()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var lines = new StringBuilder();
        for (var turn = 0; turn < 3_000; turn++)
            lines.Append(LineOf(EntriesAbout(Number(110 + (turn % 50))).OfType<TestEntry>().Single(), $"big-{turn}", "laboratory")).Append('\n');
        // The last line is without an end, and one in the middle is longer than a read.
        lines.Append(new string(' ', 3_000_000)).Append('\n').Append(LineOf(EntriesAbout(Number(110)).OfType<TestEntry>().Single(), "big-last", "laboratory"));

        var report = await FeedAsync(epidemiologist, lines.ToString());
        Assert.Equal((3_002, 3_001, 0, 1), (report.Read, report.Accepted, report.Known, report.Refused));
        Assert.Equal((3_001, "line-too-long"), (report.Lines[0].Line, report.Lines[0].Refusal));
        Assert.Equal(new FeedReport(0, 0, 0, 0, [], "").Read, (await FeedAsync(epidemiologist, "")).Read);
    }
}
