using System.Globalization;
using System.Text.RegularExpressions;

namespace HealthCode.Domain.Tests;

/// <summary>One person's history as a table, day by day, with the colour and the rules that hold in the evening.</summary>
/// <remarks>
/// Columns stand two or more spaces apart. A day is a number or a span such as <c>2-8</c>, where every day has the row's
/// evidence and the row's colour. Evidence comes in the morning, one after the other when <c>;</c> parts it; the colour
/// is decided at 20:00. Day 1 is 2020-03-02. First and last day of a span belong to it.
///
/// <code>
///   reports normal | declares fever | declares 37.3 | declares cough | declares contact | declares unsure contact
///   stays in AREA from DAY [to DAY] [sure PERCENT]        reported today, whenever it was
///   area AREA LEVEL from DAY [to DAY]                     as known from today; the same area and level again replaces it
///   diagnosed suspected|confirmed|asymptomatic [on DAY]   recovered   excluded   scanned
///   corrected diagnosis|stay|report [of DAY]              the latest one that still stands
/// </code>
/// </remarks>
internal sealed partial class History
{
    private const int MinutesToFirst = 8 * 60;
    private const int MinutesToDecision = 20 * 60;

    private static readonly PersonId Person = new(1, 2);
    private static readonly Day BeforeFirst = Day.Of(new DateOnly(2020, 3, 1));

    private readonly PersonRecord record = new(Person);
    private AreaRisks areas = AreaRisks.None;
    private int facts;
    private int today;
    private int minute;

    public static void Check(string table) => Check(table, Editions.Hangzhou);

    public static void Check(string table, PlanEdition edition)
    {
        var history = new History();
        foreach (var line in table.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0).Skip(1))
        {
            if (Gap().Split(line) is not [var days, var evidence, var colour, var reasons])
                throw new FormatException($"A row has day, evidence, colour and reasons, two spaces apart: {line}");
            foreach (var day in DaysOf(days))
                history.CheckRow(day, evidence, $"{colour} {reasons}", edition);
        }
    }

    private void CheckRow(int day, string evidence, string expected, PlanEdition edition)
    {
        if (day < today)
            throw new FormatException($"Day {day} stands after day {today}.");
        minute = day == today ? minute : 0;
        today = day;
        foreach (var fact in evidence == "-" ? [] : evidence.Split(';', StringSplitOptions.TrimEntries))
            Take(fact);

        var now = At(day, MinutesToDecision);
        var explanation = Explanation.Of(record, areas, edition, now);
        var reasons = string.Join(' ', explanation.Rules.Where(rule => rule.Finding.Holds).Select(rule => rule.Rule.Number));
        var actual = $"{explanation.Decision.Colour.ToString().ToLowerInvariant()} {(reasons.Length == 0 ? "-" : reasons)}";
        Assert.True(expected == actual, $"Day {day}, after \"{evidence}\": expected {expected}, but it is {actual}");
    }

    private void Take(string fact)
    {
        var words = fact.Split(' ');
        if (words[0] == "area")
            areas = areas.With(RiskOf(words));
        else
            Assert.True(record.Fold(EvidenceOf(words, fact)));
    }

    private Evidence EvidenceOf(string[] words, string fact) => words switch
    {
        ["reports", "normal"] => Declares(Symptoms.None, 365),
        ["declares", "fever"] => Declares(Symptoms.Fever, 381),
        ["declares", "cough"] => Declares(Symptoms.DryCough, 365),
        ["declares", "contact"] => Declares(Symptoms.None, 365, DeclaredContact.Yes),
        ["declares", "unsure", "contact"] => Declares(Symptoms.None, 365, DeclaredContact.Unsure),
        ["declares", var degrees] => Declares(Symptoms.None, (short)(decimal.Parse(degrees, CultureInfo.InvariantCulture) * 10)),
        ["stays", "in", var area, "from", var from, .. var rest] => new Stay
        {
            Id = NextId(), Person = Person, Happened = At(Number(from)), Received = Now(), Source = Source.Resident,
            Area = AreaOf(area), Until = EndOf(rest, "to"), Confidence = (byte)(After(rest, "sure") ?? 100),
        },
        ["diagnosed", var status, .. var rest] => Diagnosed(Enum.Parse<DiagnosisStatus>(status, ignoreCase: true), rest),
        ["recovered", .. var rest] => Diagnosed(DiagnosisStatus.Recovered, rest),
        ["excluded", .. var rest] => Diagnosed(DiagnosisStatus.Excluded, rest),
        ["scanned"] => new Visit
        {
            Id = NextId(), Person = Person, Happened = Now(), Received = Now(), Source = Source.Checkpoint, Place = "gate", Area = AreaOf("330106"),
            TemperatureTenths = 390,
        },
        ["corrected", var which, .. var rest] => new Correction
        {
            Id = NextId(), Person = Person, Happened = Now(), Received = Now(), Source = Source.CommunityWorker,
            Corrects = Latest(which, After(rest, "of")).Id, Reason = "wrong",
        },
        _ => throw new FormatException($"Nobody knows how to read \"{fact}\"."),
    };

    private Declaration Declares(Symptoms symptoms, short tenths, DeclaredContact contact = DeclaredContact.No) => new()
    {
        Id = NextId(), Person = Person, Happened = Now(), Received = Now(), Source = Source.Resident, Symptoms = symptoms,
        TemperatureTenths = tenths, Contact = contact,
    };

    private Diagnosis Diagnosed(DiagnosisStatus status, string[] rest) => new()
    {
        Id = NextId(), Person = Person, Happened = After(rest, "on") is { } day ? At(day, MinutesToFirst) : Now(), Received = Now(),
        Source = Source.Epidemiologist, Status = status, Institution = "First Hospital",
    };

    private Evidence Latest(string which, int? day)
    {
        foreach (var evidence in record.Standing.ToArray().Reverse())
        {
            var right = (which, evidence) is ("diagnosis", Diagnosis) or ("stay", Stay) or ("report", Declaration);
            if (right && (day is null || Day.Of(evidence.Happened).Value == BeforeFirst.Value + day))
                return evidence;
        }
        throw new FormatException($"There is no {which} to correct.");
    }

    private AreaRisk RiskOf(string[] words)
    {
        if (words is not ["area", var area, var level, "from", var from, .. var rest])
            throw new FormatException($"An area's risk is \"area AREA LEVEL from DAY [to DAY]\", not \"{string.Join(' ', words)}\".");
        var risk = Enum.Parse<RiskLevel>(level, ignoreCase: true);
        var id = new Guid((int)risk, 0, 0, BitConverter.GetBytes(AreaOf(area).Value));
        return new AreaRisk(id, AreaOf(area), risk, At(Number(from)), EndOf(rest, "to"), "outbreak", "epidemiologist", Now());
    }

    private EvidenceId NextId() => new((ulong)++facts);

    // Each fact of a day has a minute of its own, so that the later of two is later.
    private Minute Now() => At(today, MinutesToFirst + minute++);

    private static Minute At(int day, int minutes = 0) => new(BeforeFirst.Plus(day).Start.Value + minutes);

    private static Minute EndOf(string[] rest, string word) => After(rest, word) is { } day ? At(day + 1) : Minute.Never;

    private static int? After(string[] rest, string word)
    {
        var index = Array.IndexOf(rest, word);
        return index < 0 ? null : Number(rest[index + 1]);
    }

    private static int Number(string word) => int.Parse(word, CultureInfo.InvariantCulture);

    private static AreaCode AreaOf(string digits) =>
        AreaCode.TryParse(digits, out var area) ? area : throw new FormatException($"{digits} is no area.");

    private static IEnumerable<int> DaysOf(string days) => days.Split('-') switch
    {
        [var one] => [Number(one)],
        [var first, var last] => Enumerable.Range(Number(first), Number(last) - Number(first) + 1),
        _ => throw new FormatException($"{days} is neither a day nor a span of days."),
    };

    [GeneratedRegex(" {2,}")]
    private static partial Regex Gap();
}
