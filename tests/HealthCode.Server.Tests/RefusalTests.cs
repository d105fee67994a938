using System.Net;
using System.Net.Http.Json;
using HealthCode.Api;
using HealthCode.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Server.Tests;

/// <summary>Bad input: each cause has its name, and nothing is lost by it.</summary>
[Collection("one region, one clock")]
public sealed class RefusalTests(TestRegion region)
{
    [Fact]
    public void The_reference_page_lists_every_refusal_and_no_other()
    {
        var page = File.ReadLines(Path.Combine(Repository.Root, "docs/reference/refusals.md"))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('|')).Select(cells => (cells[1].Trim(' ', '`'), int.Parse(cells[2], null)));
        Assert.Equal(Refusals.All.Select(refusal => (refusal.Name, refusal.Status)), page);
    }

    [Fact]
    public void Every_refusal_says_in_both_languages_what_happened_and_what_to_do()
    {
        Assert.Equal(
            typeof(Refusals).GetFields().Where(field => field.FieldType == typeof(Refusal)).Select(field => field.GetValue(null)).ToHashSet(),
            Refusals.All.Cast<object?>().ToHashSet());
        Assert.All(Refusals.All, refusal => Assert.All(
            new[] { refusal.Title.Zh, refusal.Title.En, refusal.WhatToDo.Zh, refusal.WhatToDo.En }, text => Assert.NotEqual("", text)));
    }

    /// <summary>Else a caller on another node could neither try again nor say what it is.</summary>
    [Fact]
    public void What_a_partition_refuses_reaches_another_node_as_what_it_is()
    {
        var serializer = region.Services.GetRequiredService<Orleans.Serialization.Serializer>();
        Exception[] refused =
        [
            new JournalUnavailableException("The disk is full."), new StaleWriterException("people/001", 7), new PartitionBusyException(),
            new JournalDamagedException("people/001", 7, "a bit is flipped"),
        ];
        foreach (var failure in refused)
        {
            var there = Assert.IsAssignableFrom<Exception>(serializer.Deserialize<object>(serializer.SerializeToArray<object>(failure)));
            Assert.Equal((failure.GetType(), failure.Message), (there.GetType(), there.Message));
        }
    }

    [Theory]
    [InlineData("{", "body-malformed")]
    [InlineData("not json", "body-malformed")]
    [InlineData("""{"symptoms":[],"contact":"no","colour":"green"}""", "field-unknown")]
    [InlineData("""{"symptoms":[],"contact":"no","temperature":"hot"}""", "field-invalid")]
    [InlineData("""{"symptoms":["fe\u0000ver"],"contact":"no"}""", "field-invalid")]
    [InlineData("""{"symptoms":["hiccups"],"contact":"no"}""", "symptom-unknown")]
    [InlineData("""{"symptoms":[],"contact":"perhaps"}""", "contact-unknown")]
    [InlineData("""{"symptoms":[],"contact":"no","temperature":12}""", "temperature-impossible")]
    public async Task A_report_that_cannot_be_is_refused_by_name(string body, string refusal)
    {
        var (session, _) = await region.AppliedAsync();
        using var answer = await session.PostTextAsync(Routes.MyReports, body);
        Assert.Equal(refusal, await TestSession.RefusalOf(answer));
        Assert.Equal("green", (await session.GetAsync<CodeState>(Routes.MyCode)).Colour);
    }

    public static TheoryData<string, Func<ApplicationRequest, ApplicationRequest>> BadApplications => new()
    {
        { "name-invalid", good => good with { Name = "" } },
        { "name-invalid", good => good with { Name = new string('长', 51) } },
        { "document-type-unknown", good => good with { DocumentType = "library-card" } },
        { "document-number-malformed", good => good with { DocumentNumber = "12AB" } },
        { "document-check-digit-wrong", good => good with { DocumentNumber = "110105194912310021" } },
        { "document-birth-date-impossible", good => good with { DocumentNumber = "110105194913310021" } },
        { "area-unknown", good => good with { StayingAt = good.StayingAt with { Area = "123456" } } },
        { "area-unknown", good => good with { HouseholdDivision = "000000" } },
        { "stay-in-the-future", good => good with { StayingAt = good.StayingAt with { Since = good.StayingAt.Since.AddDays(400) } } },
        { "date-impossible", good => good with { StayingAt = good.StayingAt with { Since = new DateOnly(1999, 1, 1) } } },
        { "date-impossible", good => good with { CameFrom = new CameFrom("420106", good.StayingAt.Since, good.StayingAt.Since.AddDays(-1)) } },
        { "consent-missing", good => good with { ConsentEdition = "none" } },
        { "text-too-long", good => good with { StayingAt = good.StayingAt with { Address = new string('x', 101) } } },
    };

    [Theory]
    [MemberData(nameof(BadApplications), DisableDiscoveryEnumeration = true)]
    public async Task An_application_with_one_wrong_field_is_refused_by_name(string refusal, Func<ApplicationRequest, ApplicationRequest> spoil)
    {
        using var session = await region.ResidentAsync("12966666666");
        Assert.Equal(refusal, await session.RefusedAsync(Routes.Applications, spoil(region.ApplicationOf(region.City.Resident(99)))));
    }

    [Fact]
    public async Task A_missing_field_a_missing_place_and_a_missing_key_have_their_names()
    {
        var (session, _) = await region.AppliedAsync();
        using var guard = await region.StaffAsync(Roles.Guard);
        Assert.Equal("place-unknown", await guard.RefusedAsync("/v1/places/nowhere/scans", new ScanRequest("JKM1:X", null)));

        foreach (var report in new[] { "{}", """{"symptoms":[]}""", """{"contact":"no"}""" })
        {
            using var incomplete = await session.PostTextAsync(Routes.MyReports, report);
            Assert.Equal("field-missing", await TestSession.RefusalOf(incomplete));
        }

        using var body = JsonContent.Create(new ReportRequest([], null, "no"), ApiJson.Default.ReportRequest);
        using var noKey = await session.Client.PostAsync(new Uri(Routes.MyReports, UriKind.Relative), body);
        Assert.Equal("idempotency-key-missing", await TestSession.RefusalOf(noKey));

        using var anonymous = region.Anonymous();
        foreach (var client in new[] { session.Client, anonymous.Client })
        {
            using var nowhere = await client.GetAsync(new Uri("/v1/no-such-thing", UriKind.Relative));
            Assert.Equal("not-found", await TestSession.RefusalOf(nowhere));
        }
    }

    [Fact]
    public async Task A_diagnosis_of_tomorrow_is_refused()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var tomorrow = region.Time.GetUtcNow().AddDays(1);
        Assert.Equal("diagnosis-in-the-future", await epidemiologist.RefusedAsync(
            Routes.Cases, new CaseRequest("citizen-id", region.City.Resident(99).Document.Normalized, "confirmed", tomorrow, null, "H")));
    }

    [Fact]
    public async Task Applications_are_limited_by_session_so_that_people_cannot_be_tried_out()
    {
        using var session = await region.ResidentAsync("12955555555");
        var request = region.ApplicationOf(region.City.Resident(99));
        var refusals = new List<string>();
        for (var turn = 0; turn < 51; turn++)
            refusals.Add(await session.RefusedAsync(Routes.Applications, request));
        Assert.Equal(50, refusals.Count(refusal => refusal == "identity-not-confirmed"));
        Assert.Equal("too-many-requests", refusals[^1]);
    }

    [Fact]
    public async Task A_wrong_one_time_code_is_refused_and_five_of_them_end_it()
    {
        using var session = region.Anonymous();
        var sent = await session.MustAsync<SignInCodeSent>(HttpStatusCode.Accepted, Routes.SignInCodes, new SignInCodeRequest("12944444444"));
        var right = sent.ShownMessage!.Split("验证码 ")[1][..6];
        var wrong = right == "000000" ? "000001" : "000000";
        for (var turn = 0; turn < 5; turn++)
            Assert.Equal("sign-in-code-wrong", await session.RefusedAsync(Routes.SignIn, new SignInRequest("12944444444", wrong)));
        Assert.Equal("sign-in-code-wrong", await session.RefusedAsync(Routes.SignIn, new SignInRequest("12944444444", right)));
    }
}
