using System.Net;
using HealthCode.Api;

namespace HealthCode.Server.Tests;

/// <summary>The main job over HTTP: apply, show, report, scan, area risk, diagnosis, correction.</summary>
[Collection("one region, one clock")]
public sealed class StoryTests(TestRegion region)
{
    private static string Scans(string place) => Routes.Scans.Replace("{place}", place, StringComparison.Ordinal);

    [Fact]
    public async Task A_resident_applies_and_is_green_with_a_signed_code()
    {
        var (session, resident) = await region.AppliedAsync();
        var code = await session.GetAsync<CodeState>(Routes.MyCode);

        Assert.Equal(("green", "00"), (code.Colour, code.Level));
        Assert.Empty(code.Reasons);
        Assert.Equal(resident.Name.Masked, code.MaskedName);
        Assert.StartsWith("JKM1:", code.Code, StringComparison.Ordinal);
        Assert.True(code.ReportedToday);
        Assert.InRange(code.ExpiresAt - code.IssuedAt, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task Fever_shows_yellow_at_the_very_next_display_and_says_why_and_how_it_ends()
    {
        var (session, _) = await region.AppliedAsync();
        var accepted = await session.MustAsync<ReportAccepted>(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.2m, "no"));
        Assert.Equal("yellow", accepted.Colour);

        var reason = Assert.Single((await session.GetAsync<CodeState>(Routes.MyCode)).Reasons);
        Assert.Equal("yellow", reason.Colour);
        Assert.Contains("38.2", reason.Evidence.En, StringComparison.Ordinal);
        Assert.Contains("发热", reason.Evidence.Zh, StringComparison.Ordinal);
        Assert.Contains(reason.Endings, ending => ending.En == "7 normal daily reports in a row (0 done)");
        Assert.NotNull(reason.EarliestEnd);
        Assert.NotEqual("", reason.Owner.Zh);
        Assert.NotEqual("", reason.WhatToDo.En);
    }

    [Fact]
    public async Task The_same_report_sent_twice_counts_once_and_its_key_serves_no_other()
    {
        var (session, _) = await region.AppliedAsync();
        var key = Guid.NewGuid().ToString();
        var first = await session.MustAsync<ReportAccepted>(HttpStatusCode.Created, Routes.MyReports, new ReportRequest([], 36.5m, "no"), key);
        region.Time.Move(TimeSpan.FromMinutes(3));
        Assert.Equal(first, await session.MustAsync<ReportAccepted>(HttpStatusCode.Created, Routes.MyReports, new ReportRequest([], 36.5m, "no"), key));
        Assert.Equal("idempotency-key-reused", await session.RefusedAsync(Routes.MyReports, new ReportRequest(["fever"], null, "no"), key));

        var history = await session.GetAsync<HistoryState>(Routes.MyHistory);
        Assert.Single(history.Evidence, evidence => evidence is { Kind: "declaration", Detail.En: "no symptoms, 36.5 °C" });
    }

    [Fact]
    public async Task An_application_or_a_phone_change_sent_twice_is_one_and_is_answered_alike()
    {
        var (session, resident) = await region.NewcomerAsync();
        var key = Guid.NewGuid().ToString();
        for (var turn = 0; turn < 2; turn++)
            Assert.Equal(new ApplicationAccepted(false), await session.MustAsync<ApplicationAccepted>(HttpStatusCode.Created, Routes.Applications, region.ApplicationOf(resident), key));

        var change = new PhoneChangeRequest(resident.Name.Full, "citizen-id", resident.Document.Normalized);
        using var other = await region.ResidentAsync("12933333333");
        var asked = await other.MustAsync<PhoneChangeAsked>(HttpStatusCode.Accepted, Routes.PhoneChanges, change, key);
        Assert.Equal(asked, await other.MustAsync<PhoneChangeAsked>(HttpStatusCode.Accepted, Routes.PhoneChanges, change, key));
    }

    [Fact]
    public async Task A_second_application_finds_the_first_and_a_stranger_cannot_take_it_over()
    {
        var (session, resident) = await region.AppliedAsync();
        var again = await session.MustAsync<ApplicationAccepted>(HttpStatusCode.OK, Routes.Applications, region.ApplicationOf(resident));
        Assert.True(again.AlreadyHad);

        using var stranger = await region.ResidentAsync("12999999999");
        Assert.Equal("identity-not-confirmed", await stranger.RefusedAsync(Routes.Applications, region.ApplicationOf(resident)));
        var wrongName = region.ApplicationOf(resident) with { Name = "王不对" };
        Assert.Equal("identity-not-confirmed", await session.RefusedAsync(Routes.Applications, wrongName));
    }

    [Fact]
    public async Task A_new_phone_is_confirmed_by_a_community_worker_and_the_old_one_loses_the_code()
    {
        var (old, resident) = await region.AppliedAsync();
        const string newPhone = "12988888888";
        using var changed = await region.ResidentAsync(newPhone);
        var asked = await changed.MustAsync<PhoneChangeAsked>(
            HttpStatusCode.Accepted, Routes.PhoneChanges, new PhoneChangeRequest(resident.Name.Full, "citizen-id", resident.Document.Normalized));

        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        var open = await worker.GetAsync<IReadOnlyList<PhoneChangeState>>(Routes.PhoneChanges);
        var state = Assert.Single(open, change => change.Id == asked.Id);
        Assert.True(state.InRegister);
        Assert.Equal(resident.Name.Masked, state.MaskedName);
        var answer = Routes.PhoneChangeAnswer.Replace("{change}", asked.Id, StringComparison.Ordinal);
        await worker.MustAsync(HttpStatusCode.OK, answer, new PhoneChangeAnswer(true, "本人持证件到场"));
        Assert.Equal("phone-change-answered", await worker.RefusedAsync(answer, new PhoneChangeAnswer(false, "again")));

        using var back = await region.ResidentAsync(newPhone);
        Assert.Equal("green", (await back.GetAsync<CodeState>(Routes.MyCode)).Colour);
        using var late = await region.ResidentAsync(resident.Phone.Normalized);
        using var refused = await late.Client.GetAsync(new Uri(Routes.MyCode, UriKind.Relative));
        Assert.Equal("not-applied", await TestSession.RefusalOf(refused));
        old.Dispose();
    }

    [Fact]
    public async Task A_scan_says_go_and_is_a_visit_that_the_resident_sees()
    {
        var (session, resident) = await region.AppliedAsync();
        using var guard = await region.StaffAsync(Roles.Guard);
        var code = (await session.GetAsync<CodeState>(Routes.MyCode)).Code;
        var answer = await guard.MustAsync<ScanAnswer>(HttpStatusCode.OK, Scans(region.Place), new ScanRequest(code, null));
        await guard.MustAsync<ScanAnswer>(HttpStatusCode.OK, Scans(region.Place), new ScanRequest(code, null));

        Assert.True(answer.Go);
        Assert.Equal(("green", resident.Name.Masked), (answer.Colour, answer.MaskedName));
        var history = await session.GetAsync<HistoryState>(Routes.MyHistory);
        Assert.Single(history.Evidence, evidence => evidence is { Kind: "visit", Detail.Zh: "试验门" });
    }

    [Fact]
    public async Task A_place_that_asks_for_a_temperature_gets_one_and_fever_stops_a_green_code()
    {
        var (session, _) = await region.AppliedAsync();
        using var guard = await region.StaffAsync(Roles.Guard);
        var code = (await session.GetAsync<CodeState>(Routes.MyCode)).Code;

        Assert.Equal("temperature-needed", await guard.RefusedAsync(Scans(region.WarmPlace), new ScanRequest(code, null)));
        var answer = await guard.MustAsync<ScanAnswer>(HttpStatusCode.OK, Scans(region.WarmPlace), new ScanRequest(code, 37.9m));
        Assert.False(answer.Go);
        Assert.Equal("green", answer.Colour);
        Assert.Equal("Green code, but fever", answer.StopReason!.En);
    }

    [Fact]
    public async Task Expired_forged_foreign_and_damaged_codes_are_refused_with_the_reason()
    {
        var (session, _) = await region.AppliedAsync();
        using var guard = await region.StaffAsync(Roles.Guard);
        var code = (await session.GetAsync<CodeState>(Routes.MyCode)).Code;
        var scans = Scans(region.Place);

        Assert.Equal("code-not-a-code", await guard.RefusedAsync(scans, new ScanRequest("https://example.org", null)));
        Assert.Equal("code-damaged", await guard.RefusedAsync(scans, new ScanRequest(code[..^9], null)));
        var middle = code.Length / 2;
        var changed = string.Concat(code.AsSpan(0, middle), code[middle] == 'A' ? "B" : "A", code.AsSpan(middle + 1));
        Assert.Contains(await guard.RefusedAsync(scans, new ScanRequest(changed, null)), new[] { "code-forged", "code-damaged" });
        Assert.Equal("place-not-yours", await guard.RefusedAsync(Scans(region.City.Venue(5).Id), new ScanRequest(code, null)));

        region.Time.Move(TimeSpan.FromMinutes(3));
        Assert.Equal("code-expired", await guard.RefusedAsync(scans, new ScanRequest(code, null)));
    }

    [Fact]
    public async Task A_risk_area_changes_those_who_stayed_there_and_nobody_else()
    {
        // One community, and not a county of the city: other stories happen in the same city.
        var (there, _) = await region.AppliedAsync("990107001001");
        var (elsewhere, _) = await region.AppliedAsync("990107001002");
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var risk = await epidemiologist.MustAsync<AreaRiskState>(
            HttpStatusCode.Created, Routes.AreaRisks, new AreaRiskRequest("990107001001", "high", null, null, "聚集性疫情"));

        Assert.Equal("red", (await there.GetAsync<CodeState>(Routes.MyCode)).Colour);
        Assert.Equal("green", (await elsewhere.GetAsync<CodeState>(Routes.MyCode)).Colour);

        // Two days later it ends; who lived there still reports for a fortnight.
        region.Time.Move(TimeSpan.FromDays(2));
        using var later = await region.StaffAsync(Roles.Epidemiologist);
        await later.MustAsync(HttpStatusCode.OK, Routes.AreaRiskEnd.Replace("{risk}", risk.Id, StringComparison.Ordinal), new AreaRiskEnd(null, "解除"));
    }

    [Fact]
    public async Task A_patient_turns_red_and_a_wrong_diagnosis_is_taken_back()
    {
        var (patient, resident) = await region.AppliedAsync();
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var file = await epidemiologist.MustAsync<CaseState>(
            HttpStatusCode.Created, Routes.Cases,
            new CaseRequest("citizen-id", resident.Document.Normalized, "confirmed", region.Time.GetUtcNow(), null, "示例市第一医院"));
        Assert.Equal(resident.Name.Masked, file.MaskedName);
        Assert.Equal("red", (await patient.GetAsync<CodeState>(Routes.MyCode)).Colour);

        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        Assert.Equal("evidence-not-correctable", await worker.RefusedAsync(Routes.Corrections, new CorrectionRequest(file.Person, file.Evidence, "x")));
        var corrected = await epidemiologist.MustAsync<CorrectionAccepted>(
            HttpStatusCode.Created, Routes.Corrections, new CorrectionRequest(file.Person, file.Evidence, "样本混淆"));
        Assert.Equal("green", corrected.Colour);
        var history = await patient.GetAsync<HistoryState>(Routes.MyHistory);
        Assert.Contains(history.Evidence, evidence => evidence is { Kind: "diagnosis", Withdrawn: true });
        Assert.Contains(history.LookUps, lookUp => lookUp.Role == Roles.Epidemiologist);
    }

    [Fact]
    public async Task A_look_up_needs_a_purpose_and_the_person_reads_it()
    {
        var (session, resident) = await region.AppliedAsync();
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        Assert.Equal("reason-missing", await worker.RefusedAsync(Routes.LookUps, new LookUpRequest("citizen-id", resident.Document.Normalized, " ")));
        var person = await worker.MustAsync<PersonState>(
            HttpStatusCode.OK, Routes.LookUps, new LookUpRequest("citizen-id", resident.Document.Normalized, "上门核实"));
        Assert.Equal(resident.Name.Masked, person.MaskedName);
        var lookUp = Assert.Single((await session.GetAsync<HistoryState>(Routes.MyHistory)).LookUps);
        Assert.Equal(("community-worker", "上门核实"), (lookUp.By, lookUp.Purpose));
    }
}
