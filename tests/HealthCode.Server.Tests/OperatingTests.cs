using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using HealthCode.Api;
using HealthCode.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace HealthCode.Server.Tests;

/// <summary>What whoever runs a region sees of it, and what nobody may see in it.</summary>
[Collection("one region, one clock")]
public sealed class OperatingTests
{
    [Fact]
    public void The_reference_page_lists_every_instrument_with_its_unit_and_no_other()
    {
        var page = File.ReadLines(Path.Combine(Repository.Root, "docs/reference/metrics.md"))
            .Where(line => line.StartsWith("| `healthcode.", StringComparison.Ordinal))
            .Select(line => line.Split('|')).Select(cells => (cells[1].Trim(' ', '`'), cells[2].Trim(' ', '`'), cells[3].Trim()));
        Assert.Equal(Instruments.All.Select(instrument => (instrument.Name, instrument.Unit!, KindOf(instrument))), page);
    }

    [Fact]
    public async Task Every_instrument_that_there_is_is_in_the_list()
    {
        var found = new ConcurrentBag<string>();
        using var listener = new System.Diagnostics.Metrics.MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == Instruments.Name)
                    found.Add(instrument.Name);
            },
        };
        listener.Start();
        await Task.CompletedTask;
        Assert.Equal(Instruments.All.Select(instrument => instrument.Name).Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Metrics_are_shown_at_the_management_address_and_at_no_other_and_that_address_shows_nothing_else()
    {
        var port = FreePort();
        await using var region = new TestRegion { Options = options => options with { ManagementPort = port } };
        await region.InitializeAsync();
        var (session, _) = await region.AppliedAsync();
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest([], 36.6m, "no"));
        await session.GetAsync<CodeState>(Routes.MyCode);

        using var outside = await session.Client.GetAsync(new Uri(Routes.Metrics, UriKind.Relative));
        Assert.Equal(HttpStatusCode.Forbidden, outside.StatusCode);
        using var stranger = region.Anonymous();
        using var anonymous = await stranger.Client.GetAsync(new Uri(Routes.Metrics, UriKind.Relative));
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);

        using var monitoring = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var shown = await monitoring.GetStringAsync(new Uri(Routes.Metrics, UriKind.Relative));
        string[] expected =
        [
            "healthcode_displays_total", "healthcode_display_duration_seconds_bucket", "healthcode_evidence_total{", "healthcode_append_duration_seconds_sum",
            "healthcode_commit_batches_count", "healthcode_partitions", "healthcode_lease_held", "http_server_request_duration_seconds", "dotnet_",
        ];
        Assert.All(expected, name => Assert.Contains(name, shown, StringComparison.Ordinal));
        // Libraries' own, in the dashboard: our own are held against the reference page.
        var dashboard = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy/grafana/healthcode.json"));
        Assert.All(
            System.Text.RegularExpressions.Regex.Matches(dashboard, @"\b(dotnet|http|kestrel)_[a-z_]+").Select(match => match.Value).Distinct(),
            name => Assert.Contains(name, shown, StringComparison.Ordinal));
        Assert.Contains("kind=\"declaration\"", shown, StringComparison.Ordinal);
        foreach (var colour in new[] { "green", "yellow" })
            Assert.DoesNotContain(colour, shown, StringComparison.Ordinal);
        Assert.DoesNotContain(region.Place, shown, StringComparison.Ordinal);
        Assert.Equal("Healthy", await monitoring.GetStringAsync(new Uri(Routes.Live, UriKind.Relative)));
        foreach (var path in new[] { "/", "/code", Routes.Session, Routes.MyCode })
        {
            using var answer = await monitoring.GetAsync(new Uri(path, UriKind.Relative));
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
        session.Dispose();
    }

    [Fact]
    public async Task A_request_is_traced_to_the_journal_and_nothing_in_its_trace_tells_of_whom_it_was()
    {
        var traces = new ConcurrentQueue<Activity>();
        await using var region = new TestRegion
        {
            Options = options => options with { Traced = true },
            Configure = builder => builder.Services.ConfigureOpenTelemetryTracerProvider(
                tracing => tracing.AddProcessor(new SimpleActivityExportProcessor(new Collected(traces)))),
        };
        await region.InitializeAsync();
        var (session, resident) = await region.AppliedAsync();
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.4m, "no"));
        var code = await session.GetAsync<CodeState>(Routes.MyCode);
        using var guard = await region.StaffAsync(Roles.Guard);
        await guard.MustAsync(HttpStatusCode.OK, $"/v1/places/{region.Place}/scans", new ScanRequest(code.Code, null));
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var looked = await epidemiologist.MustAsync<PersonState>(
            HttpStatusCode.OK, Routes.LookUps, new LookUpRequest("citizen-id", resident.Document.Normalized, "a test of traces"));
        var evidence = Assert.Single(looked.Evidence, fact => fact.Kind == "declaration" && fact.Detail!.En.Contains("38.4", StringComparison.Ordinal)).Id;
        using var answered = await session.PostAsync($"/v1/me/questions/{evidence}", new QuestionAnswer(true));
        await region.DisposeAsync();

        var report = traces.Single(activity => activity.DisplayName == $"POST {Routes.MyReports}");
        var ofReport = traces.Where(activity => activity.TraceId == report.TraceId).ToDictionary(activity => activity.SpanId);
        var append = Assert.Single(ofReport.Values, activity => activity.DisplayName == "journal append");
        var way = new List<string>();
        for (var at = append; at is not null; at = ofReport.GetValueOrDefault(at.ParentSpanId))
            way.Add(at.DisplayName);
        Assert.Equal("journal append", way[0]);
        Assert.Contains("partition accept", way);
        Assert.Equal(report.DisplayName, way[^1]);
        Assert.Contains(traces, activity => activity.DisplayName == "partition show");

        string[] secrets =
        [
            resident.Name.Full, resident.Document.Normalized, resident.Phone.Normalized, looked.Person, code.Code, code.MaskedName, evidence,
            region.Place, region.Password, "127.0.0.1", "38.4",
        ];
        foreach (var said in traces.SelectMany(SaidBy))
            Assert.All(secrets, secret => Assert.False(said.Contains(secret, StringComparison.OrdinalIgnoreCase), $"a trace says {said}"));
        session.Dispose();
    }

    private static IEnumerable<string> SaidBy(Activity activity) =>
    [
        activity.DisplayName, activity.OperationName, activity.StatusDescription ?? "",
        .. activity.TagObjects.Select(tag => $"{tag.Key}={tag.Value}"), .. activity.Baggage.Select(tag => $"{tag.Key}={tag.Value}"),
        .. activity.Events.SelectMany(happened => happened.Tags.Select(tag => $"{happened.Name} {tag.Key}={tag.Value}")),
    ];

    private static string KindOf(System.Diagnostics.Metrics.Instrument instrument) => instrument.GetType().Name.Split('`')[0] switch
    {
        "Counter" => "counter", "Histogram" => "histogram", "UpDownCounter" => "up-down counter", "ObservableGauge" => "gauge", var other => other,
    };

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class Collected(ConcurrentQueue<Activity> traces) : BaseExporter<Activity>
    {
        public override ExportResult Export(in Batch<Activity> batch)
        {
            foreach (var activity in batch)
                traces.Enqueue(activity);
            return ExportResult.Success;
        }
    }
}
