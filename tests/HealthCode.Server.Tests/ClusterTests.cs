using System.Diagnostics;
using System.Net;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Server.Applications;
using HealthCode.Server.Demo;
using HealthCode.Simulation;
using HealthCode.Storage;
using HealthCode.Testing;
using Npgsql;

namespace HealthCode.Server.Tests;

/// <summary>Three processes on one PostgreSQL database, and the keys that they share.</summary>
public sealed class ThreeNodes(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("healthcode-cluster-").FullName;
    private readonly RegionProcess[] processes = new RegionProcess[3];
    private readonly Uri[] addresses = new Uri[3];
    private int nextNewcomer = -1;

    private City City { get; } = new(new CityOptions { Seed = 20200211, Residents = 150 });

    /// <summary>As many as <see cref="RegionProcess"/> gives each node.</summary>
    internal const int Partitions = 16;

    internal string Folder => folder;

    internal string KeyFolder => Path.Combine(folder, "keys");

    /// <summary>The address of the database, as --store takes it.</summary>
    internal string Store { get; private set; } = "";

    internal NpgsqlDataSource Database { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var connection = await postgres.CreateDatabaseAsync();
        Database = NpgsqlDataSource.Create(connection);
        Store = (await postgres.ServerAsync()).UrlOf(new NpgsqlConnectionStringBuilder(connection).Database!);
        // All three at once, on an empty database: one of them makes the tables, the first edition and the city.
        foreach (var node in Enumerable.Range(0, 3))
            Start(node);
        foreach (var node in Enumerable.Range(0, 3))
            addresses[node] = await processes[node].AddressAsync();
        await ReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
            process.Dispose();
        await Database.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    internal Uri this[int node] => addresses[node];

    internal RegionProcess Process(int node) => processes[node];

    internal async Task RestartAsync(int node)
    {
        processes[node].Dispose();
        Start(node);
        addresses[node] = await processes[node].AddressAsync();
        await ReadyAsync();
    }

    /// <summary>Starts each node again that ends, under its name, as whatever keeps services running does.</summary>
    /// <param name="ended">Is told which one ended, and what it said at last.</param>
    internal Task SuperviseAsync(Action<int, string> ended, CancellationToken cancellation) =>
        Task.WhenAll(Enumerable.Range(0, 3).Select(node => SuperviseAsync(node, ended, cancellation)));

    private async Task SuperviseAsync(int node, Action<int, string> ended, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                addresses[node] = await processes[node].AddressAsync();
                await processes[node].EndAsync(cancellation);
            }
            catch (Exception exception) when (exception is InvalidOperationException or OperationCanceledException or TimeoutException)
            {
                // It ended before it listened, or never did; or all is over.
            }
            if (cancellation.IsCancellationRequested)
                return;
            ended(node, processes[node].LastSaid);
            processes[node].Dispose();
            Start(node);
        }
    }

    internal async Task<TestSession> StaffAsync(int node, string name)
    {
        await using var file = File.OpenRead(Path.Combine(folder, "demo-sign-ins.json"));
        var session = new TestSession(this[node]);
        await session.MustAsync(
            HttpStatusCode.OK, Routes.StaffSignIn, new StaffSignInRequest(name, (await JsonSerializer.DeserializeAsync<DemoSignIns>(file))!.Password));
        return session;
    }

    /// <summary>A resident of the city nobody has used yet, not signed in.</summary>
    internal Resident Newcomer() => City.Resident(Interlocked.Increment(ref nextNewcomer));

    internal Task<TestSession> AppliedAsync(int node, string area) => AppliedAsync(node, area, Newcomer());

    internal async Task<TestSession> AppliedAsync(int node, string area, Resident resident)
    {
        var session = new TestSession(this[node]);
        await SignInAsync(session, await AskAsync(session, resident), resident);
        await session.MustAsync(HttpStatusCode.Created, Routes.Applications, new ApplicationRequest(
            resident.Name.Full, "citizen-id", resident.Document.Normalized, null, null,
            new StayingAt(area, new DateOnly(2026, 1, 1), null), [], "no", ApplicationsFeature.ConsentEdition));
        return session;
    }

    internal static async Task<string> AskAsync(TestSession session, Resident resident)
    {
        var sent = await session.MustAsync<SignInCodeSent>(HttpStatusCode.Accepted, Routes.SignInCodes, new SignInCodeRequest(resident.Phone.Normalized));
        return sent.ShownMessage!.Split("验证码 ")[1][..6];
    }

    internal static Task SignInAsync(TestSession session, string code, Resident resident) =>
        session.MustAsync(HttpStatusCode.OK, Routes.SignIn, new SignInRequest(resident.Phone.Normalized, code));

    private void Start(int node) => processes[node] = RegionProcess.Start(folder, 150, Store, "--node", $"node-{node}");

    // Orleans knows all of them, and all hold their leases: what a balancer would wait for.
    internal async Task ReadyAsync()
    {
        using var client = new HttpClient();
        var table = new PostgresNodeTable(Database, Cluster.NodeLease.LengthDefault);
        foreach (var node in Enumerable.Range(0, 3))
            await UntilAsync(() => IsReadyAsync(client, node), $"node {node} to be ready");
        await UntilAsync(() => AllLiveAsync(table), "all to hold their leases");
    }

    /// <summary>Waits for what comes by itself, a minute at the most.</summary>
    internal static async Task UntilAsync(Func<Task<bool>> isSo, string what)
    {
        for (var began = Stopwatch.GetTimestamp(); !await isSo(); await Task.Delay(50))
        {
            if (Stopwatch.GetElapsedTime(began) > TimeSpan.FromMinutes(1))
                throw new TimeoutException($"It took more than a minute for {what}.");
        }
    }

    private static async Task<bool> AllLiveAsync(PostgresNodeTable table)
    {
        try
        {
            return (await table.LiveAsync(default)).Count == 3;
        }
        catch (JournalUnavailableException)
        {
            // The database was killed, and with it the connection that was asked.
            return false;
        }
    }

    private async Task<bool> IsReadyAsync(HttpClient client, int node)
    {
        try
        {
            return await client.GetStringAsync(new Uri(addresses[node], Routes.Ready)) == "Healthy";
        }
        catch (HttpRequestException)
        {
            // It is not yet up, or says that it is not ready.
            return false;
        }
    }
}

/// <summary>What is promised on every node, asked of three that are processes of their own.</summary>
[Collection("one region, one clock")]
public sealed class ClusterTests(ThreeNodes nodes) : IClassFixture<ThreeNodes>
{
    [Fact]
    public async Task What_a_resident_reports_at_one_node_shows_at_every_node()
    {
        using var first = await nodes.AppliedAsync(0, "990101");
        await first.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.6m, "no"));

        foreach (var node in Enumerable.Range(0, 3))
        {
            using var session = first.At(nodes[node]);
            // By the edition that it began with, or by the one that another test puts in force.
            Assert.Contains((await session.GetAsync<CodeState>(Routes.MyCode)).Colour, (string[])["yellow", "red"]);
        }
    }

    /// <summary>Set at each node in turn: at the first display after the answer, wherever it is asked for, it counts.</summary>
    [Fact]
    public async Task A_risk_shows_everywhere_at_the_first_display_after_it_was_acknowledged()
    {
        foreach (var round in Enumerable.Range(0, 6))
        {
            var area = $"99010{2 + round}";
            using var resident = await nodes.AppliedAsync(round % 3, area);
            TestSession[] displays = [.. Enumerable.Range(0, 3).Select(node => resident.At(nodes[node]))];
            foreach (var display in displays)
                Assert.Equal("green", (await display.GetAsync<CodeState>(Routes.MyCode)).Colour);
            using var epidemiologist = await nodes.StaffAsync(round % 3, Roles.Epidemiologist);
            var risk = await epidemiologist.MustAsync<AreaRiskState>(
                HttpStatusCode.Created, Routes.AreaRisks, new AreaRiskRequest(area, "high", null, null, "聚集性疫情"));

            var colours = await Task.WhenAll(displays.Select(async display => (await display.GetAsync<CodeState>(Routes.MyCode)).Colour));
            Assert.DoesNotContain("green", colours);
            await epidemiologist.MustAsync(
                HttpStatusCode.OK, Routes.AreaRiskEnd.Replace("{risk}", risk.Id, StringComparison.Ordinal), new AreaRiskEnd(null, "解除"));
            foreach (var display in displays)
            {
                Assert.DoesNotContain(
                    await display.GetAsync<IReadOnlyList<AreaRiskState>>(Routes.AreaRisks), known => known.Id == risk.Id && known.Until is null);
                display.Dispose();
            }
        }
    }

    [Fact]
    public async Task Risks_set_at_all_nodes_at_once_all_stand_and_none_is_written_twice()
    {
        TestSession[] staff = [await nodes.StaffAsync(0, Roles.Epidemiologist), await nodes.StaffAsync(1, Roles.Epidemiologist), await nodes.StaffAsync(2, Roles.Epidemiologist)];
        var keys = Enumerable.Range(0, 3).Select(_ => Guid.NewGuid().ToString()).ToList();
        // Each change is sent to all three: a retry through another node.
        await Task.WhenAll(keys.SelectMany((key, index) => staff.Select(session => session.MustAsync(
            HttpStatusCode.Created, Routes.AreaRisks, new AreaRiskRequest($"99010{1 + index}", "low", null, null, "并发"), key))));

        foreach (var session in staff)
        {
            var known = (await session.GetAsync<IReadOnlyList<AreaRiskState>>(Routes.AreaRisks)).Where(risk => risk.Reason == "并发");
            Assert.Equal(3, known.Count());
            session.Dispose();
        }
    }

    [Fact]
    public async Task A_code_asked_for_at_one_node_is_used_once_at_another()
    {
        for (var round = 0; round < 3; round++)
        {
            using var asking = new TestSession(nodes[round]);
            using var using_ = new TestSession(nodes[(round + 1) % 3]);
            using var late = new TestSession(nodes[(round + 2) % 3]);
            var resident = nodes.Newcomer();
            var code = await ThreeNodes.AskAsync(asking, resident);
            await ThreeNodes.SignInAsync(using_, code, resident);
            Assert.Equal("sign-in-code-wrong", await late.RefusedAsync(Routes.SignIn, new SignInRequest(resident.Phone.Normalized, code)));
        }
    }

    [Fact]
    public async Task Places_guards_and_compounds_added_at_one_node_are_there_at_the_others()
    {
        using var administrator = await nodes.StaffAsync(0, Roles.Administrator);
        await administrator.MustAsync(HttpStatusCode.Created, Routes.Places, new PlaceRequest("new-door", new("新门", "New door"), "office", "990101", false));
        using var elsewhere = administrator.At(nodes[1]);
        await elsewhere.MustAsync(
            HttpStatusCode.Created, Routes.Staff, new StaffRequest("new-guard", "correct horse battery", [Roles.Guard], ["new-door"]));
        using var guard = new TestSession(nodes[2]);
        await guard.MustAsync(HttpStatusCode.OK, Routes.StaffSignIn, new StaffSignInRequest("new-guard", "correct horse battery"));
        foreach (var node in Enumerable.Range(0, 3))
        {
            using var there = guard.At(nodes[node]);
            Assert.Equal("new-door", Assert.Single(await there.GetAsync<IReadOnlyList<PlaceState>>(Routes.Places)).Id);
        }

        TestSession[] epidemiologists = [await nodes.StaffAsync(0, Roles.Epidemiologist), await nodes.StaffAsync(1, Roles.Epidemiologist)];
        const string committee = "990104003003";
        var added = await Task.WhenAll(Enumerable.Range(1, 8).Select(number => epidemiologists[number % 2].MustAsync<DivisionState>(
            HttpStatusCode.Created, Routes.Divisions, new FreeAreaRequest(committee, new($"{number} 号院", $"Yard {number}")))));
        Assert.Equal(8, added.Select(area => area.Code).Distinct().Count());
        using var third = new TestSession(nodes[2]);
        Assert.Equal(8, (await third.GetAsync<IReadOnlyList<DivisionState>>($"{Routes.Divisions}?parent={committee}")).Count);
    }

    [Fact]
    public async Task An_edition_written_tried_and_approved_at_different_nodes_decides_everywhere()
    {
        using var resident = await nodes.AppliedAsync(2, "990101");
        await resident.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.6m, "no"));
        using var author = await nodes.StaffAsync(0, Roles.PlanOfficer);
        using var approver = await nodes.StaffAsync(1, Roles.PlanOfficer + "-2");
        var draft = await PlanRegion.BeginAsync(author);
        draft = await PlanRegion.SaveAsync(author, draft, await PlanRegion.FeverIsRedAsync(author, "fever-is-red"), PlanRegion.Cases);
        await author.MustAsync(HttpStatusCode.Accepted, PlanRegion.Path(Routes.DraftWhatIf, draft.Draft.Id), new WhatIfRequest(draft.Draft.Version, null));
        // Started there, watched here.
        await ThreeNodes.UntilAsync(async () => (await approver.GetAsync<WhatIfState>(Routes.WhatIf)).State != "running", "a trial to end");
        Assert.Equal((draft.Draft.Id, "done"), ((await approver.GetAsync<WhatIfState>(Routes.WhatIf)) is var tried ? (tried.Draft!, tried.State) : default));
        await PlanRegion.ApproveAsync(approver, await approver.GetAsync<DraftState>(PlanRegion.Path(Routes.Draft, draft.Draft.Id)));

        foreach (var node in Enumerable.Range(0, 3))
        {
            using var session = resident.At(nodes[node]);
            Assert.Equal("red", (await session.GetAsync<CodeState>(Routes.MyCode)).Colour);
        }
    }
}

/// <summary>Nodes that go. Each test leaves three of them behind.</summary>
[Collection("one region, one clock")]
public sealed class LeavingNodesTests(ThreeNodes nodes, ITestOutputHelper output) : IClassFixture<ThreeNodes>
{
    [Fact]
    public async Task A_node_that_is_told_to_stop_hands_over_and_nothing_is_lost_or_refused()
    {
        var residents = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => nodes.AppliedAsync(0, "990101")));
        var leaving = nodes.Process(2).StopAsync();
        var (acknowledged, round) = (new int[residents.Length], 0);
        do
        {
            // At the nodes that stay, about people who may be at the one that goes.
            await Task.WhenAll(residents.Select(async (resident, index) =>
            {
                using var there = resident.At(nodes[round % 2]);
                await there.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest([], 36m + (round % 10 * 0.1m), "no"), $"leave-{index}-{round}");
                acknowledged[index]++;
            }));
            round++;
        }
        while (!leaving.IsCompleted);

        Assert.Equal(0, await leaving);
        for (var index = 0; index < residents.Length; index++)
        {
            using var there = residents[index].At(nodes[1]);
            // The application's own report is one more.
            Assert.Equal(acknowledged[index] + 1, (await there.GetAsync<HistoryState>(Routes.MyHistory)).Evidence.Count(evidence => evidence.Kind == "declaration"));
            residents[index].Dispose();
        }
        Assert.Equal(2L, await ScalarAsync($"SELECT count(*) FROM nodes WHERE {IsLive}"));
        output.WriteLine($"{round} rounds of {residents.Length} reports while a node left");
        await nodes.RestartAsync(2);
    }

    [Fact]
    public async Task After_a_node_was_killed_every_display_is_back_within_five_seconds()
    {
        var residents = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => nodes.AppliedAsync(1, "990101")));
        foreach (var resident in residents)
            await resident.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.6m, "no"));

        // A node that came back a moment ago has nothing at first.
        await HasItsShareAsync("node-2");
        nodes.Process(2).Kill();
        var killed = Stopwatch.StartNew();
        var gaps = await Task.WhenAll(residents.Select(async (resident, index) =>
        {
            using var there = resident.At(nodes[index % 2]);
            Assert.Equal("yellow", (await there.GetAsync<CodeState>(Routes.MyCode)).Colour);
            return killed.Elapsed;
        }));
        output.WriteLine($"all {gaps.Length} displays answered, the last {gaps.Max().TotalSeconds:N2} s after the kill");
        Assert.InRange(gaps.Max(), TimeSpan.Zero, TimeSpan.FromSeconds(5));

        // A change of risk is acknowledged when the dead node's lease has run out.
        using var epidemiologist = await nodes.StaffAsync(0, Roles.Epidemiologist);
        await epidemiologist.MustAsync(HttpStatusCode.Created, Routes.AreaRisks, new AreaRiskRequest("990102", "low", null, null, "之后"));
        foreach (var resident in residents)
            resident.Dispose();
        await nodes.RestartAsync(2);
    }

    /// <summary>It stopped and came back as another life, which has nothing at first.</summary>
    [Fact]
    public async Task A_node_that_joins_gets_its_share_of_the_partitions()
    {
        await nodes.Process(1).StopAsync();
        await nodes.RestartAsync(1);
        // Every partition may be asked for all the while, and answers.
        var residents = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => nodes.AppliedAsync(0, "990101")));
        var settling = HasItsShareAsync("node-1");
        do
        {
            await Task.WhenAll(residents.Select(async resident => Assert.Equal("green", (await resident.GetAsync<CodeState>(Routes.MyCode)).Colour)));
        }
        while (!settling.IsCompleted);
        await settling;
        foreach (var resident in residents)
            resident.Dispose();
    }

    // Lives that ended without a word are on the list for a day.
    private const string IsLive = "renewed_at > clock_timestamp() - interval '3 seconds'";

    // None is left without a node, though nobody asks for it.
    private async Task HasItsShareAsync(string node)
    {
        await ThreeNodes.UntilAsync(
            async () => !Equals(await ScalarAsync($"SELECT count(*) FROM owners JOIN nodes USING (node) WHERE {IsLive} AND node LIKE '{node}%'"), 0L), $"{node} to have partitions");
        await ThreeNodes.UntilAsync(
            async () => Equals(await ScalarAsync($"SELECT count(*) FROM owners JOIN nodes USING (node) WHERE {IsLive}"), (long)ThreeNodes.Partitions), "all partitions to be loaded");
    }

    private async Task<object?> ScalarAsync(string text)
    {
        await using var command = nodes.Database.Command(text);
        return await command.ExecuteScalarAsync();
    }
}
