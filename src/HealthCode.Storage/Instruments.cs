using System.Diagnostics;
using System.Diagnostics.Metrics;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Everything that a node measures of itself, and where its traces come from: the one place, whichever layer counts.</summary>
/// <remarks>
/// Units are UCUM's, durations in seconds. No tag may name a person, a place or a code, or tell colours apart: who counts
/// the displays of a small place by colour knows who is red. Tags have few values, all known beforehand.
/// <c>docs/reference/metrics.md</c> lists them all, and a test compares the two. They belong to the process, as a process is
/// one node; without a listener each costs some nanoseconds.
/// </remarks>
public static class Instruments
{
    /// <summary>The name of meter and traces.</summary>
    public const string Name = "HealthCode";

    private static readonly Meter Meter = new(Name);

    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    private static readonly InstrumentAdvice<int> Counts = new() { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] };

    // As tags, made once: an enumeration's name would be a new string for every fact.
    private static readonly string[] KindNames =
        [.. Enumerable.Range(0, byte.MaxValue + 1).Select(kind => ((EvidenceKind)kind).ToString().ToLowerInvariant())];

    private static readonly string[] AnswerNames = ["", "accepted", "known", "key-reused"];

    private static Func<(bool IsHeld, double AgeSeconds)>? lease;

    public static ActivitySource Traces { get; } = new(Name);

    /// <summary>Codes that partitions of this node have shown.</summary>
    public static Counter<long> Displays { get; } = Meter.CreateCounter<long>(
        "healthcode.displays", "{display}", "Codes shown by the partitions of this node");

    /// <summary>What whoever asked this node for a code has waited, wherever the partition is.</summary>
    public static Histogram<double> DisplayDuration { get; } = Meter.CreateHistogram(
        "healthcode.display.duration", "s", "From a resident's request for the code to its answer, wherever the partition is", null, Seconds);

    public static Counter<long> Decisions { get; } = Meter.CreateCounter<long>(
        "healthcode.decisions", "{decision}", "Decisions made by the partitions of this node, for displays, checks and staff");

    /// <summary>Count by <see cref="CountEvidence"/>.</summary>
    public static Counter<long> Evidence { get; } = Meter.CreateCounter<long>(
        "healthcode.evidence", "{fact}", "Facts answered, by kind and answer: accepted, known or key-reused");

    public static Histogram<double> AppendDuration { get; } = Meter.CreateHistogram(
        "healthcode.append.duration", "s", "A partition's append, from its turn until it is durable", null, Seconds);

    public static Histogram<int> AppendFacts { get; } = Meter.CreateHistogram(
        "healthcode.append.facts", "{fact}", "Facts in one append of a partition", null, Counts);

    public static Histogram<double> CommitDuration { get; } = Meter.CreateHistogram(
        "healthcode.commit.duration", "s", "One commit of the journal, with all appends that waited for it", null, Seconds);

    public static Histogram<int> CommitBatches { get; } = Meter.CreateHistogram(
        "healthcode.commit.batches", "{batch}", "Batches in one commit of the journal", null, Counts);

    public static UpDownCounter<long> FactsWaiting { get; } = Meter.CreateUpDownCounter<long>(
        "healthcode.facts.waiting", "{fact}", "Facts that wait in the partitions of this node, those under way included");

    /// <summary>Tag <c>outcome</c>: written, not-written, used or not-used.</summary>
    public static Counter<long> Snapshots { get; } = Meter.CreateCounter<long>(
        "healthcode.snapshots", "{snapshot}", "Snapshots by outcome: written, not-written, used at a start, or not-used because they were damaged");

    public static UpDownCounter<long> Partitions { get; } = Meter.CreateUpDownCounter<long>(
        "healthcode.partitions", "{partition}", "Partitions that this node answers for");

    /// <summary>Tag <c>answer</c>: accepted, known or refused.</summary>
    public static Counter<long> FeedLines { get; } = Meter.CreateCounter<long>(
        "healthcode.feed.lines", "{line}", "Lines of feeds, by answer: accepted, known or refused");

    /// <summary>Tag <c>refusal</c>: its name.</summary>
    public static Counter<long> Refusals { get; } = Meter.CreateCounter<long>(
        "healthcode.refusals", "{refusal}", "Requests refused, by the refusal's name");

    /// <summary>Tag <c>load</c>: display, read, write or feed.</summary>
    public static Counter<long> Shed { get; } = Meter.CreateCounter<long>(
        "healthcode.requests.shed", "{request}", "Requests refused because as many as may were under way, by load: display, read, write or feed");

    private static readonly ObservableGauge<int> LeaseHeld = Meter.CreateObservableGauge(
        "healthcode.lease.held", () => Lease(read => read.IsHeld ? 1 : 0), "{lease}", "Whether all that was acknowledged anywhere is shown here: 1 or 0");

    private static readonly ObservableGauge<double> LeaseAge = Meter.CreateObservableGauge(
        "healthcode.lease.age", () => Lease(read => read.AgeSeconds), "s", "How long ago this node last knew all that was acknowledged; 0 on its own");

    /// <summary>All that there are, for the reference page's test.</summary>
    public static IReadOnlyList<Instrument> All { get; } =
    [
        Displays, DisplayDuration, Decisions, Evidence, AppendDuration, AppendFacts, CommitDuration, CommitBatches, FactsWaiting, Snapshots, Partitions,
        LeaseHeld, LeaseAge, FeedLines, Refusals, Shed,
    ];

    public static void CountEvidence(EvidenceKind kind, Acceptance answer) =>
        Evidence.Add(1, new("kind", KindNames[(byte)kind]), new("answer", AnswerNames[(byte)answer]));

    /// <summary>From where the lease is read; the last one to say so counts.</summary>
    public static void WatchLease(Func<(bool IsHeld, double AgeSeconds)> reading) => lease = reading;

    private static IEnumerable<Measurement<T>> Lease<T>(Func<(bool IsHeld, double AgeSeconds), T> part) where T : struct =>
        lease is { } reading ? [new Measurement<T>(part(reading()))] : [];
}
