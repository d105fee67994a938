using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DuckDB.NET.Data;
using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Benchmarks;

/// <summary>Deciding for a whole population under the 9th edition, against the same rules as SQL and as CertLogic.</summary>
/// <remarks>
/// All sides decide at the same moment over the same people, on the same number of threads, and must give everybody the same
/// colour: a run in which they do not is an error and measures nothing. The ratios are of processor time, which other work
/// on the machine disturbs least; seconds on the wall are reported beside it. DuckDB writes a row with colour and reasons for each
/// person, as ours does. CertLogic, which has no look-ups, gets every exposure and count worked out beforehand.
/// </remarks>
internal static class PolicyBench
{
    private const int Rounds = 5;
    private const int SlowRounds = 3;
    private const int ForCertLogic = 50_000;
    private const double Goal = 10;

    public static async Task RunAsync(int people, string folder)
    {
        var policy = new Policy(EditionFile.Load(Path.Combine(AppContext.BaseDirectory, "editions", "national-9.yaml")));
        var risks = Population.Risks();
        var areas = risks.Aggregate(AreaRisks.None, (all, risk) => all.With(risk));
        using var duck = new DuckDBConnection("Data Source=:memory:");
        duck.Open();
        Execute(duck, $"SET threads = {Environment.ProcessorCount}");

        var tables = Fill(people, duck, risks);
        var bytes = tables.Sum(table => table.Bytes) / (double)people;
        Say($"{people:N0} records, {bytes:0} bytes each");

        var colours = new byte[people];
        var holding = new ulong[people];
        var (ours, allocated) = Ours(tables, policy, areas, colours, holding);
        Say($"ours         {ours}");
        var theirs = DuckDb(duck, colours, holding);
        Say($"DuckDB       {theirs}");
        var sample = Math.Min(people, ForCertLogic);
        var certLogic = await CertLogicAsync(duck, sample, colours, folder);
        Say($"certlogic-js {certLogic:0.000} s for {sample:N0} people");

        // The ladder below ours: the records read and nothing decided, and decided where no area is at risk.
        var reading = Each(people, tables, (table, index) => table[index].Kinds);
        var calm = Each(people, tables, (table, index) => policy.Decide(table[index], AreaRisks.None, Population.Now).Holding);
        var certPerSecond = sample / certLogic;
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            bench = "policy", ratio = Math.Round(theirs.Processor / ours.Processor, 1), goal = Goal, unit = "x DuckDB, processor time",
            detail = new
            {
                people, edition = policy.Edition.Id, threads = Environment.ProcessorCount,
                secondsOurs = Round(ours.Wall), secondsDuckDb = Round(theirs.Wall),
                processorSecondsOurs = Round(ours.Processor), processorSecondsDuckDb = Round(theirs.Processor),
                secondsFor10Million = Round(ours.Wall * 10_000_000 / people), goalSecondsFor10Million = 1.0,
                processorSecondsFor10MillionPerThread = Round(ours.Processor / Environment.ProcessorCount * 10_000_000 / people),
                certLogicPerSecond = Math.Round(certPerSecond), timesCertLogic = Math.Round(people / ours.Processor / certPerSecond, 1), goalTimesCertLogic = 30,
                nanosecondsEach = Math.Round(ours.Processor * 1e9 / people, 1), nanosecondsOfThatReading = reading, nanosecondsWithNoAreaAtRisk = calm,
                bytesPerPerson = Math.Round(bytes, 1), goalBytesPerPerson = 128, bytesAllocatedPerDecision = Math.Round(allocated / (double)people / Rounds, 3),
                green = colours.LongCount(colour => colour == (byte)Colour.Green), yellow = colours.LongCount(colour => colour == (byte)Colour.Yellow),
                red = colours.LongCount(colour => colour == (byte)Colour.Red),
            },
        }));
    }

    /// <summary>Seconds of the best round: on the wall, and of all processors together.</summary>
    private readonly record struct Best(double Wall, double Processor)
    {
        public static readonly Best None = new(double.MaxValue, double.MaxValue);

        public Best With(TimeSpan wall, TimeSpan processor) => new(Math.Min(Wall, wall.TotalSeconds), Math.Min(Processor, processor.TotalSeconds));

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Wall:0.000} s, {Processor:0.000} s of processor time");
    }

    private static Best Measure(int rounds, Action work)
    {
        work();
        var best = Best.None;
        using var self = Process.GetCurrentProcess();
        for (var round = 0; round < rounds; round++)
        {
            self.Refresh();
            var (before, watch) = (self.TotalProcessorTime, Stopwatch.StartNew());
            work();
            self.Refresh();
            best = best.With(watch.Elapsed, self.TotalProcessorTime - before);
        }
        return best;
    }

    private static List<RecordTable> Fill(int people, DuckDBConnection duck, IReadOnlyList<AreaRisk> risks)
    {
        Execute(duck, """
            CREATE TABLE people (p INTEGER);
            CREATE TABLE stays (p INTEGER, s INTEGER, until INTEGER, area BIGINT, sure UTINYINT);
            CREATE TABLE declarations (p INTEGER, s INTEGER, symptoms USMALLINT, tenths USMALLINT);
            CREATE TABLE facts (p INTEGER, k UTINYINT, d UTINYINT, s INTEGER);
            CREATE TABLE negatives (p INTEGER, s INTEGER);
            CREATE TABLE risks (risk BIGINT, digits TINYINT, level TINYINT, begins INTEGER, ends INTEGER)
            """);
        Execute(duck, $"INSERT INTO people SELECT range FROM range({people})");
        foreach (var risk in risks)
        {
            var digits = risk.Area.Depth;
            var scale = digits switch { 12 => 1, 9 => 1_000, _ => 1_000_000 };
            Execute(duck, string.Create(CultureInfo.InvariantCulture, $"INSERT INTO risks VALUES ({risk.Area.Value / scale}, {digits}, {(int)risk.Level}, {risk.From.Value}, {risk.Until.Value})"));
        }

        const int perTable = 50_000;
        var tables = new List<RecordTable>();
        using var stays = duck.CreateAppender("stays");
        using var declarations = duck.CreateAppender("declarations");
        using var facts = duck.CreateAppender("facts");
        using var negatives = duck.CreateAppender("negatives");
        var population = new Population();
        for (var person = 0; person < people; person++)
        {
            if (person % perTable == 0)
                tables.Add(new RecordTable(Math.Min(perTable, people - person)));
            var record = population.Of(person);
            tables[^1].Add(new PersonId((ulong)person, 1), record);
            foreach (ref readonly var entry in record.Entries)
            {
                switch (entry.Kind)
                {
                    case EvidenceKind.Stay:
                        stays.CreateRow().AppendValue(person).AppendValue(entry.Start.Value).AppendValue(entry.Until.Value).AppendValue(entry.Value).AppendValue(entry.Confidence).EndRow();
                        break;
                    case EvidenceKind.Declaration:
                        declarations.CreateRow().AppendValue(person).AppendValue(entry.Start.Value).AppendValue((ushort)entry.Symptoms).AppendValue((ushort)entry.TemperatureTenths).EndRow();
                        break;
                    default:
                        facts.CreateRow().AppendValue(person).AppendValue((byte)entry.Kind).AppendValue(entry.Detail).AppendValue(entry.Start.Value).EndRow();
                        break;
                }
            }
            foreach (var test in record.NegativeTests)
                negatives.CreateRow().AppendValue(person).AppendValue(test.Value).EndRow();
        }
        return tables;
    }

    private static (Best Best, long Allocated) Ours(List<RecordTable> tables, Policy policy, AreaRisks areas, byte[] colours, ulong[] holding)
    {
        var begins = new int[tables.Count];
        for (var index = 1; index < tables.Count; index++)
            begins[index] = begins[index - 1] + tables[index - 1].Count;
        void Decide(int table)
        {
            for (var index = 0; index < tables[table].Count; index++)
            {
                var decision = policy.Decide(tables[table][index], areas, Population.Now);
                (colours[begins[table] + index], holding[begins[table] + index]) = ((byte)decision.Colour, decision.Holding);
            }
        }
        Parallel.For(0, tables.Count, Decide);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        return (Measure(Rounds, () => Parallel.For(0, tables.Count, Decide)), GC.GetTotalAllocatedBytes(precise: true) - before);
    }

    private static double Each(int people, List<RecordTable> tables, Func<RecordTable, int, ulong> work)
    {
        var sum = 0UL;
        var best = Measure(Rounds, () => Parallel.For(0, tables.Count, table =>
        {
            var of = 0UL;
            for (var index = 0; index < tables[table].Count; index++)
                of += work(tables[table], index);
            Interlocked.Add(ref sum, of);
        }));
        return Math.Round(best.Processor * 1e9 / people, 1);
    }

    private static Best DuckDb(DuckDBConnection duck, byte[] colours, ulong[] holding)
    {
        var sql = "CREATE OR REPLACE TABLE decisions AS " + Sql("policy.sql");
        var best = Measure(SlowRounds, () => Execute(duck, sql));
        using var command = duck.CreateCommand();
        command.CommandText = "SELECT p, colour, holding FROM decisions";
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            var person = rows.GetInt32(0);
            if (rows.GetInt32(1) != colours[person] || (ulong)rows.GetInt32(2) != holding[person])
                throw new InvalidOperationException($"Person {person}: DuckDB says {rows.GetInt32(1)} by {rows.GetInt32(2)}, the policy {colours[person]} by {holding[person]}.");
        }
        return best;
    }

    private static async Task<double> CertLogicAsync(DuckDBConnection duck, int sample, byte[] colours, string folder)
    {
        var certLogic = Path.Combine(AppContext.BaseDirectory, "certlogic");
        if (!Directory.Exists(Path.Combine(certLogic, "node_modules")))
            await RunAsync("npm", ["ci", "--silent"], certLogic);
        var inputs = Path.Combine(folder, "inputs.jsonl");
        await using (var file = new StreamWriter(inputs))
        {
            using var command = duck.CreateCommand();
            command.CommandText = Sql("policy.sql")[..Sql("policy.sql").IndexOf("-- decisions", StringComparison.Ordinal)]
                + Sql("certlogic.sql").Replace("$sample", $"{sample}", StringComparison.Ordinal);
            using var rows = command.ExecuteReader();
            while (rows.Read())
                await file.WriteLineAsync(rows.GetString(0));
        }
        var answer = JsonDocument.Parse(await RunAsync("node", ["rules.mjs", inputs], certLogic)).RootElement;
        var theirs = answer.GetProperty("colours").GetString()!;
        for (var person = 0; person < sample; person++)
        {
            if (theirs[person] - '0' != colours[person])
                throw new InvalidOperationException($"Person {person}: CertLogic says {theirs[person]}, the policy {colours[person]}.");
        }
        return answer.GetProperty("seconds").GetDouble();
    }

    private static async Task<string> RunAsync(string program, string[] arguments, string folder)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed.");
    }

    private static string Sql(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, file))
        .Replace("$now", Population.Now.Value.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private static void Execute(DuckDBConnection duck, string sql)
    {
        using var command = duck.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static void Say(string text) => Console.WriteLine(text);

    private static double Round(double seconds) => Math.Round(seconds, 3);
}
