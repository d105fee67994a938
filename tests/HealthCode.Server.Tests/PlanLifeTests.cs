using System.Net;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Cli;
using HealthCode.Domain;
using HealthCode.Server.Demo;
using HealthCode.Server.People;
using HealthCode.Server.Plans;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Server.Tests;

/// <summary>The life of an edition with two officers: draft, trial, approval, force, succession.</summary>
[Collection("a region whose plan changes")]
public sealed class PlanLifeTests(PlanRegion plan)
{
    private TestRegion Region => plan.Region;

    private static string Approval(DraftState draft) => PlanRegion.Path(Routes.DraftApproval, draft.Draft.Id);

    [Fact]
    public async Task A_new_edition_shows_at_the_very_next_display_survives_a_restart_and_the_old_decision_is_explained_by_the_old_one()
    {
        using var author = await Region.StaffAsync(Roles.PlanOfficer);
        using var second = await Region.StaffAsync(PlanRegion.Second);
        await PlanRegion.ApproveAsync(second, await plan.TriedAsync(author, fever: "yellow"));
        var (session, resident) = await Region.AppliedAsync();
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.2m, "no"));
        var before = await session.GetAsync<CodeState>(Routes.MyCode);
        Assert.Equal("yellow", before.Colour);
        var explained = Region.Time.GetUtcNow();
        // Which edition decides is a matter of minutes: the next one is another.
        Region.Time.Move(TimeSpan.FromMinutes(2));

        var draft = await plan.TriedAsync(author);
        await PlanRegion.ApproveAsync(second, draft);

        var after = await session.GetAsync<CodeState>(Routes.MyCode);
        Assert.Equal(("red", draft.Draft.Edition), (after.Colour, after.Edition.Id));
        Assert.Equal("red", Assert.Single(after.Reasons).Colour);
        var inForce = await session.GetAsync<PlanState>(Routes.PlanInForce);
        Assert.Equal((draft.Draft.Edition, "in-force"), (inForce.Edition.Id, inForce.State));
        Assert.Equal("past", (await session.GetAsync<PlanState>(PlanRegion.Path(Routes.Plan, before.Edition.Id))).State);

        await Region.RestartAsync();
        using var again = await Region.ResidentAsync(resident.Phone.Normalized);
        Assert.Equal(("red", draft.Draft.Edition), ((await again.GetAsync<CodeState>(Routes.MyCode)) is var code ? (code.Colour, code.Edition.Id) : default));

        var person = Region.Services.GetRequiredService<PeopleDirectory>().PersonOf(resident.Document).ToString();
        Assert.Matches($"edition +{before.Edition.Id} [\\s\\S]*colour +Yellow", await RunAsync("explain", person, "--at", explained.ToString("O", null)));
        Assert.Matches($"edition +{draft.Draft.Edition} [\\s\\S]*colour +Red", await RunAsync("explain", person, "--at", Region.Time.GetUtcNow().ToString("O", null)));
    }

    [Fact]
    public async Task A_planned_edition_is_the_next_change_and_can_be_withdrawn_until_it_begins()
    {
        using var author = await Region.StaffAsync(Roles.PlanOfficer);
        using var second = await Region.StaffAsync(PlanRegion.Second);
        var (session, _) = await Region.AppliedAsync();
        var from = Region.Time.GetUtcNow().AddHours(30);
        var id = plan.NextId();
        await PlanRegion.ApproveAsync(second, await plan.TriedAsync(author, id), from);

        var planned = Assert.Single(await session.GetAsync<IReadOnlyList<EditionSummary>>(Routes.Plans), edition => edition.Id == id);
        Assert.Equal("planned", planned.State);
        Assert.Equal(planned.InForceFrom, (await session.GetAsync<CodeState>(Routes.MyCode)).NextChange);

        var withdrawal = PlanRegion.Path(Routes.PlanWithdrawal, id);
        Assert.Equal("reason-missing", await author.RefusedAsync(withdrawal, new EditionWithdrawal(" ")));
        await author.MustAsync(HttpStatusCode.OK, withdrawal, new EditionWithdrawal("another plan came first"));
        Assert.DoesNotContain(await session.GetAsync<IReadOnlyList<EditionSummary>>(Routes.Plans), edition => edition.Id == id);
        Assert.Equal("edition-unknown", await author.RefusedAsync(withdrawal, new EditionWithdrawal("again")));
        var history = await author.GetAsync<IReadOnlyList<PlanFactState>>(Routes.PlanHistory);
        Assert.Equal(["withdrawn", "approved"], history.Where(fact => fact.Edition == id).Select(fact => fact.What));

        // Its id is free again, and this time it begins.
        await PlanRegion.ApproveAsync(second, await plan.TriedAsync(author, id), Region.Time.GetUtcNow().AddMinutes(3));
        Region.Time.Move(TimeSpan.FromMinutes(5));
        Assert.Equal(id, (await session.GetAsync<CodeState>(Routes.MyCode)).Edition.Id);
        Assert.Equal("edition-has-begun", await author.RefusedAsync(withdrawal, new EditionWithdrawal("too late")));
    }

    [Fact]
    public async Task Nothing_is_approved_that_is_not_valid_tried_and_seen_by_a_second_person()
    {
        using var author = await Region.StaffAsync(Roles.PlanOfficer);
        using var second = await Region.StaffAsync(PlanRegion.Second);
        var draft = await PlanRegion.BeginAsync(author);
        DraftApproval Now(DateTimeOffset? from = null) => new(draft.Draft.Version, from, "fine");

        Assert.Equal("same-person", await author.RefusedAsync(Approval(draft), Now()));
        Assert.Equal("reason-missing", await second.RefusedAsync(Approval(draft), new DraftApproval(draft.Draft.Version, null, "")));
        Assert.Equal("draft-changed", await second.RefusedAsync(Approval(draft), new DraftApproval(draft.Draft.Version + 1, null, "fine")));
        Assert.Equal("draft-unknown", await second.RefusedAsync(PlanRegion.Path(Routes.DraftApproval, Guid.NewGuid()), Now()));

        var id = plan.NextId();
        var text = await PlanRegion.FeverIsRedAsync(author, id);
        draft = await PlanRegion.SaveAsync(author, draft, text.Replace("feverFrom: 373", "feverFrom: hot", StringComparison.Ordinal), PlanRegion.Cases);
        var problem = Assert.Single((await ProblemAsync(second, Approval(draft), Now(), "edition-invalid")).Problems!);
        Assert.Equal((text.Split('\n').Index().First(line => line.Item.StartsWith("feverFrom", StringComparison.Ordinal)).Index + 1, 12), (problem.Line, problem.Column));
        Assert.Equal("edition-invalid", await author.RefusedAsync(PlanRegion.Path(Routes.DraftWhatIf, draft.Draft.Id), new WhatIfRequest(draft.Draft.Version, null)));

        draft = await PlanRegion.SaveAsync(author, draft, text, "");
        Assert.Equal("cases-missing", await second.RefusedAsync(Approval(draft), Now()));
        draft = await PlanRegion.SaveAsync(author, draft, text, PlanRegion.Cases.Replace("2    reports normal  red     Y2", "2    reports normal  green   -", StringComparison.Ordinal));
        Assert.Equal(4, Assert.Single((await ProblemAsync(second, Approval(draft), Now(), "cases-failed")).Problems!).Line);
        draft = await PlanRegion.SaveAsync(author, draft, text, PlanRegion.Cases);
        Assert.Equal("not-tried", await second.RefusedAsync(Approval(draft), Now()));

        Assert.Equal("done", (await PlanRegion.TryAsync(author, draft)).State);
        draft = await PlanRegion.SaveAsync(author, draft, text + "# one more word\n", PlanRegion.Cases);
        Assert.Equal("not-tried", await second.RefusedAsync(Approval(draft), Now()));
        await PlanRegion.TryAsync(author, draft);
        Assert.Equal("in-force-in-the-past", await second.RefusedAsync(Approval(draft), Now(Region.Time.GetUtcNow().AddMinutes(-2))));

        // Whoever mends it last is not a second person any more.
        draft = await PlanRegion.SaveAsync(second, draft, text, PlanRegion.Cases);
        await PlanRegion.TryAsync(second, draft);
        Assert.Equal("same-person", await second.RefusedAsync(Approval(draft), Now()));
        Assert.Equal("same-person", await author.RefusedAsync(Approval(draft), Now()));
        draft = await PlanRegion.SaveAsync(author, draft, text + "# mine again\n", PlanRegion.Cases);
        await PlanRegion.TryAsync(author, draft);

        var approved = await PlanRegion.ApproveAsync(second, draft);
        Assert.Equal(("approved", PlanRegion.Second), (approved.Draft.State, approved.Draft.ApprovedBy));
        // An answer that was lost is asked for again and written once.
        await PlanRegion.ApproveAsync(second, draft);
        Assert.Single(await author.GetAsync<IReadOnlyList<PlanFactState>>(Routes.PlanHistory), fact => fact.Edition == id);
        Assert.Equal("draft-closed", await author.RefusedAsync(PlanRegion.Path(Routes.Draft, draft.Draft.Id), new DraftSave(approved.Draft.Version, text, "")));
        var twin = await TwinOfAsync(author, id);
        Assert.Equal("edition-exists", await second.RefusedAsync(Approval(twin), new DraftApproval(twin.Draft.Version, null, "fine")));
    }

    [Fact]
    public async Task Of_two_who_save_the_same_version_the_second_is_told_and_nothing_is_overwritten()
    {
        using var author = await Region.StaffAsync(Roles.PlanOfficer);
        using var second = await Region.StaffAsync(PlanRegion.Second);
        var draft = await PlanRegion.BeginAsync(author);
        var path = PlanRegion.Path(Routes.Draft, draft.Draft.Id);
        await PlanRegion.SaveAsync(second, draft, draft.Text + "# theirs\n", "");

        Assert.Equal("draft-changed", await author.RefusedAsync(path, new DraftSave(draft.Draft.Version, draft.Text + "# mine\n", "")));
        Assert.EndsWith("# theirs\n", (await author.GetAsync<DraftState>(path)).Text, StringComparison.Ordinal);
        Assert.Equal("text-too-long", await author.RefusedAsync(path, new DraftSave(2, new string('x', 100_001), "")));
        Assert.Equal("draft-changed", await author.RefusedAsync(PlanRegion.Path(Routes.DraftDiscard, draft.Draft.Id), new DraftDiscard(1)));
        await author.MustAsync(HttpStatusCode.NoContent, PlanRegion.Path(Routes.DraftDiscard, draft.Draft.Id), new DraftDiscard(2));
        Assert.Equal("draft-closed", await author.RefusedAsync(PlanRegion.Path(Routes.DraftWhatIf, draft.Draft.Id), new WhatIfRequest(2, null)));
        Assert.Equal("edition-unknown", await author.RefusedAsync(Routes.Drafts, new DraftRequest("../secrets")));
    }

    [Fact]
    public async Task One_trial_runs_at_a_time_and_its_numbers_are_those_of_every_single_person()
    {
        using var author = await Region.StaffAsync(Roles.PlanOfficer);
        var seed = Region.Services.GetRequiredService<DemoSeed>();
        await seed.FillAsync(new Progress<int>(), TestContext.Current.CancellationToken);
        var draft = await PlanRegion.BeginAsync(author);
        draft = await PlanRegion.SaveAsync(author, draft, (await PlanRegion.FeverIsRedAsync(author, plan.NextId()))
            .Replace("declared: [symptoms]", "missedReports: 1", StringComparison.Ordinal), PlanRegion.Cases);
        var path = PlanRegion.Path(Routes.DraftWhatIf, draft.Draft.Id);
        Assert.Equal("date-impossible", await author.RefusedAsync(path, new WhatIfRequest(draft.Draft.Version, new DateOnly(2060, 1, 1))));

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            using var answer = await author.PostAsync(path, new WhatIfRequest(draft.Draft.Version, null));
            return answer.StatusCode == HttpStatusCode.Accepted ? "" : await TestSession.RefusalOf(answer);
        }));
        Assert.Contains("", answers);
        Assert.Contains("whatif-running", answers);
        while ((await author.GetAsync<WhatIfState>(Routes.WhatIf)).State == "running")
            await Task.Delay(20, TestContext.Current.CancellationToken);

        var answer = (await PlanRegion.TryAsync(author, draft)).Answer!;
        var now = Minute.Of(answer.At);
        var board = Region.Services.GetRequiredService<PlanBoard>();
        var policy = Region.Services.GetRequiredService<PlanDrafts>().Check(new(draft.Text, "")).Policy!;
        var people = Region.Services.GetRequiredService<PeopleDirectory>();
        var areas = Region.Services.GetRequiredService<Areas.AreaRiskBoard>().Current;
        var counted = new Dictionary<(string, string), long>();
        for (var index = 0; index < Region.City.Residents; index++)
        {
            var record = await people.RecordAsync(seed.PersonOf(index));
            if (record.All.Count == 0)
                continue;
            var way = (Words.ColourOf(board.Current.Decide(record.Facts, areas, now).Colour), Words.ColourOf(policy.Decide(record.Facts, areas, now).Colour));
            counted[way] = counted.GetValueOrDefault(way) + 1;
        }
        Assert.Equal(counted.Values.Sum(), answer.People);
        Assert.All(answer.Colours, colour => Assert.Equal(counted.GetValueOrDefault((colour.From, colour.To)), colour.People));
        Assert.True(answer.Changed > 0);
    }

    [Fact]
    public async Task The_command_line_lists_checks_and_tries_beside_the_running_region()
    {
        using var author = await Region.StaffAsync(Roles.PlanOfficer);
        var folder = Directory.CreateTempSubdirectory("healthcode-edition-").FullName;
        try
        {
            var file = Path.Combine(folder, "try.yaml");
            Directory.CreateDirectory(Path.Combine(folder, "cases"));
            await File.WriteAllTextAsync(file, await PlanRegion.FeverIsRedAsync(author, "try"), TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder, "cases", "try.txt"), PlanRegion.Cases, TestContext.Current.CancellationToken);

            Assert.Contains("1 of 1 cases pass", await RunAsync("edition", "check", file), StringComparison.Ordinal);
            Assert.Contains("IN FORCE", await RunAsync("edition", "list"), StringComparison.Ordinal);
            var tried = await RunAsync("whatif", file);
            Assert.Matches(@"try against \S+, with what was known at", tried);
            Assert.Matches(@"from \\ to +Green +Yellow +Red", tried);
            Assert.Contains("try against hangzhou-2020-02", await RunAsync("whatif", file, "--at", "2026-01-31"), StringComparison.Ordinal);

            await File.WriteAllTextAsync(file, "id: try\nrules: []\n", TestContext.Current.CancellationToken);
            Assert.Matches(@"try\.yaml:\d+:\d+: ", await RunAsync("edition", "check", file));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Another draft with an id that was approved.</summary>
    private static async Task<DraftState> TwinOfAsync(TestSession author, string id)
    {
        var twin = await PlanRegion.BeginAsync(author);
        twin = await PlanRegion.SaveAsync(author, twin, await PlanRegion.FeverIsRedAsync(author, id), PlanRegion.Cases);
        await PlanRegion.TryAsync(author, twin);
        return twin;
    }

    private static async Task<Problem> ProblemAsync(TestSession session, string path, DraftApproval body, string refusal)
    {
        using var answer = await session.PostAsync(path, body);
        var problem = JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(), ApiJson.Default.Problem)!;
        Assert.Equal(Refusals.TypePrefix + refusal, problem.Type);
        return problem;
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        var (output, before) = (new StringWriter(), Console.Out);
        Console.SetOut(output);
        try
        {
            await Commands.Root().Parse([.. arguments, "--data", Region.Data, "--partitions", "16"]).InvokeAsync();
        }
        finally
        {
            Console.SetOut(before);
        }
        return output.ToString();
    }
}
