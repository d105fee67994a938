namespace HealthCode.Storage.Tests;

/// <summary>The numbers of a trial against a recount that knows nothing of partitions, streams or tallies.</summary>
public sealed class WhatIfTests : IAsyncLifetime
{
    private const int Partitions = 8;
    private const int People = 400;

    private static readonly string Hangzhou = EditionLibrary.Find("hangzhou-2020-02", Path.Combine(AppContext.BaseDirectory, "editions"))!.Text;
    private static readonly Policy InForce = new(EditionFile.Parse(Hangzhou, "hangzhou-2020-02.yaml"));

    /// <summary>Fever is red, a stay at medium risk nothing at all.</summary>
    private static readonly Policy Draft = new(EditionFile.Parse(
        Hangzhou.Replace("number: Y2\n    colour: yellow", "number: Y9\n    colour: red", StringComparison.Ordinal)
            .Replace("stay: [medium]", "stayIn: [\"110101\"]", StringComparison.Ordinal), "draft.yaml"));

    private static readonly Day Today = Day.Of(new DateOnly(2020, 3, 20));
    private static readonly Minute Now = new(Today.Start.Value + (12 * 60));
    private static readonly long[] Counties = [330_106_000_000, 330_102_000_000, 330_108_000_000];

    private readonly MemoryJournal journal = new();
    private readonly List<Evidence> all = [];
    private readonly AreaRisk risk = new(
        Guid.NewGuid(), new(420_106_000_000), RiskLevel.Medium, Today.Plus(-20).Start, Minute.Never, "outbreak", "epi", Today.Plus(-3).Start);

    private readonly Dictionary<PersonId, short> born = [];
    private TemporaryBackOffice office = null!;

    public async ValueTask InitializeAsync() => office = await TemporaryBackOffice.OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await journal.DisposeAsync();
        await office.DisposeAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(6)]
    public async Task The_numbers_are_those_of_a_naive_recount(int daysAgo)
    {
        await FillAsync();
        var at = daysAgo == 0 ? Now : WhatIf.MomentOf(Today.Plus(-daysAgo), Now);
        var reports = new List<WhatIfProgress>();
        var outcome = await new WhatIf(new EvidenceStore(journal, new MemoryKeyStore(), new MemorySnapshotStore(), new KeyWrap(new byte[32])), office.Contexts, Partitions, TimeProvider.System)
            .RunAsync(new(InForce, Draft, at), new Heard(reports), TestContext.Current.CancellationToken);

        var areas = risk.SetAt <= at ? AreaRisks.None.With(risk) : AreaRisks.None;
        var counted = RecordsAt(at).Select(record => (
            Record: record, Old: Explanation.Of(record, areas, InForce, at), New: Explanation.Of(record, areas, Draft, at))).ToList();
        Assert.Equal(counted.Count, outcome.People);
        Assert.Equal(counted.Count(person => person.Old.Decision.Colour != person.New.Decision.Colour), outcome.Changed);
        foreach (var (from, to) in ColourTable.Ways)
        {
            var way = counted.Where(person => person.Old.Decision.Colour == from && person.New.Decision.Colour == to).ToList();
            Assert.Equal(way.Count, outcome.Colours[from, to]);
            Assert.All(outcome.Areas, area => Assert.Contains(
                area.Shown(from, to), new long?[] { null, way.Count(person => CountyOf(person.Record) == area.Key) }));
            Assert.All(outcome.Decades, decade => Assert.Contains(
                decade.Shown(from, to), new long?[] { null, way.Count(person => born.GetValueOrDefault(person.Record.Person) == decade.Key) }));
        }
        Assert.All(outcome.Rules, rule =>
        {
            var held = counted.Select(person => (Was: Holds(person.Old, rule.Number), Is: Holds(person.New, rule.Number))).ToList();
            Assert.Equal(
                (held.Count(pair => pair.Was), held.Count(pair => pair.Is), held.Count(pair => pair.Is && !pair.Was), held.Count(pair => pair.Was && !pair.Is)),
                ((int)rule.Before, (int)rule.After, (int)rule.Gained, (int)rule.Lost));
        });
        Assert.Equal(["R1", "R2", "R3", "R4", "Y1", "Y9", "Y2"], outcome.Rules.Select(rule => rule.Number));
        Assert.Equal(Enumerable.Range(1, Partitions), reports.Select(report => report.PartitionsDone));
        Assert.True(daysAgo > 0 || outcome.Changed > 20, "The sample is too dull to tell anything.");
    }

    [Fact]
    public async Task No_group_below_five_is_told_of_and_none_can_be_reckoned_from_the_others()
    {
        await FillAsync();
        var outcome = await new WhatIf(new EvidenceStore(journal, new MemoryKeyStore(), new MemorySnapshotStore(), new KeyWrap(new byte[32])), office.Contexts, Partitions, TimeProvider.System).RunAsync(new(InForce, Draft, Now), null, TestContext.Current.CancellationToken);

        Assert.All(outcome.Shapes, shape => Assert.True(shape.People >= WhatIfOutcome.GroupMin));
        foreach (var (from, to) in ColourTable.Ways)
        {
            var shown = outcome.Areas.Select(area => area.Shown(from, to)).ToList();
            Assert.All(shown, number => Assert.True(number is null or >= WhatIfOutcome.GroupMin));
            Assert.NotEqual(1, shown.Count(number => number is null));
            Assert.All(outcome.Decades, decade => Assert.True(decade.Shown(from, to) is null or >= WhatIfOutcome.GroupMin));
        }
        Assert.Equal([0, 1940, 1970, 2000], outcome.Decades.Select(decade => (int)decade.Key));
        Assert.Contains(outcome.Decades, decade => decade.Shown(Colour.Green, Colour.Green) is not null);
        Assert.Contains(outcome.Areas, area => area.Shown(Colour.Green, Colour.Green) is not null);
    }

    [Fact]
    public async Task A_trial_that_is_cancelled_ends_at_once()
    {
        await FillAsync();
        using var cancelled = new CancellationTokenSource();
        var after = new Cancelling(cancelled);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new WhatIf(new EvidenceStore(journal, new MemoryKeyStore(), new MemorySnapshotStore(), new KeyWrap(new byte[32])), office.Contexts, Partitions, TimeProvider.System).RunAsync(new(InForce, Draft, Now), after, cancelled.Token));
        Assert.Equal(1, after.Reports);
    }

    private static bool Holds(Explanation explanation, string number) => explanation.Rules.Any(rule => rule.Rule.Number == number && rule.Holds);

    private static AreaCode CountyOf(PersonRecord record)
    {
        var home = record.All.OfType<Stay>().Where(stay => stay.Until.IsNever && !record.IsWithdrawn(stay.Id)).MaxBy(stay => stay.Happened);
        return home is null ? default : new AreaCode(home.Area.Value / 1_000_000 * 1_000_000);
    }

    private IEnumerable<PersonRecord> RecordsAt(Minute at) => all.Where(fact => fact.Received <= at).GroupBy(fact => fact.Person).Select(person =>
    {
        var record = new PersonRecord(person.Key);
        foreach (var fact in person)
            record.Fold(fact);
        return record;
    });

    private async Task FillAsync()
    {
        var random = new Random(20200320);
        for (var index = 0; index < People; index++)
            all.AddRange(EvidenceOf(new PersonId((ulong)random.NextInt64(), (ulong)index), index, random));
        // Every fourth has not applied here: nothing is known of their age.
        var applied = all.Select(fact => fact.Person).Distinct().Index().Where(person => person.Index % 4 != 0).ToList();
        foreach (var (index, person) in applied)
            born[person] = (short)(1940 + (index % 3 * 30));
        await office.Vault.PutManyAsync(
            [.. applied.Select(person => (person.Item, new PersonProfile(
                "王安", DocumentType.CitizenId, CitizenNumber.Compose(990101, new DateOnly(born[person.Item] + (person.Index % 10), 5, 1), person.Index),
                $"12{person.Index:D9}", null, null)))], TestContext.Current.CancellationToken);
        foreach (var partition in all.OrderBy(fact => fact.Received).GroupBy(fact => fact.Person.PartitionOf(Partitions)))
        {
            foreach (var (sequence, batch) in partition.Chunk(50).Index())
                await journal.AppendAsync(JournalStreams.Of(partition.Key), sequence, EvidenceCodec.Encode(batch), TestContext.Current.CancellationToken);
        }
        await journal.AppendAsync(JournalStreams.Areas, 0, EvidenceCodec.EncodeRisks([risk]), TestContext.Current.CancellationToken);
    }

    private static IEnumerable<Evidence> EvidenceOf(PersonId person, int index, Random random)
    {
        var next = 0UL;
        EvidenceId Id() => new(++next);
        Minute Days(int daysAgo) => new(Today.Plus(-daysAgo).Start.Value + random.Next(600));
        var came = Days(30);
        // Every ninth has told of no residence; few live in the last county.
        if (index % 9 != 0)
            yield return new Stay
            {
                Id = Id(), Person = person, Happened = came, Received = came, Source = Source.Resident, Until = Minute.Never,
                Area = new(Counties[index % 100 == 1 ? 2 : index % 2] + (random.Next(3) * 1_000)),
            };
        if (index % 5 == 0)
        {
            var until = Days(random.Next(1, 12));
            var from = new Minute(until.Value - 2_000);
            yield return new Stay { Id = Id(), Person = person, Happened = from, Received = until, Source = Source.Resident, Area = new(420_106_000_000), Until = until };
        }
        for (var day = 10; day >= 0; day--)
        {
            if (random.Next(4) == 0)
                continue;
            var fever = random.Next(40) == 0;
            var at = Days(day);
            var report = new Declaration
            {
                Id = Id(), Person = person, Happened = at, Received = at, Source = Source.Resident, Symptoms = fever ? Symptoms.Fever : Symptoms.None,
                Contact = random.Next(300) == 0 ? DeclaredContact.Yes : DeclaredContact.No,
            };
            yield return report;
            if (fever && random.Next(3) == 0)
                yield return new Correction
                {
                    Id = Id(), Person = person, Happened = new(at.Value + 60), Received = new(at.Value + 60), Source = Source.CommunityWorker, Corrects = report.Id, Reason = "wrong",
                };
        }
    }

    private sealed class Heard(List<WhatIfProgress> reports) : IProgress<WhatIfProgress>
    {
        public void Report(WhatIfProgress value) => reports.Add(value);
    }

    private sealed class Cancelling(CancellationTokenSource cancelled) : IProgress<WhatIfProgress>
    {
        public int Reports { get; private set; }

        public void Report(WhatIfProgress value)
        {
            Reports++;
            cancelled.Cancel();
        }
    }
}
