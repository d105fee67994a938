using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using HealthCode.Api;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace HealthCode.Server.Tests;

/// <summary>The whole story in Chromium, as the people who live it see it.</summary>
[Collection("one region, one clock")]
public sealed class BrowserTests(TestRegion region) : IAsyncLifetime
{
    private static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
    ];

    // Where somebody who looks at the pages finds them; unset, none are taken.
    private static readonly string? Screenshots = Environment.GetEnvironmentVariable("HEALTHCODE_SCREENSHOTS");

    private readonly string folder = Directory.CreateTempSubdirectory("healthcode-film-").FullName;
    private IPlaywright playwright = null!;
    private IBrowser browser = null!;

    public async ValueTask InitializeAsync()
    {
        playwright = await Playwright.CreateAsync();
        browser = await LaunchAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await browser.DisposeAsync();
        playwright.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_resident_applies_reports_fever_and_is_scanned_and_staff_change_only_whom_the_evidence_names()
    {
        var resident = region.City.Resident(90);
        var phone = await PhoneAsync();

        await SignInAsync(phone, resident.Phone.Normalized);
        await phone.WaitForURLAsync("**/apply");
        await ApplyAsync(phone, resident);
        await phone.WaitForURLAsync("**/code");
        await Expect(phone.Locator("#code[data-state=live][data-colour=green]")).ToBeVisibleAsync();
        await Expect(phone.Locator("#colour")).ToHaveTextAsync("绿码");
        await Expect(phone.Locator("#masked-name")).ToHaveTextAsync(resident.Name.Masked);
        await ShootAsync(phone, "code-green");

        await ScanWithCameraAsync(phone, "go");
        await phone.GotoAsync(Url("/history"));
        await Expect(phone.Locator("li[data-kind=visit]")).ToContainTextAsync("试验门");
        await ShootAsync(phone, "history");

        await phone.GotoAsync(Url("/report"));
        await phone.CheckAsync("input[value=fever]");
        await phone.FillAsync("#temperature", "38.4");
        await ShootAsync(phone, "report");
        await phone.ClickAsync("#report button[type=submit]");
        await Expect(phone.Locator("#code[data-state=live][data-colour=yellow]")).ToBeVisibleAsync();
        await Expect(phone.Locator("[data-rule=Y2]")).ToContainTextAsync("38.4 ℃");
        await ShootAsync(phone, "code-yellow");
        await ScanWithCameraAsync(phone, "stop");

        await RecordDiagnosisAsync(resident);
        await phone.GotoAsync(Url("/en/code"));
        await Expect(phone.Locator("#code[data-state=live][data-colour=red]")).ToBeVisibleAsync();
        await Expect(phone.Locator("[data-rule=R1]")).ToContainTextAsync("Confirmed case");
        await ShootAsync(phone, "code-red-en");
    }

    /// <param name="hoursWrong">How far the phone's own clock is from the region's.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(-24)]
    [InlineData(24)]
    public async Task A_code_that_cannot_be_renewed_is_unmistakably_not_valid_whatever_the_phones_clock_says(int hoursWrong)
    {
        var phone = await PhoneWithCodeAsync(hoursWrong);
        await phone.Context.SetOfflineAsync(true);
        await phone.Clock.RunForAsync(180_000);
        await Expect(phone.Locator("#code[data-state=lapsed]")).ToBeVisibleAsync();
        await Expect(phone.Locator("#colour")).ToHaveTextAsync("离线 · 无效");
        await Expect(phone.Locator("#qr")).ToBeHiddenAsync();
        await Expect(phone.Locator("#code")).ToHaveAttributeAsync("data-code", "");
        await ShootAsync(phone, "code-lapsed");

        // Back online, it is live again by itself.
        await phone.Context.SetOfflineAsync(false);
        await phone.Clock.RunForAsync(10_000);
        await Expect(phone.Locator("#code[data-state=live]")).ToBeVisibleAsync();
    }

    [Theory]
    [InlineData("", "截至")]
    [InlineData("/en", "As of")]
    public async Task What_is_known_only_as_of_an_earlier_moment_says_so_to_the_resident_and_to_the_guard(string prefix, string asOf)
    {
        var phone = await PhoneWithCodeAsync(0);
        await Expect(phone.Locator("#as-of")).ToBeHiddenAsync();
        await phone.RouteAsync("**/v1/me/code", route => AsOfAsync(route, "2026-03-04T08:31:00+08:00"));
        await phone.GotoAsync(Url(prefix + "/code"));
        await Expect(phone.Locator("#code[data-state=live]")).ToBeVisibleAsync();
        await Expect(phone.Locator("#as-of")).ToContainTextAsync(asOf);
        await Expect(phone.Locator("#as-of")).ToContainTextAsync("08:31");
        await ShootAsync(phone, "code-as-of" + prefix.Replace('/', '-'));
        await PassesTheAccessibilityRulesAsync(phone);

        var page = await GuardPageAsync(browser, region.Place);
        await page.RouteAsync("**/scans", route => AsOfAsync(route, "2026-03-04T08:31:00+08:00"));
        if (prefix != "")
            await page.GotoAsync(Url($"{prefix}/check/place?id={region.Place}"));
        await page.FillAsync("#scanned", (await phone.Locator("#code").GetAttributeAsync("data-code"))!);
        await page.PressAsync("#scanned", "Enter");
        await Expect(page.Locator("#checkpoint[data-result=go]")).ToBeVisibleAsync();
        await Expect(page.Locator("#result")).ToContainTextAsync(asOf);
        await ShootAsync(page, "check-as-of" + prefix.Replace('/', '-'));
        await page.Context.CloseAsync();
        await phone.Context.CloseAsync();
    }

    /// <summary>The region's own answer, as a node gives it that has lost the others.</summary>
    private static async Task AsOfAsync(IRoute route, string moment)
    {
        var answer = await route.FetchAsync();
        var json = System.Text.Json.Nodes.JsonNode.Parse(await answer.TextAsync())!;
        json["asOf"] = moment;
        await route.FulfillAsync(new() { Response = answer, Body = json.ToJsonString() });
    }

    [Theory]
    [InlineData(-24)]
    [InlineData(24)]
    public async Task A_phone_whose_clock_is_a_day_wrong_shows_the_regions_time_and_renews_its_code(int hoursWrong)
    {
        var phone = await PhoneWithCodeAsync(hoursWrong);
        string[] minutes = [ChinaMinute(-1), ChinaMinute(0), ChinaMinute(1)];
        var shown = await phone.Locator("#clock").TextContentAsync();
        Assert.True(minutes.Any(minute => shown!.Contains(minute, StringComparison.Ordinal)), $"the clock shows {shown}, the region {minutes[1]}");

        // An hour of displays: renewed again and again, live at the end.
        await phone.Clock.FastForwardAsync(3_600_000);
        await phone.Clock.RunForAsync(5_000);
        await Expect(phone.Locator("#code[data-state=live]")).ToBeVisibleAsync();
        await Expect(phone.Locator("#code")).Not.ToHaveAttributeAsync("data-code", "");
    }

    /// <param name="stopped">Stops one of the phone's two clocks, as sleep stops the first and a hand stops the second.</param>
    [Theory]
    [InlineData("() => { const at = performance.now(); performance.now = () => at; }")]
    [InlineData("() => { const at = Date.now(); Date.now = () => at; }")]
    public async Task A_phone_that_slept_or_was_set_back_does_not_show_a_dead_code_as_live(string stopped)
    {
        var phone = await PhoneWithCodeAsync(0);
        await phone.EvaluateAsync(stopped);
        await phone.Context.SetOfflineAsync(true);
        await phone.Clock.RunForAsync(180_000);
        await Expect(phone.Locator("#code[data-state=lapsed]")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_renewal_never_turns_the_shown_clock_back()
    {
        var phone = await PhoneWithCodeAsync(0);
        // The phone counts three seconds that did not pass in the region, and renews because somebody looks.
        await phone.Clock.FastForwardAsync(3_000);
        await phone.Clock.RunForAsync(1_000);
        var before = await phone.Locator("#clock").TextContentAsync();
        await phone.RunAndWaitForResponseAsync(
            () => phone.EvaluateAsync("() => document.dispatchEvent(new Event('visibilitychange'))"), "**" + Routes.MyCode);
        await phone.Clock.RunForAsync(1_000);
        var after = await phone.Locator("#clock").TextContentAsync();
        Assert.True(string.CompareOrdinal(before, after) <= 0, $"from {before} back to {after}");
    }

    [Fact]
    public async Task A_guard_pastes_what_is_no_code_and_reads_why_it_is_refused()
    {
        var page = await GuardPageAsync(browser, region.Place);
        await page.FillAsync("#scanned", "https://example.org/not-a-code");
        await page.PressAsync("#scanned", "Enter");
        await Expect(page.Locator("#checkpoint[data-result=refused][data-problem=code-not-a-code]")).ToBeVisibleAsync();
        await Expect(page.Locator("#result")).ToContainTextAsync("这不是健康码");
        await ShootAsync(page, "check-refused");
    }

    [Fact]
    public async Task A_hardware_scanner_is_read_wherever_the_focus_is()
    {
        var (session, _) = await region.AppliedAsync();
        var code = (await session.GetAsync<CodeState>(Routes.MyCode)).Code;
        session.Dispose();
        var page = await GuardPageAsync(browser, region.Place);
        await page.EvaluateAsync("() => document.activeElement.blur()");
        await page.Keyboard.TypeAsync(code);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#checkpoint[data-result=go]")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task An_epidemiologist_sets_a_risk_area_on_the_page_and_ends_it()
    {
        var page = await DeskAsync("/staff/areas", Roles.Epidemiologist);
        await ChooseAsync(page, "area", "990000", "990100", "990105");
        await page.FillAsync("#reason", "聚集性疫情");
        await page.ClickAsync("#set-risk button[type=submit]");
        var row = page.Locator("#risks tbody tr", new() { HasText = "开源区" }).Or(page.Locator("#risks tbody tr", new() { HasText = "中山区" }));
        await Expect(row.First).ToContainTextAsync("高风险");
        await ShootAsync(page, "staff-areas");
        await row.First.Locator("input").FillAsync("解除管控");
        await row.First.Locator("button").ClickAsync();
        await Expect(page.Locator("#risks tbody tr", new() { HasText = "中山区" })).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Staff_import_a_file_name_a_compound_and_see_on_the_map_what_holds_where_and_since_when()
    {
        var page = await DeskAsync("/staff/areas", Roles.Epidemiologist);
        await ChooseAsync(page, "parent", "990000", "990100", "990101", "990101001", "990101001001");
        await page.FillAsync("#areaZh", "水仙花园");
        await page.FillAsync("#areaEn", "Narcissus Gardens");
        await page.ClickAsync("#add-area button[type=submit]");
        await Expect(page.Locator("#area-added")).ToContainTextAsync("990101001001001");

        var file = Path.Combine(folder, "risks.csv");
        await File.WriteAllTextAsync(file, """
            area,level,from,until,reason
            990101002,medium,2026-01-01,,街道管控
            990101002003,high,2026-01-01,,聚集性疫情
            990101001001001,high,2026-01-01,,小区内疫情
            990101003,low,2026-01-01,,常态化防控
            990101009,high,2026-01-01,,没有这个街道
            """);
        await page.SetInputFilesAsync("#file", file);
        await page.ClickAsync("#import button[type=submit]");
        await Expect(page.Locator("#import-report")).ToContainTextAsync("共 5 行：设定 4");
        await Expect(page.Locator("#import-problems tbody tr")).ToHaveTextAsync(["6area没有这个行政区划。请从列表中选择"]);

        await Expect(Tile(page, "990101002")).ToHaveTextAsync("第2街道中+1");
        await Expect(Tile(page, "990101002003")).ToHaveTextAsync("第3社区高");
        await Expect(Tile(page, "990101002004")).ToHaveAttributeAsync("aria-label", "第4社区: 中风险");
        await Expect(Tile(page, "990101001001")).ToHaveAttributeAsync("aria-label", "第1社区: 未设等级, 其中 1 处有风险");
        await Expect(Tile(page, "990101003009")).ToHaveAttributeAsync("data-level", "low");

        await Tile(page, "990101001001").ClickAsync();
        await page.ClickAsync("#inside button");
        await Expect(page.Locator("#area-name")).ToContainTextAsync("水仙花园 · 990101001001001");
        await Expect(page.Locator("#area-history")).ToContainTextAsync("小区内疫情");
        await ShootAsync(page, "staff-areas-map");

        await page.FillAsync("#days", "-7");
        await Expect(page.Locator("#at")).Not.ToHaveValueAsync("");
        await page.SelectOptionAsync("#level-filter", "low");
        await Expect(page.Locator("#risks tbody tr")).ToContainTextAsync(["常态化防控"]);
        await page.FillAsync("#at", "2025-12-31T12:00");
        await page.PressAsync("#at", "Tab");
        await Expect(Tile(page, "990101002003")).ToHaveAttributeAsync("data-level", "none");
        await page.FillAsync("#known", "2025-12-31T12:00");
        await page.PressAsync("#known", "Tab");
        await Expect(page.Locator("#risks tbody td.hint")).ToBeVisibleAsync();
        await page.ClickAsync("#map-now");
        await Expect(Tile(page, "990101002003")).ToHaveAttributeAsync("data-level", "high");

        await page.SetViewportSizeAsync(360, 780);
        Assert.Equal(360, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        await PassesTheAccessibilityRulesAsync(page);
        await ShootAsync(page, "staff-areas-phone");

        await TheMapIsReadOnAPhoneByKeyboardWithoutSignInAsync();

        // The same periods with an end: the city is left as it was.
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("2026-01-01,,", "2026-01-01,2026-01-02,", StringComparison.Ordinal));
        await page.SetInputFilesAsync("#file", file);
        await page.ClickAsync("#import button[type=submit]");
        await Expect(page.Locator("#import-report")).ToContainTextAsync("设定 4");
        await Expect(Tile(page, "990101002003")).ToHaveAttributeAsync("data-level", "none");
    }

    private async Task TheMapIsReadOnAPhoneByKeyboardWithoutSignInAsync()
    {
        foreach (var prefix in new[] { "", "/en" })
        {
            var phone = await PhoneAsync();
            await phone.GotoAsync(Url(prefix + "/risks"));
            await Expect(phone.Locator("#map[data-state=shown]")).ToBeVisibleAsync();
            await Expect(phone.Locator("#risks tbody")).ToContainTextAsync("小区内疫情");
            Assert.Equal(360, await phone.EvaluateAsync<int>("document.documentElement.scrollWidth"));

            // One stop of the tab key; Down to the first township and on to its committees, Right, Enter.
            Assert.Equal(1, await phone.Locator("#map button[tabindex='0']").CountAsync());
            await phone.Locator("#map button[tabindex='0']").FocusAsync();
            foreach (var key in new[] { "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Enter" })
                await phone.Keyboard.PressAsync(key);
            await Expect(Tile(phone, "990101002003")).ToBeFocusedAsync();
            await Expect(phone.Locator("#area-history li")).ToHaveCountAsync(2);
            await ShootAsync(phone, "risks-phone" + prefix.Replace('/', '-'));
            await PassesTheAccessibilityRulesAsync(phone);
            await phone.Context.CloseAsync();
        }
    }

    private static async Task PassesTheAccessibilityRulesAsync(IPage page)
    {
        var axe = await page.RunAxe(new AxeRunOptions { RunOnly = new RunOnlyOptions { Type = "tag", Values = ["wcag2a", "wcag2aa"] } });
        Assert.Empty(axe.Violations.Select(found => found.Id + " " + found.Nodes[0].Html));
    }

    [Fact]
    public async Task A_resident_deletes_themself_in_two_steps_by_keyboard_and_is_told_why_not_while_something_holds()
    {
        foreach (var (prefix, width) in new[] { ("", 360), ("/en", 1280) })
        {
            var (session, resident) = await region.AppliedAsync();
            await session.MustAsync(System.Net.HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.4m, "no"));
            var phone = await PageAsync(width);
            await SignInAsync(phone, resident.Phone.Normalized);
            await phone.GotoAsync(Url(prefix + "/history"));
            await OpenDeletionAsync(phone);
            await ShootAsync(phone, "deletion" + prefix.Replace('/', '-'));
            await PassesTheAccessibilityRulesAsync(phone);
            await phone.Keyboard.PressAsync("Space");
            await phone.ClickAsync("#deletion-form button[type=submit]");
            await Expect(phone.Locator("#problem[data-problem=deletion-held]")).ToBeVisibleAsync();
            await ShootAsync(phone, "deletion-held" + prefix.Replace('/', '-'));
            await phone.ClickAsync("#deletion-cancel");
            await Expect(phone.Locator("#deletion-ask")).ToBeFocusedAsync();

            // A negative report is not enough to end a fever; another person has none.
            var (well, other) = await region.AppliedAsync();
            var second = await PageAsync(width);
            await SignInAsync(second, other.Phone.Normalized);
            await second.GotoAsync(Url(prefix + "/history"));
            await OpenDeletionAsync(second);
            foreach (var key in new[] { "Space", "Tab", "Enter" })
                await second.Keyboard.PressAsync(key);
            await Expect(second.Locator("h1[data-deleted]")).ToBeFocusedAsync();
            await Expect(second.Locator("#sign-out")).ToBeHiddenAsync();
            await ShootAsync(second, "deletion-done" + prefix.Replace('/', '-'));
            await PassesTheAccessibilityRulesAsync(second);
            using var gone = await well.Client.GetAsync(new Uri(Routes.MyCode, UriKind.Relative));
            Assert.Equal("not-applied", await TestSession.RefusalOf(gone));
            await phone.Context.CloseAsync();
            await second.Context.CloseAsync();
        }
    }

    [Fact]
    public async Task An_epidemiologist_sees_how_much_came_in_and_that_all_of_it_is_counted()
    {
        for (var number = 0; number < 5; number++)
        {
            var (session, _) = await region.AppliedAsync();
            session.Dispose();
        }
        await Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions
            .GetRequiredService<Statistics.Following>(region.Services).CatchUpAsync(default);
        var desk = await DeskAsync("/staff/statistics", Roles.Epidemiologist);
        await Expect(desk.Locator("#statistics-lag[data-behind='0']")).ToBeVisibleAsync();
        await Expect(desk.Locator("#statistics tbody tr").First).ToContainTextAsync("健康申报");
        await ShootAsync(desk, "staff-statistics");
        await PassesTheAccessibilityRulesAsync(desk);
    }

    private static async Task OpenDeletionAsync(IPage page)
    {
        await Expect(page.Locator("#look-ups li")).ToBeVisibleAsync();
        await page.Locator("#deletion-ask").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#deletion-form input[name=confirm]")).ToBeFocusedAsync();
    }

    private static ILocator Tile(IPage page, string area) => page.Locator($"#map button[data-area=\"{area}\"]");

    [Fact]
    public async Task A_question_is_answered_on_the_phone_and_the_code_follows_the_answer()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var risk = await epidemiologist.MustAsync<AreaRiskState>(
            System.Net.HttpStatusCode.Created, Routes.AreaRisks, new AreaRiskRequest("430682", "high", region.Time.GetUtcNow().AddDays(-3), null, "聚集性疫情"));
        foreach (var (prefix, wasThere, colour) in new[] { ("", "false", "green"), ("/en", "true", "red") })
        {
            var (session, resident) = await region.AppliedAsync();
            session.Dispose();
            await epidemiologist.MustAsync<EvidenceEntry, EvidenceAccepted>(System.Net.HttpStatusCode.Created, Routes.Evidence, new StayEntry
            {
                DocumentType = "citizen-id", DocumentNumber = resident.Document.Normalized, Happened = region.Time.GetUtcNow().AddHours(-30),
                Until = region.Time.GetUtcNow().AddHours(-28), Area = "430682", Confidence = 40,
            });
            await epidemiologist.MustAsync<EvidenceEntry, EvidenceAccepted>(System.Net.HttpStatusCode.Created, Routes.Evidence, new TestEntry
            {
                DocumentType = "citizen-id", DocumentNumber = resident.Document.Normalized, Happened = region.Time.GetUtcNow().AddHours(-26),
                Result = "negative", Institution = "示例市第一医院",
            });

            var phone = await PhoneAsync();
            await SignInAsync(phone, resident.Phone.Normalized);
            await phone.GotoAsync(Url(prefix + "/code"));
            await Expect(phone.Locator("#code[data-colour=green]")).ToBeVisibleAsync();
            await Expect(phone.Locator("[data-question]")).ToContainTextAsync("40");
            await Expect(phone.Locator("#proof")).ToContainTextAsync("48");
            Assert.True(await phone.EvaluateAsync<int>("document.documentElement.scrollWidth") <= 360);
            await ShootAsync(phone, "question" + prefix.Replace('/', '-'));
            await phone.ClickAsync($"[data-answer={wasThere}]");
            await Expect(phone.Locator("[data-question]")).ToHaveCountAsync(0);
            await Expect(phone.Locator($"#code[data-colour={colour}]")).ToBeVisibleAsync();
            await ShootAsync(phone, "question-answered" + prefix.Replace('/', '-'));
            await phone.GotoAsync(Url(prefix + "/history"));
            await Expect(phone.Locator("li[data-kind=answer]")).ToBeVisibleAsync();
            await ShootAsync(phone, "question-history" + prefix.Replace('/', '-'));
        }
        await epidemiologist.MustAsync(
            System.Net.HttpStatusCode.OK, Routes.AreaRiskEnd.Replace("{risk}", risk.Id, StringComparison.Ordinal), new AreaRiskEnd(null, "解除"));
    }

    [Fact]
    public async Task Staff_record_evidence_and_read_at_the_field_what_is_wrong()
    {
        var resident = region.City.Resident(140);
        var desk = await DeskAsync("/staff/evidence", Roles.Epidemiologist);
        await Expect(desk.Locator("#kind option[value=pass]")).ToHaveCountAsync(0);
        await desk.SelectOptionAsync("#kind", "journey");
        await desk.FillAsync("#documentNumber", resident.Document.Normalized);
        await desk.FillAsync("#happened", "2026-01-05T08:00");
        await desk.FillAsync("#until", "2026-01-05T12:30");
        await desk.FillAsync("#number", "G1234");
        await desk.FillAsync("#seat", "12F");
        await ChooseAsync(desk, "to", "990000", "990100", "990102");
        await desk.ClickAsync("#enter button[type=submit]");
        await Expect(desk.Locator("[data-error-for=from]")).ToContainTextAsync("没有这个行政区划");
        await ShootAsync(desk, "staff-evidence-refused");
        await ChooseAsync(desk, "from", "420000", "420100");
        await desk.ClickAsync("#enter button[type=submit]");
        await Expect(desk.Locator("#entered")).ToContainTextAsync("行程");
        await ShootAsync(desk, "staff-evidence");

        var worker = await DeskAsync("/en/staff/people", Roles.CommunityWorker);
        await worker.FillAsync("#documentNumber", resident.Document.Normalized);
        await worker.FillAsync("#purpose", "home visit");
        await worker.ClickAsync("#look-up button[type=submit]");
        await Expect(worker.Locator("#person-evidence")).ToContainTextAsync("Health report");
        await ShootAsync(worker, "staff-people-en");
    }

    [Theory]
    [InlineData("")]
    [InlineData("/en")]
    public async Task Every_page_loads_without_errors_fits_a_phone_and_passes_the_accessibility_rules(string prefix)
    {
        var page = await PhoneAsync();
        foreach (var path in Web.WebFeature.Paths)
            await LooksRightAsync(page, prefix, path, "page");
        await page.Context.CloseAsync();
    }

    [Theory]
    [InlineData("", 360)]
    [InlineData("/en", 360)]
    [InlineData("/en", 1280)]
    public async Task Every_page_of_somebody_signed_in_does_so_too(string prefix, int width)
    {
        var (session, resident) = await region.AppliedAsync("990103");
        await session.MustAsync(System.Net.HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["dry-cough", "fever"], 38.1m, "unsure"));
        session.Dispose();
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        await worker.MustAsync(
            System.Net.HttpStatusCode.OK, Routes.LookUps, new LookUpRequest("citizen-id", resident.Document.Normalized, "电话随访"));

        var phone = await PageAsync(width);
        await SignInAsync(phone, resident.Phone.Normalized);
        foreach (var path in new[] { "/code", "/apply", "/report", "/stay", "/history", "/rules" })
            await LooksRightAsync(phone, prefix, path, "in");
        foreach (var (user, paths) in PagesOfStaff)
        {
            var page = await PageAsync(width);
            await page.GotoAsync(Url(prefix + paths[0]));
            await SignInStaffAsync(page, user);
            foreach (var path in paths)
                await LooksRightAsync(page, prefix, path.Replace("?id=", "?id=" + region.WarmPlace, StringComparison.Ordinal), "in");
            await page.Context.CloseAsync();
        }
    }

    private static readonly (string User, string[] Paths)[] PagesOfStaff =
    [
        ("test-guard", ["/check", "/check/place?id=", "/staff"]),
        (Roles.Epidemiologist, ["/staff", "/staff/areas", "/staff/cases", "/staff/people"]),
        (Roles.CommunityWorker, ["/staff/people", "/staff/phone-changes"]),
        (Roles.Administrator, ["/staff/admin"]),
    ];

    /// <summary>No error of a script, nothing wider than the screen, no violation of WCAG 2 A and AA that axe can find.</summary>
    private async Task LooksRightAsync(IPage page, string prefix, string path, string shot)
    {
        var errors = new List<string>();
        void OnError(object? _, string error) => errors.Add(error);
        void OnConsole(object? _, IConsoleMessage message)
        {
            // Chromium itself writes a line for each refused request; refusals are shown on the page.
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
                errors.Add(message.Text);
        }
        page.PageError += OnError;
        page.Console += OnConsole;
        await page.GotoAsync(Url(prefix + path));
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        page.PageError -= OnError;
        page.Console -= OnConsole;

        Assert.True(errors.Count == 0, $"{path}: {string.Join("; ", errors)}");
        var (wanted, width) = (page.ViewportSize!.Width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.True(width <= wanted, $"{path} is {width} pixels wide on a screen of {wanted}");
        var axe = await page.RunAxe(new AxeRunOptions { RunOnly = new RunOnlyOptions { Type = "tag", Values = ["wcag2a", "wcag2aa"] } });
        Assert.True(axe.Violations.Length == 0, $"{path}: {string.Join("; ", axe.Violations.Select(found => found.Id + " " + found.Nodes[0].Html))}");
        await ShootAsync(page, $"{shot}-{wanted}{(prefix + path).Split('?')[0].Replace('/', '-')}");
    }

    private async Task ApplyAsync(IPage phone, Simulation.Resident resident)
    {
        await phone.FillAsync("#name", resident.Name.Full);
        await phone.FillAsync("#documentNumber", resident.Document.Normalized);
        await ChooseAsync(phone, "stayingAt.area", "990000", "990100", "990102");
        await phone.FillAsync("#stayingSince", "2026-01-15");
        // Not agreed yet: refused in place, and nothing that was filled in is lost.
        await phone.ClickAsync("#apply button[type=submit]");
        await Expect(phone.Locator("#problem")).ToHaveAttributeAsync("data-problem", "consent-missing");
        await phone.CheckAsync("#consent");
        await ShootAsync(phone, "apply");
        await phone.ClickAsync("#apply button[type=submit]");
    }

    private async Task RecordDiagnosisAsync(Simulation.Resident resident)
    {
        var desk = await DeskAsync("/staff/cases", Roles.Epidemiologist);
        await desk.FillAsync("#documentNumber", resident.Document.Normalized);
        await desk.FillAsync("#institution", "示例市第一医院");
        // The region of these tests may be ahead of the browser's clock, never behind it.
        await desk.ClickAsync("#record-case button[type=submit]");
        await Expect(desk.Locator("#cases tbody tr").First).ToContainTextAsync(resident.Name.Masked);
        await ShootAsync(desk, "staff-cases");
    }

    /// <summary>A guard's phone whose camera sees the resident's.</summary>
    private async Task ScanWithCameraAsync(IPage phone, string result)
    {
        var code = await phone.Locator("#code").GetAttributeAsync("data-code");
        var film = Path.Combine(folder, Guid.NewGuid() + ".y4m");
        await CameraFilm.WriteAsync(film, code!);
        await using var camera = await LaunchAsync(
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--use-file-for-fake-video-capture=" + film);
        var page = await GuardPageAsync(camera, region.Place);
        await Expect(page.Locator($"#checkpoint[data-result={result}]")).ToBeVisibleAsync(new() { Timeout = 20_000 });
        await ShootAsync(page, "check-" + result);
    }

    private async Task<IPage> GuardPageAsync(IBrowser with, string place)
    {
        var context = await with.NewContextAsync(new()
        {
            ViewportSize = new() { Width = 390, Height = 844 }, Locale = "zh-CN", Permissions = ["camera"],
        });
        var page = await context.NewPageAsync();
        await page.GotoAsync(Url("/check/place?id=" + place));
        await SignInStaffAsync(page, "test-guard");
        await Expect(page.Locator("#place-name")).Not.ToBeEmptyAsync();
        return page;
    }

    private async Task<IPage> DeskAsync(string path, string user)
    {
        var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = 1280, Height = 800 }, Locale = "zh-CN" });
        var page = await context.NewPageAsync();
        await page.GotoAsync(Url(path));
        await SignInStaffAsync(page, user);
        return page;
    }

    private async Task SignInStaffAsync(IPage page, string user)
    {
        await page.FillAsync("#userName", user);
        await page.FillAsync("#password", region.Password);
        await page.ClickAsync("#staff-sign-in button[type=submit]");
        await Expect(page.Locator("body[data-signed-in=yes]")).ToBeVisibleAsync();
    }

    private async Task SignInAsync(IPage phone, string number)
    {
        await phone.GotoAsync(Url("/sign-in"));
        await phone.FillAsync("#phone", number);
        await phone.ClickAsync("#ask-code button[type=submit]");
        await Expect(phone.Locator("#shown-message")).ToContainTextAsync("验证码");
        var message = await phone.Locator("#shown-message").TextContentAsync();
        await phone.FillAsync("#code", message!.Split("验证码 ")[1][..6]);
        await phone.ClickAsync("#sign-in button[type=submit]");
        await Expect(phone.Locator("body:not([data-page=sign-in])")).ToBeVisibleAsync();
    }

    private static async Task ChooseAsync(IPage page, string name, params string[] codes)
    {
        for (var level = 0; level < codes.Length; level++)
            await page.Locator($"[data-division=\"{name}\"] select[data-level=\"{level}\"]").SelectOptionAsync(codes[level]);
    }

    private Task<IPage> PhoneAsync() => PageAsync(360);

    private async Task<IPage> PageAsync(int width)
    {
        var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = 780 }, Locale = "zh-CN" });
        return await context.NewPageAsync();
    }

    /// <summary>A resident's phone that shows a live code and whose clocks the test moves.</summary>
    private async Task<IPage> PhoneWithCodeAsync(int hoursWrong)
    {
        var (session, resident) = await region.AppliedAsync();
        session.Dispose();
        var phone = await PhoneAsync();
        await phone.Clock.InstallAsync(new() { TimeDate = region.Time.GetUtcNow().UtcDateTime.AddHours(hoursWrong) });
        await SignInAsync(phone, resident.Phone.Normalized);
        await Expect(phone.Locator("#code[data-state=live]")).ToBeVisibleAsync();
        return phone;
    }

    private string ChinaMinute(int later) => region.Time.GetUtcNow().ToOffset(TimeSpan.FromHours(8)).AddMinutes(later)
        .ToString("yyyy年M月d日 HH:mm", System.Globalization.CultureInfo.InvariantCulture);

    private Task<IBrowser> LaunchAsync(params string[] more) => playwright.Chromium.LaunchAsync(new()
    {
        ExecutablePath = "/usr/bin/chromium", Args = [.. Arguments, .. more],
    });

    private string Url(string path) => new Uri(region.Address, path).ToString();

    private static async Task ShootAsync(IPage page, string name)
    {
        if (Screenshots is not null)
            await page.ScreenshotAsync(new() { Path = Path.Combine(Screenshots, name + ".png"), FullPage = true });
    }
}
