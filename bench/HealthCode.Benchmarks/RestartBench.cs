using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using HealthCode.Domain;
using HealthCode.Storage;
using HealthCode.Tokens;

namespace HealthCode.Benchmarks;

/// <summary>A region's start from its snapshots, and a display in a large region against one in a small.</summary>
/// <remarks>
/// The people are those of <see cref="Population"/>, taken in as evidence by <see cref="RecordTable.Fold"/>, as a partition
/// does when its append is durable, and written as the snapshots of 256 partitions. Then a process of its own opens all of
/// them as the server does; nothing came after a snapshot, as after an orderly stop. Appending the evidence is no part of
/// what is measured, and the journal stays empty.
/// <para>
/// A display is what the partition does for it: it finds the record, decides, explains, finds what the person may prove, and
/// signs a code, as for everybody who has not shown one in the last minute. HTTP around it costs the same in any region. What is
/// left without the signature, the reading of the record, is told beside it.
/// </para>
/// </remarks>
internal static class RestartBench
{
    /// <summary>The word by which the bench starts the process that is measured.</summary>
    public const string Start = "restart-start";

    private const int Partitions = 256, Small = 10_000, SecondsGoal = 30;

    /// <summary>In each turn of a side: long enough for the clock, short enough that both meet the same machine.</summary>
    private const int Displays = 2_000, Readings = 20_000, Rounds = 61;

    /// <summary>Batches in which a partition's evidence came.</summary>
    private const int Batches = 256;

    private const double Goal = 1.2;

    public static async Task<int> RunAsync(int people)
    {
        var folder = Directory.CreateTempSubdirectory("healthcode-bench-").FullName;
        try
        {
            await BuildAsync(Path.Combine(folder, "small"), Small);
            await BuildAsync(Path.Combine(folder, "large"), people);
            GC.Collect();
            using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(RestartBench).Assembly.Location, Start, folder, $"{people}"]))!;
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>What the measured process does: it starts, and shows codes.</summary>
    public static async Task StartAsync(string folder, int people)
    {
        var large = await OpenAsync(Path.Combine(folder, "large"));
        var seconds = (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalSeconds;
        var ready = large.Sum(partition => partition.Records.Count);
        Console.WriteLine($"{ready:N0} people ready {seconds:F1} s after the process began");
        if (ready != people)
            throw new InvalidOperationException($"{people:N0} people were written, and {ready:N0} are there.");
        var small = await OpenAsync(Path.Combine(folder, "small"));
        GC.Collect();

        var plans = await PlansAsync();
        var areas = AreaRisks.None.With([.. Population.Risks()]);
        var issuer = new TokenIssuer(KeyRing.OpenOrCreate(Path.Combine(folder, "keys"), "330100", TimeProvider.System));
        var (inLarge, inSmall, readInLarge, readInSmall) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        var random = new Random(1);
        for (var round = 0; round < Rounds; round++)
        {
            readInSmall.Add(Measure(small, plans, areas, random, Readings, issuer: null));
            readInLarge.Add(Measure(large, plans, areas, random, Readings, issuer: null));
            inSmall.Add(Measure(small, plans, areas, random, Displays, issuer));
            inLarge.Add(Measure(large, plans, areas, random, Displays, issuer));
        }
        var (largeEach, smallEach, largeRead, smallRead) = (Median(inLarge), Median(inSmall), Median(readInLarge), Median(readInSmall));
        using var self = Process.GetCurrentProcess();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            bench = "restart", ratio = Math.Round(largeEach / smallEach, 3), goal = Goal, unit = "× a display at 10 thousand people",
            detail = new
            {
                peopleReady = ready, secondsToReady = Math.Round(seconds, 1), secondsGoal = SecondsGoal,
                bytesPerPerson = Math.Round(large.Sum(partition => (double)partition.Records.Bytes) / ready, 1),
                bytesPerPersonOfProcess = Math.Round(self.PeakWorkingSet64 / (double)ready, 1),
                nanosecondsPerDisplay = Math.Round(largeEach), nanosecondsPerDisplayAt10Thousand = Math.Round(smallEach),
                nanosecondsWithoutSignature = Math.Round(largeRead), nanosecondsWithoutSignatureAt10Thousand = Math.Round(smallRead),
                ratioWithoutSignature = Math.Round(largeRead / smallRead, 2), processors = Environment.ProcessorCount, partitions = Partitions,
            },
        }));
    }

    /// <returns>Nanoseconds that a display took.</returns>
    private static double Measure(PersonPartition[] partitions, PlanHistory plans, AreaRisks areas, Random random, int displays, TokenIssuer? issuer)
    {
        // Whom to show is drawn beforehand; whose record is where is left to the display.
        var people = new PersonId[displays];
        for (var index = 0; index < displays; index++)
        {
            var records = partitions[random.Next(Partitions)].Records;
            people[index] = records.PersonAt(random.Next(records.Count));
        }
        var begun = Stopwatch.GetTimestamp();
        var green = 0;
        foreach (var person in people)
        {
            var colour = Display(partitions, person, plans, areas);
            issuer?.Issue(person, colour, TimeProvider.System.GetUtcNow());
            green += colour == Colour.Green ? 1 : 0;
        }
        var took = Stopwatch.GetElapsedTime(begun);
        if (green == 0 || green == displays)
            throw new InvalidOperationException("Everybody has the same colour: this measures nothing.");
        return took.TotalNanoseconds / displays;
    }

    // As the server's partition does for a display: the record, the colour, the reasons when there are some, and the last test.
    private static Colour Display(PersonPartition[] partitions, PersonId person, PlanHistory plans, AreaRisks areas)
    {
        var records = partitions[person.PartitionOf(Partitions)].Records;
        var facts = records.Find(person);
        var decision = plans.Decide(facts, areas, Population.Now);
        if ((decision.Holding | decision.Asking) != 0)
            plans.Explain(person, facts, EvidenceBehind, areas, Population.Now);
        if (records.LastTest(person) is { IsNone: false, Encoded.IsEmpty: false } test)
            EvidenceCodec.DecodeFact(person, test.Id, test.Encoded.ToArray());
        return decision.Colour;

        Evidence EvidenceBehind(int entry)
        {
            var kept = records.EvidenceOf(person, entry);
            return EvidenceCodec.DecodeFact(person, kept.Id, kept.Encoded.ToArray())!;
        }
    }

    private static async Task<PersonPartition[]> OpenAsync(string folder)
    {
        var evidence = await StoreAsync(folder);
        var partitions = Enumerable.Range(0, Partitions).Select(number => new PersonPartition(number, evidence)).ToArray();
        var now = Population.Now.ToDateTimeOffset();
        await Parallel.ForEachAsync(
            partitions, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            async (partition, cancellation) => await partition.OpenAsync(fence: false, now, cancellation));
        return Array.Find(partitions, partition => partition.SnapshotProblem is not null) is { SnapshotProblem: { } problem }
            ? throw new InvalidOperationException(problem) : partitions;
    }

    private static async Task<EvidenceStore> StoreAsync(string folder)
    {
        var stores = RegionStores.Open(folder, StoreAddress.Folder);
        var master = Path.Combine(folder, "master.key");
        if (!File.Exists(master))
            await File.WriteAllBytesAsync(master, RandomNumberGenerator.GetBytes(32));
        return new EvidenceStore(stores.Journal, stores.Keys, stores.Snapshots, new KeyWrap(await File.ReadAllBytesAsync(master)));
    }

    private static async Task BuildAsync(string folder, int people)
    {
        var evidence = await StoreAsync(folder);
        var clock = Stopwatch.StartNew();
        var done = 0;
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Partitions), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            async (partition, cancellation) =>
            {
                await PartitionSnapshot.WriteAsync(evidence, JournalStreams.Of(partition), StateOf(partition, people), cancellation);
                if (Interlocked.Increment(ref done) % 16 == 0)
                    Console.Error.Write($"\rwriting {people:N0} people: {done} of {Partitions} partitions, {clock.Elapsed.TotalSeconds:N0} s ");
            });
        Console.Error.WriteLine();
    }

    // Everybody whose number has this rest: they are as many as of any other.
    private static PartitionState StateOf(int partition, int people)
    {
        var (state, population) = (new PartitionState(), new Population());
        var facts = new List<(Evidence Fact, byte[] Encoded)>();
        for (var person = partition; person < people; person += Partitions)
        {
            var id = IdOf(person);
            facts.AddRange(PopulationEvidence.Of(id, population.Of(person)));
            state.SetKey(id, 0, new UInt128(id.Low, id.High | 1));
        }
        facts.Sort((a, b) => a.Fact.Received.CompareTo(b.Fact.Received));
        for (var index = 0; index < facts.Count; index++)
        {
            if (!state.Records.Fold(facts[index].Fact, (long)index * Batches / facts.Count, facts[index].Encoded))
                throw new InvalidOperationException("A fact was there already.");
        }
        for (var batch = 0; batch < Batches; batch++)
            state.Skip(Segment.Of(RetentionClass.Standing, Population.Now));
        return state;
    }

    // The high half says which partition; it is spread by multiples of their number.
    private static PersonId IdOf(int person) => new(
        ((ulong)person * 0x9E37_79B9_7F4A_7C15 & ~(ulong)(Partitions - 1)) | (uint)(person % Partitions), (ulong)person * 0xD1B5_4A32_D192_ED03);

    private static async Task<PlanHistory> PlansAsync()
    {
        const string edition = "national-9";
        var start = new Minute(1);
        return PlanHistory.Empty.With(new EditionApproved
        {
            Edition = edition, By = "start", Author = "start", At = start, Reason = "", Cases = "", InForceFrom = start,
            Text = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "editions", edition + ".yaml")),
        });
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
