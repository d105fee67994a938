using System.Globalization;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Load;
using HealthCode.Simulation;
using HealthCode.Tokens;

const int Residents = 2_100, NotYetApplied = 100, Sessions = 1_000, Connections = 32, Rounds = 3;
var warmUp = TimeSpan.FromSeconds(4);
var measured = TimeSpan.FromSeconds(6);

if (args is ["bare", var size])
{
    await BareServer.RunAsync(int.Parse(size, CultureInfo.InvariantCulture));
    return 0;
}
if (args is ["journal"])
    return await JournalBench.RunAsync();
if (args is ["cluster"])
    return await ClusterBench.RunAsync();
if (args is not ["display" or "check"])
{
    Console.Error.WriteLine("usage: ./bench.sh display | check | journal | cluster | policy | records | restart");
    return 2;
}

var folder = Directory.CreateTempSubdirectory("healthcode-bench-").FullName;
try
{
    using var region = ServerProcess.Region(folder, Residents);
    var address = await region.ReadyAsync();
    var city = new City(new CityOptions { Seed = 20200211, Residents = Residents });
    var ours = args[0] == "display" ? await DisplaysAsync(address, city) : await ScansAsync(address, city, folder);

    var first = await new LoadClient(address, Connections).RunAsync(ours, warmUp);
    if (first.Failures > 0)
        throw new InvalidOperationException($"{first.Failures} of {first.Requests} requests were refused: this measures nothing.");
    using var bare = ServerProcess.Bare(first.BodyBytes);
    var bareAddress = await bare.ReadyAsync();
    var body = ours()!;
    byte[] bareRequest = args[0] == "display" ? LoadClient.Get("/") : LoadClient.Post("/", new string('x', BodyOf(body)), "none");
    await new LoadClient(bareAddress, Connections).RunAsync(() => bareRequest, warmUp);

    var (oursPerSecond, barePerSecond) = (new List<double>(), new List<double>());
    var (oursCost, bareCost) = (new List<double>(), new List<double>());
    LoadResult last = first;
    for (var round = 0; round < Rounds; round++)
    {
        last = await MeasureAsync(region, address, ours, oursPerSecond, oursCost);
        await MeasureAsync(bare, bareAddress, () => bareRequest, barePerSecond, bareCost);
    }
    Console.WriteLine(JsonSerializer.Serialize(new
    {
        bench = args[0],
        ratio = Math.Round(Median(oursPerSecond) / Median(barePerSecond), 3),
        goal = (double?)null,
        unit = "× bare Kestrel",
        detail = new
        {
            perSecond = Math.Round(Median(oursPerSecond)), barePerSecond = Math.Round(Median(barePerSecond)),
            serverMicrosecondsEach = Math.Round(Median(oursCost), 1), bareMicrosecondsEach = Math.Round(Median(bareCost), 1),
            answerBytes = first.BodyBytes, medianMs = Math.Round(last.MedianMs, 2), p99Ms = Math.Round(last.P99Ms, 2),
            connections = Connections, rounds = Rounds, sessions = args[0] == "display" ? Sessions : 1,
        },
    }));
    return 0;
}
finally
{
    Directory.Delete(folder, recursive: true);
}

async Task<LoadResult> MeasureAsync(ServerProcess server, Uri at, Func<byte[]?> requests, List<double> perSecond, List<double> cost)
{
    var before = server.Processor;
    var result = await new LoadClient(at, Connections).RunAsync(requests, measured);
    if (result.Failures > 0)
        throw new InvalidOperationException($"{result.Failures} of {result.Requests} requests were refused: this measures nothing.");
    perSecond.Add(result.PerSecond);
    cost.Add((server.Processor - before).TotalMicroseconds / result.Requests);
    return result;
}

// Each connection shows the next resident's code: a thousand sessions in turn.
static async Task<Func<byte[]?>> DisplaysAsync(Uri address, City city)
{
    var requests = new List<byte[]>();
    for (var index = NotYetApplied; index < NotYetApplied + Sessions; index++)
        requests.Add(LoadClient.Get(Routes.MyCode, await SignIns.ResidentCookieAsync(address, city.Resident(index))));
    var next = -1;
    return () => requests[(int)((uint)Interlocked.Increment(ref next) % (uint)requests.Count)];
}

// Each scan is of a code that was not scanned before, so that each is a new visit and must reach the disk.
static async Task<Func<byte[]?>> ScansAsync(Uri address, City city, string folder)
{
    var keys = KeyRing.OpenOrCreate(Path.Combine(folder, "keys"), "990100", TimeProvider.System);
    var issuer = new TokenIssuer(keys, TimeSpan.FromMinutes(10));
    var secret = keys.Secret("person-id");
    var people = Enumerable.Range(NotYetApplied, Sessions).Select(index => city.Resident(index).Document.PersonIn(secret)).ToArray();
    var signIns = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "demo-sign-ins.json"))).RootElement;
    var cookie = await SignIns.CookieAsync(address, Routes.StaffSignIn,
        new StaffSignInRequest(Roles.Guard, signIns.GetProperty("Password").GetString()!));
    var path = Routes.Scans.Replace("{place}", signIns.GetProperty("Place").GetString()!, StringComparison.Ordinal);
    var now = TimeProvider.System.GetUtcNow();
    var requests = new byte[240_000][];
    Parallel.For(0, requests.Length, index => requests[index] = LoadClient.Post(
        path, JsonSerializer.Serialize(new ScanRequest(issuer.Issue(people[index % people.Length], Colour.Green, now).Text, 36.5m), ApiJson.Default.ScanRequest), cookie));
    var next = -1;
    return () => Interlocked.Increment(ref next) is var index && index < requests.Length ? requests[index] : null;
}

static int BodyOf(byte[] request) => request.Length - request.AsSpan().IndexOf("\r\n\r\n"u8) - 4;

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
