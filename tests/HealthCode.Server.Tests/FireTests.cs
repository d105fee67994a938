using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Storage;
using HealthCode.Testing;
using HealthCode.Tokens;

namespace HealthCode.Server.Tests;

/// <summary>The cluster as it is, processes and database, while everything that can happen to it does.</summary>
/// <remarks>HEALTHCODE_FIRE_SECONDS lets it burn longer than the usual run of tests has time for.</remarks>
[Collection("one region, one clock")]
public sealed class FireTests(ITestOutputHelper output) : IAsyncLifetime
{
    internal const string Place = "fire-door";
    private const int Reporters = 8;
    private static readonly TimeSpan DisplayGapMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ReadyMax = TimeSpan.FromSeconds(60);
    private static readonly string[] Areas = ["990102", "990103", "990104", "990105", "990106", "990107"];

    /// <summary>A database server of its own: the others' is not to be killed.</summary>
    private readonly PostgresFixture postgres = new();
    private readonly List<FirePerson> people = [];
    private readonly List<Strike> strikes = [];
    private readonly ConcurrentQueue<string> endings = [];
    private ThreeNodes nodes = null!;
    private KeyRing keys = null!;
    private FireLoad load = null!;
    private string epidemiologist = "";
    private int risksShown;

    /// <summary>What was done, and when.</summary>
    private sealed record Strike(string Name, long At);

    /// <summary>At least so long; each kind of trouble comes at least once, whatever it says.</summary>
    private static TimeSpan Duration => TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable("HEALTHCODE_FIRE_SECONDS") is { Length: > 0 } text ? double.Parse(text, CultureInfo.InvariantCulture) : 0);

    public async ValueTask InitializeAsync()
    {
        nodes = new ThreeNodes(postgres);
        await nodes.InitializeAsync();
        keys = KeyRing.OpenOrCreate(nodes.KeyFolder, "990100", TimeProvider.System);
        for (var index = 0; index < Reporters + Areas.Length; index++)
            people.Add(await EnterAsync(index % 3, index < Reporters ? null : Areas[index - Reporters]));
        using (var session = await nodes.StaffAsync(0, Roles.Epidemiologist))
            epidemiologist = session.Cookie;
        load = new FireLoad(nodes, people, keys, await GuardAsync(), Routes.Scans.Replace("{place}", Place, StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        load?.Dispose();
        if (nodes is not null)
            await nodes.DisposeAsync();
        await postgres.DisposeAsync();
    }

    [Fact]
    public async Task Under_fire_nothing_acknowledged_is_lost_doubled_or_missing_from_a_display()
    {
        var begun = Stopwatch.GetTimestamp();
        using var over = new CancellationTokenSource();
        var supervising = nodes.SuperviseAsync(Ended, over.Token);
        var burning = load.StartAsync();
        Func<Task>[] fire = [() => KillAsync(0), () => KillAsync(1), () => KillAsync(2), () => PauseAsync(strikes.Count % 3), KillDatabaseAsync];
        for (var turn = 0; turn < fire.Length || Stopwatch.GetElapsedTime(begun) < Duration; turn++)
        {
            await fire[turn % fire.Length]();
            // A calm in which all of it works again, and in which what went wrong would show.
            await Task.WhenAny(burning, supervising, Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken));
            Assert.False(burning.IsCompleted, $"the load ended: {burning.Exception}");
            Assert.False(supervising.IsCompleted, $"nobody starts nodes again: {supervising.Exception}");
        }
        load.End();
        await burning;
        await ReadyAsync();
        await over.CancelAsync();
        await supervising;

        Print(Stopwatch.GetElapsedTime(begun));
        Assert.Empty(load.Wrong);
        await JournalHasAllOnceAsync();
        await HistoriesHaveAllOnceAsync();
        Assert.True(people.Sum(person => person.Acknowledged.Count) > 200, "that was no load");
        Assert.InRange(LongestWait("kill of a node"), TimeSpan.Zero, DisplayGapMax);
    }

    private async Task KillAsync(int node)
    {
        Begin("kill of a node");
        await nodes.Process(node).SignalAsync("KILL");
        await SetRiskAsync(first: node + 1, [(node + 1) % 3, (node + 2) % 3]);
        await ReadyAsync();
    }

    private async Task ReadyAsync()
    {
        var clock = Stopwatch.StartNew();
        try
        {
            await nodes.ReadyAsync().WaitAsync(ReadyMax, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"After a {strikes[^1].Name} not all nodes were ready in {clock.Elapsed.TotalSeconds:N0} s.\n{string.Join('\n', endings)}");
        }
    }

    // A killed one says nothing of it; one that stood still is dead to the others when it wakes, and ends.
    private void Ended(int node, string lastSaid) => endings.Enqueue($"node {node} ended during a {strikes[^1].Name}, saying at last: {lastSaid.TrimEnd().Split('\n')[^1].Trim()}");

    // It stands still until its lease has run out and others have its partitions, and then goes on as if nothing had been.
    private async Task PauseAsync(int node)
    {
        Begin("pause of a node");
        await nodes.Process(node).SignalAsync("STOP");
        var paused = Stopwatch.GetTimestamp();
        await SetRiskAsync(first: node + 1, [(node + 1) % 3, (node + 2) % 3]);
        if (Cluster.NodeLease.LengthDefault + TimeSpan.FromSeconds(1) - Stopwatch.GetElapsedTime(paused) is { Ticks: > 0 } rest)
            await Task.Delay(rest, TestContext.Current.CancellationToken);
        await nodes.Process(node).SignalAsync("CONT");
        await ReadyAsync();
    }

    private async Task KillDatabaseAsync()
    {
        Begin("kill of the database");
        var server = await postgres.ServerAsync();
        await server.KillAsync();
        await server.RestartAsync();
        await SetRiskAsync(first: 0, [0, 1, 2]);
        await ReadyAsync();
    }

    private void Begin(string name) => strikes.Add(new Strike(name, Stopwatch.GetTimestamp()));

    // Once acknowledged, each node that answers shows it at once: in its list, and in the code of who lives there.
    private async Task SetRiskAsync(int first, int[] showing)
    {
        var turn = strikes.Count - 1;
        var area = Areas[turn % Areas.Length];
        var set = await load.PostAsync(
            Routes.AreaRisks, new AreaRiskRequest(area, "high", null, null, "聚集性疫情"), epidemiologist, $"fire-risk-{turn}", first, HttpStatusCode.Created);
        var resident = people[Reporters + (turn % Areas.Length)];
        resident.MustNotBeGreen = true;
        var risk = JsonDocument.Parse(set).RootElement.GetProperty("id").GetString()!;
        foreach (var node in showing)
        {
            if (!(await load.GetAsync(Routes.AreaRisks, epidemiologist, node)).Contains(risk, StringComparison.Ordinal))
                load.Wrong.Enqueue($"node {node} did not list a risk that was acknowledged");
            risksShown++;
        }
    }

    private async Task JournalHasAllOnceAsync()
    {
        await using var stores = RegionStores.Open(nodes.Folder, StoreAddress.Parse(nodes.Store));
        using var wrap = new KeyWrap(keys.Secret("profiles"));
        var evidence = new EvidenceStore(stores.Journal, stores.Keys, stores.Snapshots, wrap);
        var found = new Dictionary<(PersonId, EvidenceId), int>();
        foreach (var stream in Enumerable.Range(0, ThreeNodes.Partitions).Select(JournalStreams.Of))
        {
            await foreach (var batch in evidence.ReadAsync(stream, 0, TestContext.Current.CancellationToken))
            {
                foreach (var fact in batch.Facts)
                    found[(fact.Person, fact.Id)] = found.GetValueOrDefault((fact.Person, fact.Id)) + 1;
            }
        }
        Assert.DoesNotContain(found, fact => fact.Value > 1);
        Assert.DoesNotContain(people.SelectMany(person => person.Acknowledged.Keys.Select(id => (person.Id, id))), fact => !found.ContainsKey(fact));
        await foreach (var stream in JournalVerification.VerifyAsync(stores.Journal, null, TestContext.Current.CancellationToken))
            Assert.Empty(stream.Findings);
        output.WriteLine($"journal: {found.Count:N0} facts, each once, all acknowledged ones among them");
    }

    private async Task HistoriesHaveAllOnceAsync()
    {
        for (var index = 0; index < people.Count; index++)
        {
            var history = JsonDocument.Parse(await load.GetAsync(Routes.MyHistory, people[index].Cookie, index)).RootElement;
            var ids = history.GetProperty("evidence").EnumerateArray().Select(fact => fact.GetProperty("id").GetString()!).ToList();
            Assert.Equal(ids.Distinct().Count(), ids.Count);
            Assert.Empty(people[index].Acknowledged.Keys.Select(id => $"{id}").Except(ids));
        }
    }

    private TimeSpan LongestWait(string name) => strikes.Index().Where(strike => strike.Item.Name == name).Max(strike =>
    {
        var end = strike.Index + 1 < strikes.Count ? strikes[strike.Index + 1].At : long.MaxValue;
        return load.Displays.Where(display => display.HadAt >= strike.Item.At && display.WantedAt < end).Max(display => display.Wait);
    });

    private void Print(TimeSpan took)
    {
        output.WriteLine($"{took.TotalSeconds:N0} s of fire: {people.Sum(person => person.Acknowledged.Count):N0} facts acknowledged, "
            + $"{load.Displays.Count():N0} displays ({load.AsOf:N0} said as of when), {load.Retries:N0} attempts failed, {risksShown} risks looked for");
        foreach (var kind in strikes.GroupBy(strike => strike.Name))
            output.WriteLine($"{kind.Count()} × {kind.Key}: longest wait for a display {LongestWait(kind.Key).TotalSeconds:N2} s");
        foreach (var ending in endings)
            output.WriteLine(ending);
        foreach (var wrong in load.Wrong)
            output.WriteLine(wrong);
    }

    private async Task<FirePerson> EnterAsync(int node, string? area)
    {
        var resident = nodes.Newcomer();
        using var session = await nodes.AppliedAsync(node, area ?? "990101", resident);
        return new FirePerson(resident.Document.PersonIn(keys.Secret("person-id")), session.Cookie, area);
    }

    private async Task<string> GuardAsync()
    {
        using var administrator = await nodes.StaffAsync(0, Roles.Administrator);
        await administrator.MustAsync(HttpStatusCode.Created, Routes.Places, new PlaceRequest(Place, new("火门", "Fire door"), "office", "990101", false));
        await administrator.MustAsync(HttpStatusCode.Created, Routes.Staff, new StaffRequest("fire-guard", "correct horse battery", [Roles.Guard], [Place]));
        using var guard = new TestSession(nodes[0]);
        await guard.MustAsync(HttpStatusCode.OK, Routes.StaffSignIn, new StaffSignInRequest("fire-guard", "correct horse battery"));
        return guard.Cookie;
    }
}
