using System.Net;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using HealthCode.Api;
using HealthCode.Server.Demo;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace HealthCode.Server.Tests;

/// <summary>Two officers at their desks, a resident with a phone, and everybody who reads the rules.</summary>
[Collection("a region whose plan changes")]
public sealed class PlanBrowserTests(PlanRegion plan) : IAsyncLifetime
{
    private static readonly string[] Arguments =
        ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

    private static readonly string? Screenshots = Environment.GetEnvironmentVariable("HEALTHCODE_SCREENSHOTS");

    private readonly List<string> errors = [];
    private IPlaywright playwright = null!;
    private IBrowser browser = null!;

    private TestRegion Region => plan.Region;

    public async ValueTask InitializeAsync()
    {
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = "/usr/bin/chromium", Args = Arguments });
    }

    public async ValueTask DisposeAsync()
    {
        await browser.DisposeAsync();
        playwright.Dispose();
    }

    [Fact]
    public async Task An_officer_writes_and_tries_a_second_one_approves_and_the_residents_next_display_is_by_the_new_edition()
    {
        using var reporter = await FeverishAsync();
        var id = plan.NextId();
        var desk = await DeskAsync(Roles.PlanOfficer, "/staff/plans", 1280, 900);
        await ShootAsync(desk, "plans-list");
        await desk.Locator("#editions tr[data-state=in-force] button").First.ClickAsync();
        await Expect(desk.Locator("#editor")).ToBeVisibleAsync();
        await Expect(desk.Locator("#check-state[data-check=fine]")).ToBeVisibleAsync();

        // A mistake is named with its line and column, which lead to it.
        var text = await PlanRegion.FeverIsRedAsync(reporter, id);
        await desk.FillAsync("#text", text.Replace("feverFrom: 373", "feverFrom: hot", StringComparison.Ordinal));
        var line = text.Split('\n').Index().First(line => line.Item.StartsWith("feverFrom", StringComparison.Ordinal)).Index + 1;
        await Expect(desk.Locator("#problems")).ToContainTextAsync($"{line}:12");
        await ShootAsync(desk, "plans-mistake");
        await desk.Locator("#problems button").First.ClickAsync();
        var cursor = await desk.EvaluateAsync<int>("document.querySelector('#text').selectionStart");
        Assert.StartsWith("hot", text.Replace("feverFrom: 373", "feverFrom: hot", StringComparison.Ordinal)[cursor..], StringComparison.Ordinal);

        // Mended; one case fails and says where; then none does.
        await desk.FillAsync("#text", text);
        await desk.FillAsync("#cases", PlanRegion.Cases.Replace("red     Y2", "green   -", StringComparison.Ordinal));
        await Expect(desk.Locator("#case-results li.fails")).ToContainTextAsync("expected green -, but it is red Y2");
        await desk.FillAsync("#cases", PlanRegion.Cases);
        await Expect(desk.Locator("#case-results li.passes")).ToHaveCountAsync(1);
        await Expect(desk.Locator("#diff .added").First).ToBeVisibleAsync();

        await desk.ClickAsync("#what-if button[type=submit]");
        await Expect(desk.Locator("#what-if-state[data-trial=done]")).ToBeVisibleAsync();
        await Expect(desk.Locator("#answer [data-way=yellow-red], #answer [data-way=red-red]").First).ToBeVisibleAsync();
        await Expect(desk.Locator("#approve-needs [data-need=tried].passes")).ToBeVisibleAsync();
        await CheckPageAsync(desk);
        await ShootAsync(desk, "plans-editor");
        await desk.FillAsync("#reason", "approve my own");
        await desk.ClickAsync("#approve button[type=submit]");
        await Expect(desk.Locator("#problem")).ToHaveAttributeAsync("data-problem", "same-person");

        var second = await DeskAsync(PlanRegion.Second, new Uri(desk.Url).PathAndQuery, 1280, 900);
        await Expect(second.Locator("#approve-needs .passes")).ToHaveCountAsync(5);
        await second.FillAsync("#reason", "试算结果已讨论");
        await second.ClickAsync("#approve button[type=submit]");
        await Expect(second.Locator($"#editions tr[data-edition={id}][data-state=in-force]")).ToBeVisibleAsync();
        await ShootAsync(second, "plans-approved");

        var code = await reporter.GetAsync<CodeState>(Routes.MyCode);
        Assert.Equal(("red", id), (code.Colour, code.Edition.Id));
        Assert.Empty(errors);
    }

    [Fact]
    public async Task What_was_typed_survives_a_reload_and_two_who_edit_lose_nothing()
    {
        using var author = await Region.StaffAsync(Roles.PlanOfficer);
        var draft = await PlanRegion.BeginAsync(author);
        var desk = await DeskAsync(Roles.PlanOfficer, "/en/staff/plans?draft=" + draft.Draft.Id, 1280, 900);
        await desk.FillAsync("#text", draft.Text + "# mine\n");
        await Expect(desk.Locator("#check-state[data-check=fine]")).ToBeVisibleAsync();
        await desk.ReloadAsync();
        await Expect(desk.Locator("#saved")).ToContainTextAsync("not saved is here again");
        Assert.EndsWith("# mine\n", await desk.InputValueAsync("#text"), StringComparison.Ordinal);

        using var second = await Region.StaffAsync(PlanRegion.Second);
        await PlanRegion.SaveAsync(second, draft, draft.Text + "# theirs\n", "");
        await desk.ClickAsync("#save");
        await Expect(desk.Locator("#problem")).ToHaveAttributeAsync("data-problem", "draft-changed");
        await Expect(desk.Locator("#conflict-diff .removed")).ToContainTextAsync("# theirs");
        await Expect(desk.Locator("#conflict-diff .added").First).ToContainTextAsync("# mine");
        await ShootAsync(desk, "plans-conflict-en");
        await desk.ClickAsync("#keep-mine");
        await desk.ClickAsync("#save");
        await Expect(desk.Locator("#saved")).ToContainTextAsync("Version 3 saved");
        Assert.EndsWith("# mine\n", (await author.GetAsync<DraftState>(PlanRegion.Path(Routes.Draft, draft.Draft.Id))).Text, StringComparison.Ordinal);
        Assert.Empty(errors);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/en")]
    public async Task The_editor_works_on_a_phone_and_the_rule_book_shows_every_edition_with_its_cases(string prefix)
    {
        using var author = await Region.StaffAsync(Roles.PlanOfficer);
        using var second = await Region.StaffAsync(PlanRegion.Second);
        await Region.Services.GetRequiredService<DemoSeed>().FillAsync(new Progress<int>(), TestContext.Current.CancellationToken);
        var draft = await PlanRegion.BeginAsync(author);
        var text = (await PlanRegion.FeverIsRedAsync(author, plan.NextId())).Replace("declared: [contact]", prefix == "" ? "stayIn: [\"990101\", \"990102\"]" : "stayIn: [\"990103\", \"990104\"]", StringComparison.Ordinal);
        draft = await PlanRegion.SaveAsync(author, draft, text, PlanRegion.Cases);
        await PlanRegion.TryAsync(author, draft);
        var phone = await DeskAsync(Roles.PlanOfficer, $"{prefix}/staff/plans?draft={draft.Draft.Id}", 360, 780);
        await Expect(phone.Locator("#case-results li.passes")).ToHaveCountAsync(1);
        await Expect(phone.Locator("#answer .bar-chart").First).ToBeVisibleAsync();
        await CheckPageAsync(phone);
        await ShootAsync(phone, "plans-phone" + prefix.Replace('/', '-'));
        await PlanRegion.ApproveAsync(second, draft);

        var reader = await PageAsync(360, 780);
        await reader.GotoAsync(Url(prefix + "/rules"));
        await Expect(reader.Locator("#plan-state[data-state=in-force]")).ToBeVisibleAsync();
        await Expect(reader.Locator("#edition-choice")).ToHaveValueAsync(draft.Draft.Edition!);
        await Expect(reader.Locator("[data-rule=Y2] .rule-shape.red")).ToBeVisibleAsync();
        await Expect(reader.Locator("#cases caption")).ToHaveTextAsync("Fever has this colour");
        await CheckPageAsync(reader);
        await ShootAsync(reader, "rules" + prefix.Replace('/', '-'));
        await reader.SelectOptionAsync("#edition-choice", "hangzhou-2020-02");
        await Expect(reader.Locator("#plan-state[data-state=past]")).ToBeVisibleAsync();
        await Expect(reader.Locator("[data-rule=Y2] .rule-shape.yellow")).ToBeVisibleAsync();
        await reader.EmulateMediaAsync(new() { Media = Media.Print });
        await Expect(reader.Locator("#edition-choice")).ToBeHiddenAsync();
        Assert.Empty(errors);
    }

    /// <summary>Somebody with a code who reported a fever.</summary>
    private async Task<TestSession> FeverishAsync()
    {
        var (session, _) = await Region.AppliedAsync();
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.2m, "no"));
        return session;
    }

    private static async Task CheckPageAsync(IPage page)
    {
        var width = await page.EvaluateAsync<int>("document.documentElement.scrollWidth");
        Assert.True(width <= page.ViewportSize!.Width, $"{page.Url} is {width} pixels wide");
        var axe = await page.RunAxe(new AxeRunOptions { RunOnly = new RunOnlyOptions { Type = "tag", Values = ["wcag2a", "wcag2aa"] } });
        Assert.True(axe.Violations.Length == 0, string.Join("; ", axe.Violations.Select(found => $"{found.Id} {found.Nodes[0].Html}")));
    }

    private async Task<IPage> DeskAsync(string user, string path, int width, int height)
    {
        var page = await PageAsync(width, height);
        await page.GotoAsync(Url(path));
        await page.FillAsync("#userName", user);
        await page.FillAsync("#password", Region.Password);
        await page.ClickAsync("#staff-sign-in button[type=submit]");
        await Expect(page.Locator("body[data-signed-in=yes]")).ToBeVisibleAsync();
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        return page;
    }

    private async Task<IPage> PageAsync(int width, int height)
    {
        var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = height }, Locale = "zh-CN" });
        var page = await context.NewPageAsync();
        page.PageError += (_, error) => errors.Add(error);
        page.Console += (_, message) =>
        {
            // Chromium itself writes a line for each refused request; refusals are shown on the page.
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
                errors.Add(message.Text);
        };
        return page;
    }

    private string Url(string path) => new Uri(Region.Address, path).ToString();

    private static async Task ShootAsync(IPage page, string name)
    {
        if (Screenshots is not null)
            await page.ScreenshotAsync(new() { Path = Path.Combine(Screenshots, name + ".png"), FullPage = true });
    }
}
