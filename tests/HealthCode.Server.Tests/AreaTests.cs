using System.Net;
using System.Text;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Areas;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Server.Tests;

/// <summary>The risk map over HTTP: compounds and buildings, files of risks, and what was known when.</summary>
[Collection("one region, one clock")]
public sealed class AreaTests(TestRegion region)
{
    // Nobody else's tests happen in these counties.
    private const string Committee = "990104001001";
    private const string Elsewhere = "990103";

    [Fact]
    public async Task A_compound_at_risk_concerns_those_who_live_in_it_and_not_the_rest_of_the_committee()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var compound = await AddAsync(epidemiologist, Committee, "桂花苑", "Osmanthus Court");
        var building = await AddAsync(epidemiologist, compound.Code, "3 号楼", "Building 3");
        Assert.StartsWith(Committee, compound.Code, StringComparison.Ordinal);
        Assert.Equal((15, compound.Code + "001"), (compound.Code.Length, building.Code));

        var (there, _) = await region.AppliedAsync(building.Code);
        var (neighbour, _) = await region.AppliedAsync(Committee);
        await epidemiologist.MustAsync(HttpStatusCode.Created, Routes.AreaRisks, new AreaRiskRequest(compound.Code, "high", null, null, "小区内聚集性疫情"));

        Assert.Equal("red", (await there.GetAsync<CodeState>(Routes.MyCode)).Colour);
        Assert.Equal("green", (await neighbour.GetAsync<CodeState>(Routes.MyCode)).Colour);
        var stay = Assert.Single((await there.GetAsync<HistoryState>(Routes.MyHistory)).Evidence, evidence => evidence.Kind == "stay");
        Assert.Contains("第1社区桂花苑3 号楼", stay.Detail!.Zh, StringComparison.Ordinal);
        Assert.Contains("Building 3, Osmanthus Court, Community 1", stay.Detail!.En, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_free_form_area_shows_at_once_has_its_number_from_the_server_and_is_added_once()
    {
        const string committee = "990104002002";
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        Assert.False((await ChildrenAsync("990104002")).Single(child => child.Code == committee).HasChildren);

        var first = await AddAsync(epidemiologist, committee, "幸福里", "Xingfuli");
        var second = await AddAsync(epidemiologist, committee, "和平里", "Hepingli");
        var again = await epidemiologist.MustAsync<DivisionState>(HttpStatusCode.OK, Routes.Divisions, new FreeAreaRequest(committee, new("幸福里 ", "Xingfuli")));
        Assert.Equal((committee + "001", committee + "002", committee + "001"), (first.Code, second.Code, again.Code));
        Assert.Equal(["幸福里", "和平里"], (await ChildrenAsync(committee)).Select(child => child.Name));
        Assert.True((await ChildrenAsync("990104002")).Single(child => child.Code == committee).HasChildren);

        // Another start finds them again.
        using var started = new AreaDirectory(Divisions.BuiltIn.With(Simulation.City.Divisions), region.Services.GetRequiredService<RegionStores>());
        await started.CatchUpAsync(default);
        Assert.Equal("幸福里", started.Current.Children(Area(committee)).First().Name);

        var building = await AddAsync(epidemiologist, first.Code, "1 幢", "Block 1");
        Assert.Equal("area-name-taken", await epidemiologist.RefusedAsync(Routes.Divisions, new FreeAreaRequest(committee, new("幸福里", "Happiness"))));
        Assert.Equal("area-not-divided", await epidemiologist.RefusedAsync(Routes.Divisions, new FreeAreaRequest(building.Code, new("一", "One"))));
        Assert.Equal("area-not-divided", await epidemiologist.RefusedAsync(Routes.Divisions, new FreeAreaRequest("990104", new("一", "One"))));
        Assert.Equal("area-unknown", await epidemiologist.RefusedAsync(Routes.Divisions, new FreeAreaRequest("990104001099", new("一", "One"))));
        Assert.Equal("field-missing", await epidemiologist.RefusedAsync(Routes.Divisions, new FreeAreaRequest(committee, new("", "One"))));
        Assert.Equal("text-too-long", await epidemiologist.RefusedAsync(Routes.Divisions, new FreeAreaRequest(committee, new("一", new string('x', 61)))));
    }

    [Fact]
    public async Task Many_added_at_once_get_different_numbers()
    {
        const string committee = "990104003003";
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var added = await Task.WhenAll(Enumerable.Range(1, 20).Select(number => AddAsync(epidemiologist, committee, $"{number} 号院", $"Yard {number}")));
        Assert.Equal(20, added.Select(area => area.Code).Distinct().Count());
        Assert.Equal(20, (await ChildrenAsync(committee)).Count);
    }

    [Fact]
    public async Task After_the_last_number_nothing_more_can_be_added()
    {
        var backOffice = region.Services.GetRequiredService<IDbContextFactory<BackOfficeContext>>();
        var committee = Area("990104004004");
        await using (var context = await backOffice.CreateDbContextAsync())
        {
            context.FreeAreas.AddRange(Enumerable.Range(1, 998).Select(number => new FreeArea { Code = committee.Below(number).Value, NameZh = $"{number} 号", NameEn = $"No. {number}" }));
            await context.SaveChangesAsync();
        }
        using var started = new AreaDirectory(Divisions.BuiltIn.With(Simulation.City.Divisions), region.Services.GetRequiredService<RegionStores>());
        await started.CatchUpAsync(default);

        var last = await started.AddAsync(committee, new("末", "Last"), "somebody", region.Time.GetUtcNow(), default);
        Assert.Equal((committee.Below(999), true, null), (last.Area!.Code, last.IsNew, last.Refusal));
        Assert.Equal(Refusals.AreaFull, (await started.AddAsync(committee, new("外", "Beyond"), "somebody", region.Time.GetUtcNow(), default)).Refusal);
    }

    [Fact]
    public async Task The_regions_own_areas_are_given_down_to_the_committees_each_with_the_one_it_lies_in()
    {
        using var anyone = region.Anonymous();
        var areas = await anyone.GetAsync<RegionAreas>(Routes.Areas);
        Assert.Equal(("990100", new Text("示例市", "Example City")), (areas.Region.Code, areas.Region.Name));
        Assert.Equal(8 + (8 * 4) + (8 * 4 * 10), areas.Areas.Count);
        Assert.Equal("990104001", areas.Areas.Single(area => area.Code == Committee).Parent);
        Assert.Equal("990100", areas.Areas.Single(area => area.Code == "990104").Parent);
    }

    [Fact]
    public async Task A_file_sets_its_good_rows_in_one_append_and_names_the_line_of_each_bad_one()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        const string file = """
            area,level,from,until,reason,remark
            990103001,high,2026-03-01,2026-03-15,"聚集性疫情, 封控",南浦
            990103002,medium,2026-03-01T08:00+08:00,2026-03-15,管控
            990103999,high,2026-03-01,,没有这个街道
            990103003,severe,2026-03-01,,等级未知
            990103003,low,01/03/2026,,日期格式

            990103003,low,2026-03-02,2026-03-01,颠倒
            990103003,low,,,没有开始
            990103003,low,1999-01-01,,太早
            990103004,low,2026-03-01,,
            990103004,"low,2026-03-01,,引号没有关上
            990103004,low,2026-03-01,,逗号,太多,列
            990103001,high,2026-03-01,2026-03-20,重复
            99,high,2026-03-01,,整个省
            990103001001,low,2026-03-01 09:30,,社区
            """;
        var before = await AppendsAsync();
        var report = await ImportAsync(epidemiologist, file.Replace("\n", "\r\n", StringComparison.Ordinal));

        Assert.Equal((14, 3, 0), (report.Rows, report.Set, report.Unchanged));
        Assert.Equal(before + 1, await AppendsAsync());
        Assert.Equal(
            [(4, "area", "area-unknown"), (5, "level", "level-unknown"), (6, "from", "field-invalid"), (8, "until", "date-impossible"),
             (9, "from", "field-missing"), (10, "from", "date-impossible"), (11, "reason", "reason-missing"), (12, null, "row-malformed"),
             (13, null, "row-malformed"), (14, null, "row-repeated"), (15, "area", "area-unknown")],
            report.Problems.Select(problem => (problem.Line, problem.Column, problem.Type[Refusals.TypePrefix.Length..])));

        var set = (await HistoryOfAsync(epidemiologist, "990103001001")).Where(change => change.Reason is "聚集性疫情, 封控" or "社区").ToList();
        Assert.Equal(["2026-03-01T09:30:00.0000000+08:00", "2026-03-01T00:00:00.0000000+08:00"], set.Select(change => change.From.ToString("O", null)));
        Assert.All(set, change => Assert.Equal(Roles.Epidemiologist, change.SetBy));
    }

    [Fact]
    public async Task The_same_file_twice_changes_nothing_and_one_with_another_end_changes_that_period()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        const string first = "\uFEFFarea,level,from,until,reason\n990103004001,high,2026-04-01,,暴发\n990103004002,medium,2026-04-01,,暴发\n";
        Assert.Equal((2, 0), SetAndUnchanged(await ImportAsync(epidemiologist, first)));
        var appends = await AppendsAsync();
        Assert.Equal((0, 2), SetAndUnchanged(await ImportAsync(epidemiologist, first)));
        Assert.Equal(appends, await AppendsAsync());

        Assert.Equal((1, 1), SetAndUnchanged(await ImportAsync(epidemiologist, first.Replace("high,2026-04-01,,", "high,2026-04-01,2026-04-09,", StringComparison.Ordinal))));
        Assert.Equal([9, null], (await HistoryOfAsync(epidemiologist, "990103004001")).Select(change => change.Until?.Day));

        // Ended by hand: the old file does not bring it back.
        var medium = (await HistoryOfAsync(epidemiologist, "990103004002"))[0];
        await epidemiologist.MustAsync(HttpStatusCode.OK, Routes.AreaRiskEnd.Replace("{risk}", medium.Id, StringComparison.Ordinal), new AreaRiskEnd(null, "解除"));
        Assert.Equal((0, 2), SetAndUnchanged(await ImportAsync(epidemiologist, first)));
        Assert.NotNull((await HistoryOfAsync(epidemiologist, "990103004002"))[0].Until);
    }

    [Theory]
    [InlineData("", "columns-missing")]
    [InlineData("area,level,from,reason\n990103,high,2026-01-01,x\n", "columns-missing")]
    [InlineData("地区,等级,开始,结束,理由\n", "columns-missing")]
    [InlineData("\"area,level,from,until,reason\n", "columns-missing")]
    [InlineData("rows 10001", "rows-too-many")]
    [InlineData("bytes 1048577", "body-too-large")]
    [InlineData("gbk", "file-not-utf8")]
    public async Task A_file_that_cannot_be_read_is_refused_whole(string content, string refusal)
    {
        const string header = "area,level,from,until,reason\n";
        var bytes = content switch
        {
            "rows 10001" => Encoding.UTF8.GetBytes(header + string.Concat(Enumerable.Repeat("990103,high,2026-01-01,,x\n", 10_001))),
            "bytes 1048577" => Encoding.UTF8.GetBytes(header.PadRight(1_048_577)),
            "gbk" => [.. Encoding.UTF8.GetBytes(header + "990103,high,2026-01-01,,"), 0xd2, 0xdf, 0xc7, 0xe9],
            _ => Encoding.UTF8.GetBytes(content),
        };
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        using var answer = await PostFileAsync(epidemiologist, bytes);
        Assert.Equal(refusal, await TestSession.RefusalOf(answer));
    }

    [Fact]
    public async Task A_large_file_is_taken_whole()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var rows = Enumerable.Range(0, 10_000).Select(number => $"990102001001,low,{new DateTime(2021, 1, 1).AddMinutes(number):yyyy-MM-dd'T'HH:mm},2021-02-01,{number}\n");
        Assert.Equal((10_000, 0), SetAndUnchanged(await ImportAsync(epidemiologist, "area,level,from,until,reason\n" + string.Concat(rows))));
    }

    [Fact]
    public async Task When_a_file_is_acknowledged_every_partition_decides_with_it()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var residents = new List<TestSession>();
        for (var number = 1; number <= 4; number++)
            residents.Add((await region.AppliedAsync($"99010200200{number}")).Session);
        Assert.All(await ColoursAsync(residents), colour => Assert.Equal("green", colour));

        var today = region.Time.GetUtcNow().ToOffset(TimeSpan.FromHours(8)).ToString("yyyy-MM-dd", null);
        await ImportAsync(epidemiologist, $"area,level,from,until,reason\n990102002001,high,{today},,x\n990102002002,medium,{today},,x\n990102002003,low,{today},,x\n");
        Assert.Equal(["red", "yellow", "green", "green"], await ColoursAsync(residents));
    }

    [Fact]
    public async Task The_same_submission_twice_at_once_is_set_once()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var (key, request) = (Guid.NewGuid().ToString(), new AreaRiskRequest(Elsewhere + "003003", "low", null, null, "常态化防控"));
        var appends = await AppendsAsync();
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => epidemiologist.MustAsync(HttpStatusCode.Created, Routes.AreaRisks, request, key)));
        Assert.Equal(appends + 1, await AppendsAsync());
        Assert.Single(await HistoryOfAsync(epidemiologist, Elsewhere + "003003"));
    }

    [Fact]
    public async Task After_another_writer_has_written_the_change_stands_beside_the_others()
    {
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var now = Minute.Of(region.Time.GetUtcNow());
        var others = new AreaRisk(Guid.NewGuid(), Area(Elsewhere + "003004"), RiskLevel.Low, now, Minute.Never, "另一节点", "node", now);
        await region.Services.GetRequiredService<IJournal>().AppendAsync(
            JournalStreams.Areas, region.Services.GetRequiredService<AreaRiskBoard>().NextSequence, EvidenceCodec.EncodeRisks([others]), default);

        var (key, request) = (Guid.NewGuid().ToString(), new AreaRiskRequest(Elsewhere + "003004", "low", null, null, "本节点"));
        await epidemiologist.MustAsync(HttpStatusCode.Created, Routes.AreaRisks, request, key);
        Assert.Equal(["本节点", "另一节点"], (await HistoryOfAsync(epidemiologist, Elsewhere + "003004")).Select(change => change.Reason));
    }

    [Fact]
    public async Task What_was_known_then_is_told_apart_from_what_is_known_now()
    {
        const string area = Elsewhere + "003002";
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var begin = region.Time.GetUtcNow();
        var risk = await epidemiologist.MustAsync<AreaRiskState>(
            HttpStatusCode.Created, Routes.AreaRisks, new AreaRiskRequest(area, "high", begin, null, "暴发"));
        var setAt = region.Time.GetUtcNow();
        region.Time.Move(TimeSpan.FromHours(5));
        using var later = await region.StaffAsync(Roles.Epidemiologist);
        await later.MustAsync(
            HttpStatusCode.OK, Routes.AreaRiskEnd.Replace("{risk}", risk.Id, StringComparison.Ordinal), new AreaRiskEnd(begin.AddHours(1), "误报"));

        // Three hours on it was at risk, as known then, and was not, as known now.
        var then = begin.AddHours(3);
        Assert.Equal("暴发", (await RisksAsync(area, at: then, known: then)).Single().Reason);
        Assert.Null((await RisksAsync(area, at: then, known: then)).Single().Until);
        Assert.Empty(await RisksAsync(area, at: then, known: null));
        Assert.Equal("误报", (await RisksAsync(area, at: begin, known: null)).Single().Reason);
        Assert.Empty(await RisksAsync(area, at: then, known: setAt.AddMinutes(-2)));
        Assert.Empty(await RisksAsync(area, at: null, known: null));

        var history = await HistoryOfAsync(later, area);
        Assert.Equal([("误报", Roles.Epidemiologist), ("暴发", Roles.Epidemiologist)], history.Select(change => (change.Reason, change.SetBy)));
        using var anyone = region.Anonymous();
        Assert.All(await HistoryOfAsync(anyone, area), change => Assert.Null(change.SetBy));
        Assert.DoesNotContain("\"setBy\"", await anyone.Client.GetStringAsync(new Uri(Routes.AreaRisks, UriKind.Relative)), StringComparison.Ordinal);

        // Another start reads the same history from the journal.
        var started = new AreaRiskBoard(region.Services.GetRequiredService<IJournal>());
        await started.CatchUpAsync(default);
        var board = region.Services.GetRequiredService<AreaRiskBoard>();
        Assert.Equal(board.History.Changes, started.History.Changes);
        Assert.Equal(board.NextSequence, started.NextSequence);
    }

    [Theory]
    [InlineData("/v1/areas/risks?at=yesterday", "field-invalid")]
    [InlineData("/v1/areas/risks?known=2022-13-01", "field-invalid")]
    [InlineData("/v1/areas/risks?at=1999-01-01", "date-impossible")]
    [InlineData("/v1/areas/000000/history", "area-unknown")]
    [InlineData("/v1/areas/990103099/history", "area-unknown")]
    [InlineData("/v1/divisions?parent=990104001000003", "area-unknown")]
    public async Task What_cannot_be_asked_is_refused_by_name(string path, string refusal)
    {
        using var anyone = region.Anonymous();
        using var answer = await anyone.Client.GetAsync(new Uri(path, UriKind.Relative));
        Assert.Equal(refusal, await TestSession.RefusalOf(answer));
    }

    private static (int Set, int Unchanged) SetAndUnchanged(AreaRiskImport report)
    {
        Assert.Empty(report.Problems);
        return (report.Set, report.Unchanged);
    }

    private static async Task<string[]> ColoursAsync(List<TestSession> residents) =>
        await Task.WhenAll(residents.Select(async resident => (await resident.GetAsync<CodeState>(Routes.MyCode)).Colour));

    private static async Task<AreaRiskImport> ImportAsync(TestSession session, string file)
    {
        using var answer = await PostFileAsync(session, Encoding.UTF8.GetBytes(file));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        return JsonSerializer.Deserialize(text, ApiJson.Default.AreaRiskImport)!;
    }

    private static async Task<HttpResponseMessage> PostFileAsync(TestSession session, byte[] bytes)
    {
        using var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new("text/csv");
        return await session.Client.PostAsync(new Uri(Routes.AreaRiskImport, UriKind.Relative), content);
    }

    private async Task<List<AreaRiskState>> RisksAsync(string area, DateTimeOffset? at, DateTimeOffset? known)
    {
        using var anyone = region.Anonymous();
        var risks = await anyone.GetAsync<IReadOnlyList<AreaRiskState>>($"{Routes.AreaRisks}?at={Iso(at)}&known={Iso(known)}");
        return [.. risks.Where(risk => risk.Area == area)];
    }

    private static string Iso(DateTimeOffset? moment) => moment?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null) ?? "";

    private static async Task<IReadOnlyList<AreaRiskState>> HistoryOfAsync(TestSession session, string area) =>
        await session.GetAsync<IReadOnlyList<AreaRiskState>>(Routes.AreaHistory.Replace("{area}", area, StringComparison.Ordinal));

    private static Task<DivisionState> AddAsync(TestSession session, string parent, string zh, string en) =>
        session.MustAsync<DivisionState>(HttpStatusCode.Created, Routes.Divisions, new FreeAreaRequest(parent, new(zh, en)));

    private async Task<IReadOnlyList<DivisionState>> ChildrenAsync(string parent)
    {
        using var anyone = region.Anonymous();
        return await anyone.GetAsync<IReadOnlyList<DivisionState>>($"{Routes.Divisions}?parent={parent}");
    }

    private async Task<int> AppendsAsync()
    {
        var appends = 0;
        await foreach (var batch in region.Services.GetRequiredService<IJournal>().ReadStreamAsync(JournalStreams.Areas, 0, default))
            appends++;
        return appends;
    }

    private static AreaCode Area(string digits) => AreaCode.TryParse(digits, out var area) ? area : throw new FormatException(digits);
}
