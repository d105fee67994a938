using System.CommandLine;
using HealthCode.Cli;
using HealthCode.Server.Cluster;
using HealthCode.Server.Demo;
using HealthCode.Server.Hosting;
using HealthCode.Server.Operating;
using HealthCode.Server.Staff;
using HealthCode.Storage;
using HealthCode.Tokens;
using Npgsql;

var urls = new Option<string>("--urls") { Description = "Addresses to listen on", DefaultValueFactory = _ => "http://127.0.0.1:8080" };
var residents = new Option<int>("--residents") { Description = "People of the synthetic city, up to 10,000,000", DefaultValueFactory = _ => 10_000 };
var pace = new Option<double>("--pace") { Description = "Residents a second that go on with their day; 0 to stand still", DefaultValueFactory = _ => 2 };
var seed = new Option<int>("--seed") { Description = "The same seed is the same city", DefaultValueFactory = _ => 20200211 };

var node = new Option<string?>("--node") { Description = "With --store: what this node is called where nodes are listed" };
var advertise = new Option<string>("--advertise") { Description = "With --store: the address at which other nodes reach this one", DefaultValueFactory = _ => "127.0.0.1" };
var siloPort = new Option<int>("--silo-port") { Description = "With --store: the port at which other nodes reach this one; 0 for any that is free" };
var drain = new Option<double>("--drain") { Description = "Seconds for which a node that is told to stop says that it is not ready, before it stops" };
var management = new Option<string?>("--management") { Description = "Address at which the node shows its metrics (/metrics) and nobody else may ask, as http://127.0.0.1:8081; none when absent" };
management.Accepts(address => address is null || OperatingFeature.PortOf(address) > 0, "an address with a port, as http://127.0.0.1:8081");
advertise.Accepts(text => System.Net.IPAddress.TryParse(text, out _), "an IP address");
siloPort.Accepts(port => port is >= 0 and <= 65_535, "0 to 65,535");
drain.Accepts(seconds => seconds is >= 0 and <= 20, "0 to 20 seconds");

var displaysMax = new Option<int>("--displays") { Description = "Displays at once; as many more wait, and further ones are refused", DefaultValueFactory = _ => new RegionOptions().DisplaysMax };
var writesMax = new Option<int>("--writes") { Description = "Writes at once, and reads of the store; as many more of each wait, and further ones are refused", DefaultValueFactory = _ => new RegionOptions().WritesMax };
var warmUp = new Option<double>("--warm-up") { Description = "Seconds for which a node that starts is not ready at most, while its partitions are loaded", DefaultValueFactory = _ => new RegionOptions().WarmUpMax.TotalSeconds };
warmUp.Accepts(seconds => seconds is >= 0 and <= 3_600, "0 to 3,600 seconds");
displaysMax.Accepts(count => count is >= 1 and <= 100_000, "1 to 100,000");
writesMax.Accepts(count => count is >= 1 and <= 100_000, "1 to 100,000");

// The first hundred residents are newcomers; somebody must be there already.
residents.Accepts(count => count is > DemoSeed.NotYetApplied and <= 10_000_000, "101 to 10,000,000 people");
pace.Accepts(residentsPerSecond => residentsPerSecond >= 0, "0 or more");

var serve = new Command("serve", "Run a region") { urls, management, node, advertise, siloPort, drain, displaysMax, writesMax, warmUp };
RetentionCommand.AddTo(serve);
serve.SetAction((parsed, cancellation) => RunAsync(parsed, OptionsOf(parsed), cancellation));
var demo = new Command("demo", "Run a region with a synthetic city in it") { urls, management, node, advertise, siloPort, drain, displaysMax, writesMax, warmUp, residents, pace, seed };
RetentionCommand.AddTo(demo);
demo.SetAction((parsed, cancellation) => RunAsync(
    parsed,
    OptionsOf(parsed) with { DemoResidents = parsed.GetValue(residents), DemoPace = parsed.GetValue(pace), DemoSeed = parsed.GetValue(seed) },
    cancellation));
// A region that is told to stop hands over what it has first. What is in its way ends it after 45 seconds.
var ending = new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(45) };
return await Commands.Root(serve, demo, StaffCommand.Create(), SimulateCommand.Create()).Parse(args).InvokeAsync(ending);

RegionOptions OptionsOf(ParseResult parsed) => new()
{
    Data = parsed.GetValue(Commands.Data)!, Region = parsed.GetValue(Commands.Region)!, Edition = parsed.GetValue(Commands.Edition)!,
    Partitions = parsed.GetValue(Commands.Partitions), Store = Commands.PathsOf(parsed).Store, KeyFolder = Commands.PathsOf(parsed).KeyFolder,
    Retention = RetentionCommand.Of(parsed),
    Node = parsed.GetValue(node), Advertise = parsed.GetValue(advertise)!, SiloPort = parsed.GetValue(siloPort), Drain = TimeSpan.FromSeconds(parsed.GetValue(drain)),
    DisplaysMax = parsed.GetValue(displaysMax), WritesMax = parsed.GetValue(writesMax), WarmUpMax = TimeSpan.FromSeconds(parsed.GetValue(warmUp)),
    ManagementPort = OperatingFeature.PortOf(parsed.GetValue(management)), Traced = OperatingFeature.HasCollector,
};

async Task<int> RunAsync(ParseResult parsed, RegionOptions options, CancellationToken cancellation)
{
    try
    {
        await using var app = await RegionHost.BuildAsync(options, ["--urls", string.Join(';', (string?[])[parsed.GetValue(urls), .. parsed.GetValue(management) is { } own ? [own] : Array.Empty<string>()])], cancellation: cancellation);
        await app.RunAsync(cancellation);
        return 0;
    }
    catch (Exception failure) when (failure is IOException or InvalidDataException or UnauthorizedAccessException or KeyFilePermissionsException or EditionFileException or NpgsqlException)
    {
        // What an operator can mend: a port in use, a folder of another region, a key that others can read.
        await Console.Error.WriteLineAsync(failure.Message);
        return 1;
    }
}
