using System.Globalization;
using System.Text.RegularExpressions;

namespace HealthCode.Domain;

/// <summary>How one case of an edition came out.</summary>
/// <param name="Title">What the case tells, from its line that begins with <c>#</c>.</param>
/// <param name="Line">The line of the problem; of the title when there is none. From 1.</param>
/// <param name="Problem">What was expected and what is; null when the case passed.</param>
public sealed record CaseResult(string Title, int Line, string? Problem);

/// <summary>
/// Histories of one person each, day by day, with the decision that is expected in the evening: what a public-health officer
/// writes to say what an edition means. <c>docs/reference/editions.md</c> lists the words.
/// </summary>
public static class CaseTable
{
    /// <summary>Plays every case of the text and says how each came out. A row that cannot be read is its case's problem.</summary>
    public static IReadOnlyList<CaseResult> Check(string text, Policy policy)
    {
        ArgumentNullException.ThrowIfNull(text);
        var results = new List<CaseResult>();
        var (title, at, rows) = ("", 0, new List<(int Line, string Text)>());
        void Finish()
        {
            if (rows.Count > 0)
                results.Add(Play(title, at, rows, policy));
            rows = [];
        }

        foreach (var (line, words) in text.Split('\n').Select((line, index) => (index + 1, line.Trim())).Where(line => line.Item2.Length > 0))
        {
            if (words[0] == '#')
            {
                Finish();
                (title, at) = (words[1..].Trim(), line);
            }
            else if (!words.StartsWith("day ", StringComparison.Ordinal))
                rows.Add((line, words));
        }
        Finish();
        return results;
    }

    private static CaseResult Play(string title, int at, List<(int Line, string Text)> rows, Policy policy)
    {
        var history = new CaseHistory(policy);
        foreach (var (line, text) in rows)
        {
            try
            {
                if (history.Play(text) is { } problem)
                    return new CaseResult(title, line, problem);
            }
            catch (FormatException failure)
            {
                return new CaseResult(title, line, failure.Message);
            }
        }
        return new CaseResult(title, at, null);
    }
}

/// <summary>One person's history while it is played. Evidence comes in the morning, the colour is decided at 20:00.</summary>
internal sealed partial class CaseHistory(Policy policy)
{
    private const int MinutesToFirst = 8 * 60;
    private const int MinutesToDecision = 20 * 60;
    private const int DaysMax = 1_000;

    private static readonly PersonId Person = new(1, 2);
    private static readonly Day BeforeFirst = Day.Of(new DateOnly(2020, 3, 1));

    private readonly PersonRecord record = new(Person);
    private AreaRisks areas = AreaRisks.None;
    private int facts;
    private int today;
    private int minute;

    /// <returns>What is otherwise than the row expects; null when all is well.</returns>
    /// <exception cref="FormatException">The row cannot be read.</exception>
    public string? Play(string row)
    {
        if (Gap().Split(row) is not [var days, var evidence, var colour, var reasons])
            throw new FormatException($"A row has day, evidence, colour and reasons, two spaces apart: {row}");
        var expected = $"{colour} {string.Join(' ', reasons.Split(' ', StringSplitOptions.RemoveEmptyEntries))}";
        foreach (var day in DaysOf(days))
        {
            var actual = DecisionOn(day, evidence);
            if (actual != expected)
                return $"Day {day}, after \"{evidence}\": expected {expected}, but it is {actual}";
        }
        return null;
    }

    private string DecisionOn(int day, string evidence)
    {
        if (day < today)
            throw new FormatException($"Day {day} stands after day {today}.");
        minute = day == today ? minute : 0;
        today = day;
        foreach (var fact in evidence == "-" ? [] : evidence.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            Take(fact);

        var decision = policy.Decide(record.Facts, areas, At(day, MinutesToDecision));
        var reasons = policy.Edition.Rules.Select((rule, index) =>
            (decision.Holding & (1UL << index)) != 0 ? rule.Number : (decision.Asking & (1UL << index)) != 0 ? "?" + rule.Number : "");
        var text = string.Join(' ', reasons.Where(reason => reason.Length > 0));
        return $"{decision.Colour.ToString().ToLowerInvariant()} {(text.Length == 0 ? "-" : text)}";
    }

    private void Take(string fact)
    {
        var words = fact.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words[0] == "area")
            areas = areas.With(RiskOf(words));
        else
            record.Fold(EvidenceOf(words, fact));
    }

    private Evidence EvidenceOf(string[] words, string fact) => words switch
    {
        ["reports", "normal"] => Declares(Symptoms.None, 365),
        ["declares", "fever"] => Declares(Symptoms.Fever, 381),
        ["declares", "cough"] => Declares(Symptoms.DryCough, 365),
        ["declares", "contact"] => Declares(Symptoms.None, 365, DeclaredContact.Yes),
        ["declares", "unsure", "contact"] => Declares(Symptoms.None, 365, DeclaredContact.Unsure),
        ["declares", var symptom] when Spelling.TryRead<Symptoms>(symptom, out var named) => Declares(named, 365),
        ["declares", var degrees] => Declares(Symptoms.None, TenthsOf(degrees)),
        ["stays", "in", var area, "from", var from, .. var rest] => new Stay
        {
            Id = NextId(), Person = Person, Happened = At(Number(from)), Received = Now(), Source = SourceOf(rest),
            Area = AreaOf(area), Until = EndOf(rest, "to"), Confidence = (byte)Math.Clamp(After(rest, "sure") ?? 100, 0, 100),
        },
        ["answers", "yes"] => Answers(wasThere: true),
        ["answers", "no"] => Answers(wasThere: false),
        ["diagnosed", var status, .. var rest] => Diagnosed(Word<DiagnosisStatus>(status), rest),
        ["recovered", .. var rest] => Diagnosed(DiagnosisStatus.Recovered, rest),
        ["excluded", .. var rest] => Diagnosed(DiagnosisStatus.Excluded, rest),
        ["contact", var degree, .. var rest] => new Contact
        {
            Id = NextId(), Person = Person, Happened = When(rest), Received = Now(), Source = Source.Tracing, Degree = Word<ContactKind>(degree), Circumstance = "the same room",
        },
        ["ordered", var kind, .. var rest] => new Order
        {
            Id = NextId(), Person = Person, Happened = When(rest), Received = Now(), Source = Source.Epidemiologist, Ordered = Word<OrderKind>(kind),
            Institution = "headquarters", Basis = "notice",
        },
        ["released", var kind, .. var rest] => new Release
        {
            Id = NextId(), Person = Person, Happened = When(rest), Received = Now(), Source = Source.Epidemiologist, Released = Word<OrderKind>(kind), Institution = "headquarters",
        },
        ["tests", var result, .. var rest] => new Test
        {
            Id = NextId(), Person = Person, Happened = When(rest), Received = Now(), Source = Source.Laboratory, Result = Word<TestResult>(result), Institution = "laboratory",
        },
        ["arrives", "from", "abroad", .. var rest] => new Arrival
        {
            Id = NextId(), Person = Person, Happened = When(rest), Received = Now(), Source = Source.BorderControl, Country = "XXX", Port = policy.Region,
        },
        ["travels", "from", var from, "to", var to, .. var rest] => new Journey
        {
            Id = NextId(), Person = Person, Happened = When(rest), Received = Now(), Source = Source.Railway, Mode = JourneyMode.Train, Number = "G1",
            From = AreaOf(from), To = AreaOf(to), Until = When(rest),
        },
        ["region", var issuer, "says", var colour] => new Recognition
        {
            Id = NextId(), Person = Person, Happened = Now(), Received = Now(), Source = Source.Region, Issuer = AreaOf(issuer), Colour = Word<Colour>(colour), Reason = "rule",
        },
        ["vaccinated", var dose] => new Vaccination
        {
            Id = NextId(), Person = Person, Happened = Now(), Received = Now(), Source = Source.Hospital, Dose = (byte)Number(dose), Vaccine = "vaccine",
        },
        ["pass", var hours] => new Pass
        {
            Id = NextId(), Person = Person, Happened = Now(), Received = Now(), Source = Source.CommunityWorker,
            Until = Now().Plus(TimeSpan.FromHours(Number(hours))), Purpose = "clinic",
        },
        ["scanned"] => new Visit
        {
            Id = NextId(), Person = Person, Happened = Now(), Received = Now(), Source = Source.Checkpoint, Place = "gate", Area = policy.Region,
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
        Id = NextId(), Person = Person, Happened = When(rest), Received = Now(), Source = Source.Epidemiologist, Status = status, Institution = "First Hospital",
    };

    private Answer Answers(bool wasThere)
    {
        foreach (var evidence in record.Standing.ToArray().Reverse())
        {
            if (evidence is Stay { Confidence: < 100 } stay)
                return new Answer { Id = NextId(), Person = Person, Happened = Now(), Received = Now(), Source = Source.Resident, Question = stay.Id, WasThere = wasThere };
        }
        throw new FormatException("There is no doubtful stay to answer about.");
    }

    private Evidence Latest(string which, int? day)
    {
        foreach (var evidence in record.Standing.ToArray().Reverse())
        {
            var right = (which, evidence) is ("diagnosis", Diagnosis) or ("stay", Stay) or ("report", Declaration) or ("contact", Contact)
                or ("order", Order) or ("test", Test);
            if (right && (day is null || Day.Of(evidence.Happened).Value == BeforeFirst.Value + day))
                return evidence;
        }
        throw new FormatException($"There is no {which} to correct.");
    }

    private AreaRisk RiskOf(string[] words)
    {
        if (words is not ["area", var area, var level, "from", var from, .. var rest])
            throw new FormatException($"An area's risk is \"area AREA LEVEL from DAY [to DAY]\", not \"{string.Join(' ', words)}\".");
        var risk = Word<RiskLevel>(level);
        var id = new Guid((int)risk, 0, 0, BitConverter.GetBytes(AreaOf(area).Value));
        return new AreaRisk(id, AreaOf(area), risk, At(Number(from)), EndOf(rest, "to"), "outbreak", "epidemiologist", Now());
    }

    private EvidenceId NextId() => new((ulong)++facts);

    // Each fact of a day has a minute of its own, so that the later of two is later.
    private Minute Now() => At(today, MinutesToFirst + minute++);

    private Minute When(string[] rest) => After(rest, "on") is { } day ? At(day, MinutesToFirst) : Now();

    private static Minute At(int day, int minutes = 0) => new(BeforeFirst.Plus(day).Start.Value + minutes);

    private static Minute EndOf(string[] rest, string word) => After(rest, word) is { } day ? At(day + 1) : Minute.Never;

    private static Source SourceOf(string[] rest) => Array.IndexOf(rest, "by") is >= 0 and var index && index + 1 < rest.Length
        ? Word<Source>(rest[index + 1]) : Source.Resident;

    private static int? After(string[] rest, string word)
    {
        var index = Array.IndexOf(rest, word);
        return index < 0 ? null : index + 1 < rest.Length ? Number(rest[index + 1]) : throw new FormatException($"After \"{word}\" a number is missing.");
    }

    private static int Number(string word) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= DaysMax
        ? number : throw new FormatException($"{word} is not a whole number up to {DaysMax}.");

    private static short TenthsOf(string word) => decimal.TryParse(word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var degrees)
        && degrees is >= 34 and <= 43 ? (short)(degrees * 10) : throw new FormatException($"{word} is no body temperature.");

    // central-isolation is OrderKind.CentralIsolation.
    private static T Word<T>(string word) where T : struct, Enum => Spelling.TryRead<T>(word, out var value)
        ? value : throw new FormatException($"{word} is none of {string.Join(", ", Spelling.All<T>())}.");

    private static AreaCode AreaOf(string digits) =>
        AreaCode.TryParse(digits, out var area) ? area : throw new FormatException($"{digits} is no area.");

    private static IEnumerable<int> DaysOf(string days) => days.Split('-') switch
    {
        [var one] => [Number(one)],
        [var first, var last] when Number(first) <= Number(last) => Enumerable.Range(Number(first), Number(last) - Number(first) + 1),
        _ => throw new FormatException($"{days} is neither a day nor a span of days."),
    };

    [GeneratedRegex(" {2,}")]
    private static partial Regex Gap();
}
