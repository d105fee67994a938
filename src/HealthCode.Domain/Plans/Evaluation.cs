using System.Collections.Immutable;

namespace HealthCode.Domain;

/// <summary>The rules of one policy over one record at one moment: what holds, since when, and whether it has ended.</summary>
/// <remarks>
/// The endings of a rule count from its latest *since*. That loses nothing: whatever ended the latest exposure came after
/// the earlier ones too. A rule that starts only after some days looks at what was so by then, its <c>horizon</c>, and
/// not at what came since: a second exposure must not take away what the first one brought. <see cref="NextChange"/> collects every moment at which time alone could change an answer; one too
/// many does no harm, one too few would leave a phone with a stale colour.
/// </remarks>
internal ref struct Evaluation
{
    private const int MinutesPerHour = 60;

    private readonly Policy policy;
    private readonly RecordFacts record;
    private readonly AreaRisks areas;
    private readonly Minute now;
    private Minute horizon;
    private int delayDays;

    public Evaluation(Policy policy, RecordFacts record, AreaRisks areas, Minute now)
    {
        this.policy = policy;
        this.record = record;
        this.areas = areas;
        this.now = now;
        horizon = now;
        NextChange = Minute.Never;
    }

    /// <summary>The earliest moment after now at which one of the rules asked for so far may stand otherwise.</summary>
    public Minute NextChange { get; private set; }

    public Finding Find(Rule rule)
    {
        delayDays = rule.StartsAfterDays;
        horizon = new Minute(now.Value - (delayDays * Minute.PerDay));
        var found = Look(rule);
        return found.Holds && delayDays > 0 ? WithLaterExposure(rule, found) : found;
    }

    private Finding Look(Rule rule)
    {
        var (entry, since, until, asked, askedSince) = (-1, default(Minute), default(Minute), -1, default(Minute));
        foreach (var condition in rule.Holds)
        {
            var held = Latest(condition);
            if (held.Since.Value > 0 && WindowEnd(condition, held.Since) is var end && end > now)
            {
                until = Minute.Later(until, end);
                (entry, since) = held.Since > since ? (held.Entry, held.Since) : (entry, since);
            }
            if (held.DoubtfulSince > askedSince && WindowEnd(condition, held.DoubtfulSince) > now)
                (asked, askedSince) = (held.Doubtful, held.DoubtfulSince);
        }
        var holds = since.Value > 0 && !HasEnded(rule, since, ref until);
        var (question, askedUntil) = holds ? (-1, default) : AskedOf(rule, asked, askedSince);
        return new Finding(holds, entry, since, until, question, askedUntil);
    }

    // A second exposure does not begin the second half of a timeline yet, but it is what that half will end by: a person is
    // not told an earlier day.
    private Finding WithLaterExposure(Rule rule, Finding found)
    {
        (delayDays, horizon) = (0, now);
        var latest = Look(rule);
        return latest.Holds && latest.Since > found.Since ? latest : found;
    }

    public Minute RunningPass()
    {
        var until = default(Minute);
        foreach (ref readonly var entry in record.Entries)
        {
            if (entry.Kind == EvidenceKind.Pass && entry.Until > now)
            {
                May(entry.Start > now ? entry.Start : entry.Until);
                until = entry.Start <= now ? Minute.Later(until, entry.Until) : until;
            }
        }
        return until;
    }

    /// <summary>What last held a condition, and what would have, had its source been surer.</summary>
    private readonly record struct Held(int Entry, Minute Since, int Doubtful = -1, Minute DoubtfulSince = default)
    {
        public static readonly Held Nothing = new(-1, default);
    }

    private Held Latest(Condition condition) => condition.Kind switch
    {
        _ when condition.FewerDosesThan > 0 && Doses() >= condition.FewerDosesThan => Held.Nothing,
        ConditionKind.Diagnosis => LatestDiagnosis(condition.Details),
        ConditionKind.StayAtRisk or ConditionKind.StayIn => LatestStay(condition),
        ConditionKind.DeclaredSymptoms or ConditionKind.DeclaredContact => LatestDeclaration(condition),
        ConditionKind.Contact => LatestOf(EvidenceKind.Contact, condition.Details),
        ConditionKind.Order => LatestOrder(condition.Details),
        ConditionKind.Test => LatestTest(condition.Details),
        ConditionKind.Arrival => LatestOf(EvidenceKind.Arrival, uint.MaxValue),
        ConditionKind.JourneyFromOutside or ConditionKind.JourneyFromRisk => LatestJourney(condition),
        ConditionKind.Recognition => LatestRecognition(condition.Details),
        ConditionKind.MissedReports => Missed(condition.Days),
        _ => Held.Nothing,
    };

    private readonly int Doses()
    {
        var doses = 0;
        foreach (ref readonly var entry in record.Entries)
        {
            if (entry.Kind == EvidenceKind.Vaccination && entry.Start <= now)
                doses = Math.Max(doses, entry.Detail);
        }
        return doses;
    }

    // Only the latest diagnosis speaks: it is what is known of the case now. Of two at the same minute the one that
    // isolates wins, whatever order they came in.
    private readonly int LatestDiagnosisEntry()
    {
        var latest = -1;
        for (var index = 0; index < record.Entries.Length; index++)
        {
            ref readonly var entry = ref record.Entries[index];
            if (entry.Kind == EvidenceKind.Diagnosis && entry.Start <= now
                && (latest < 0 || entry.Start > record.Entries[latest].Start || Severity(entry.Detail) > Severity(record.Entries[latest].Detail)))
                latest = index;
        }
        return latest;
    }

    private static int Severity(byte status) => (DiagnosisStatus)status switch
    {
        DiagnosisStatus.Confirmed => 5,
        DiagnosisStatus.Asymptomatic => 4,
        DiagnosisStatus.Suspected => 3,
        DiagnosisStatus.Recovered => 2,
        _ => 1,
    };

    private Held LatestDiagnosis(uint statuses) =>
        LatestDiagnosisEntry() is >= 0 and var latest && record.Entries[latest].IsOneOf(statuses) && Reached(record.Entries[latest].Start)
            ? new Held(latest, record.Entries[latest].Start) : Held.Nothing;

    private Held LatestOf(EvidenceKind kind, uint details)
    {
        for (var index = record.Entries.Length - 1; index >= 0; index--)
        {
            ref readonly var entry = ref record.Entries[index];
            if (entry.Kind == kind && entry.IsOneOf(details) && Reached(entry.Start))
                return new Held(index, entry.Start);
        }
        return Held.Nothing;
    }

    private Held LatestDeclaration(Condition condition)
    {
        for (var index = record.Entries.Length - 1; index >= 0; index--)
        {
            ref readonly var entry = ref record.Entries[index];
            if (entry.Kind == EvidenceKind.Declaration && Declares(entry, condition) && Reached(entry.Start))
                return new Held(index, entry.Start);
        }
        return Held.Nothing;
    }

    private readonly bool Declares(in RecordEntry entry, Condition condition)
    {
        if (condition.Kind == ConditionKind.DeclaredContact)
            return entry.Detail == (byte)DeclaredContact.Yes;
        if (condition.Symptoms == Symptoms.None)
            return entry.Symptoms != Symptoms.None || HasFever(entry);
        return (entry.Symptoms & condition.Symptoms) != 0 || ((condition.Symptoms & Symptoms.Fever) != 0 && HasFever(entry));
    }

    private readonly bool HasFever(in RecordEntry entry) => entry.TemperatureTenths >= policy.Edition.FeverTenths;

    // Each kind of order has its own release; the latest that still stands holds.
    private Held LatestOrder(uint kinds)
    {
        var held = Held.Nothing;
        for (var index = record.Entries.Length - 1; index >= 0; index--)
        {
            ref readonly var entry = ref record.Entries[index];
            if (entry.Kind == EvidenceKind.Order && entry.IsOneOf(kinds) && entry.Start > held.Since
                && !ReleasedSince(entry.Start, 1u << entry.Detail) && Reached(entry.Start))
                held = new Held(index, entry.Start);
        }
        return held;
    }

    private readonly bool ReleasedSince(Minute since, uint kinds)
    {
        foreach (ref readonly var entry in record.Entries)
        {
            if (entry.Kind == EvidenceKind.Release && entry.Start >= since && entry.Start <= now && entry.IsOneOf(kinds))
                return true;
        }
        return false;
    }

    private Held LatestTest(uint results)
    {
        var held = LatestOf(EvidenceKind.Test, results);
        return LatestDiagnosisEntry() is >= 0 and var diagnosis && record.Entries[diagnosis].Start >= held.Since ? Held.Nothing : held;
    }

    // Two entries make a journey, the second where it led to.
    private Held LatestJourney(Condition condition)
    {
        var held = Held.Nothing;
        for (var index = 0; index + 1 < record.Entries.Length; index++)
        {
            ref readonly var from = ref record.Entries[index];
            if (from.Kind != EvidenceKind.Journey || from.Detail != RecordEntry.JourneyFrom || !IsMeant(condition, from, record.Entries[index + 1]))
                continue;
            if (from.Until > held.Since && Reached(from.Until))
                held = new Held(index, from.Until);
        }
        return held;
    }

    private readonly bool IsMeant(Condition condition, in RecordEntry from, in RecordEntry to)
    {
        if (!policy.IsInside(to.Area))
            return false;
        if (condition.Kind == ConditionKind.JourneyFromOutside)
            return !policy.IsInside(from.Area);
        foreach (var period in areas.Of(from.Area))
        {
            if (IsLevel(period, condition) && period.From <= from.Start && from.Start < period.Until)
                return true;
        }
        return false;
    }

    // A region's next word replaces its last; of two in the same minute the worse one stands.
    private Held LatestRecognition(uint colours)
    {
        var held = Held.Nothing;
        for (var index = 0; index < record.Entries.Length; index++)
        {
            ref readonly var entry = ref record.Entries[index];
            if (entry.Kind == EvidenceKind.Recognition && entry.IsOneOf(colours) && entry.Start > held.Since
                && !IsSuperseded(entry) && Reached(entry.Start))
                held = new Held(index, entry.Start);
        }
        return held;
    }

    private readonly bool IsSuperseded(in RecordEntry word)
    {
        foreach (ref readonly var entry in record.Entries)
        {
            if (entry.Kind == EvidenceKind.Recognition && entry.Value == word.Value && entry.Start <= now
                && (entry.Start > word.Start || (entry.Start == word.Start && entry.Detail > word.Detail)))
                return true;
        }
        return false;
    }

    private Held Missed(int days)
    {
        if (!record.Reports.Any)
            return Held.Nothing;
        var since = record.Reports.Last.Plus(days + 1).Start;
        return Reached(since) ? new Held(-1, since) : Held.Nothing;
    }

    private Held LatestStay(Condition condition)
    {
        var held = Held.Nothing;
        for (var index = 0; index < record.Entries.Length; index++)
        {
            ref readonly var stay = ref record.Entries[index];
            if (stay.Kind != EvidenceKind.Stay || LastExposure(stay, condition) is not { Value: > 0 } exposure)
                continue;
            if (IsSure(stay, condition) || SourcesAgree(stay, exposure, condition))
                held = exposure > held.Since ? held with { Entry = index, Since = exposure } : held;
            else if (stay.Detail == RecordEntry.NotAnswered && exposure > held.DoubtfulSince)
                held = held with { Doubtful = index, DoubtfulSince = exposure };
        }
        return held;
    }

    private static bool IsSure(in RecordEntry stay, Condition condition) =>
        stay.Detail == RecordEntry.WasThere || (stay.Confidence >= condition.ConfidenceMin && stay.Detail != RecordEntry.WasNotThere);

    // Different sources that each say the same within a day of each other are sure together; one source twice is not.
    private bool SourcesAgree(in RecordEntry stay, Minute exposure, Condition condition)
    {
        if (condition.SourcesMin == 0 || stay.Confidence < Condition.AgreeingConfidenceMin)
            return false;
        var sources = 1u << (int)stay.Source;
        foreach (ref readonly var other in record.Entries)
        {
            if (other.Kind == EvidenceKind.Stay && other.Confidence >= Condition.AgreeingConfidenceMin
                && LastExposure(other, condition) is { Value: > 0 } its && Math.Abs(its.Value - exposure.Value) <= Minute.PerDay)
                sources |= 1u << (int)other.Source;
        }
        return System.Numerics.BitOperations.PopCount(sources) >= condition.SourcesMin;
    }

    /// <summary>The last minute of a stay up to now that counts for the condition; the default when none does.</summary>
    private Minute LastExposure(in RecordEntry stay, Condition condition)
    {
        if (!Reached(stay.Start))
            return default;
        if (condition.Kind == ConditionKind.StayIn)
            return IsIn(stay.Area, condition.Areas) ? LastMinute(stay.Start, stay.Until, condition) : default;
        var last = default(Minute);
        foreach (var period in areas.Of(stay.Area))
        {
            if (IsLevel(period, condition))
                last = Minute.Later(last, LastExposure(stay, period, condition));
        }
        return last;
    }

    private Minute LastExposure(in RecordEntry stay, AreaRisk period, Condition condition)
    {
        if (!condition.LevelNow)
            return !Reached(period.From) ? default : LastMinute(Minute.Later(period.From, stay.Start), Minute.Earlier(period.Until, stay.Until), condition);
        May(period.From);
        May(period.Until);
        if (period.From > now || period.Until <= now)
            return default;
        return LastMinute(stay.Start, stay.Until, condition);
    }

    /// <summary>The last minute up to now of a span that is long enough; the default when it is not.</summary>
    private Minute LastMinute(Minute from, Minute until, Condition condition)
    {
        // A span that goes on may yet become long enough.
        var enough = new Minute(from.Value + condition.MinutesMin - 1);
        if (enough >= until || !Reached(enough))
            return default;
        return new Minute(Math.Min(until.Value - 1, horizon.Value));
    }

    private static bool IsIn(AreaCode area, ImmutableArray<AreaCode> named)
    {
        foreach (var division in named)
        {
            if (division.Contains(area))
                return true;
        }
        return false;
    }

    private static bool IsLevel(AreaRisk period, Condition condition) => (condition.Details & (1u << (int)period.Level)) != 0;

    private Minute WindowEnd(Condition condition, Minute since)
    {
        if (condition.WithinDays == 0)
            return Minute.Never;
        var end = since.PlusDays(condition.WithinDays);
        May(end);
        return end;
    }

    /// <summary>Whether a moment lies so far back that the rule looks at it; if not, it will be.</summary>
    private bool Reached(Minute moment)
    {
        if (moment <= horizon)
            return true;
        May(moment.PlusDays(delayDays));
        return false;
    }

    private bool HasEnded(Rule rule, Minute since, ref Minute until)
    {
        foreach (var ending in rule.Ends)
        {
            var progress = ProgressOf(ending, since);
            if (!progress.AllButDays)
                continue;
            if (progress.DaysEnd <= now)
                return true;
            May(progress.DaysEnd);
            until = Minute.Earlier(until, progress.DaysEnd);
        }
        return false;
    }

    // A question is asked where an answer could matter: not about what would have ended by now anyway.
    private (int Asked, Minute Until) AskedOf(Rule rule, int asked, Minute since)
    {
        if (asked < 0)
            return (-1, default);
        var until = since.PlusDays(policy.Edition.AskDays);
        May(until);
        return until > now && !HasEnded(rule, since, ref until) ? (asked, until) : (-1, default);
    }

    /// <summary>How far one way to end has come.</summary>
    public readonly EndingProgress ProgressOf(Ending ending, Minute since)
    {
        var (reports, countedTo) = ending.Reports > 0 ? NormalReports(ending.Reports, since) : default;
        return new EndingProgress(ending, since.PlusDays(ending.Days))
        {
            ReportsDone = reports,
            CountedTo = countedTo,
            TestsDone = ending.Tests is { } needed ? TestsDone(needed, since) : 0,
            Released = ending.Releases != 0 && ReleasedSince(since, ending.Releases),
            Diagnosed = ending.Statuses != 0 && LatestDiagnosisEntry() is >= 0 and var latest
                && record.Entries[latest].IsOneOf(ending.Statuses) && record.Entries[latest].Start >= since,
        };
    }

    // Counts days, not reports: a day counts when something was reported and nothing of it was abnormal. Once the needed
    // number in a row is reached the rule has ended, and days missed later do not bring it back.
    private readonly (int Done, Day CountedTo) NormalReports(int needed, Minute since)
    {
        var heldOn = Day.Of(since);
        var normal = NormalDays() & record.Reports.After(heldOn);
        var runs = normal;
        for (var days = 1; days < needed && runs != 0; days++)
            runs &= runs >> 1;
        if (runs != 0)
            return (needed, record.Reports.Last);

        var today = Day.Of(now);
        var last = record.Reports.Last;
        var done = last.Value >= today.Value - 1 ? System.Numerics.BitOperations.TrailingZeroCount(~normal) : 0;
        if (done > 0)
            return (done, last);
        var spoiltToday = last == today && record.Reports.Any && heldOn < today;
        return (0, spoiltToday ? today : heldOn);
    }

    // What the record could not call normal under every edition is looked at under this one.
    private readonly ulong NormalDays()
    {
        var normal = record.Reports.Normal;
        if ((record.Kinds & RecordEntry.Bit(EvidenceKind.Declaration)) == 0)
            return normal;
        var spoilt = 0UL;
        foreach (ref readonly var entry in record.Entries)
        {
            if (entry.Kind != EvidenceKind.Declaration)
                continue;
            var day = record.Reports.BitOf(Day.Of(entry.Start));
            if (entry.Symptoms != Symptoms.None || entry.Detail == (byte)DeclaredContact.Yes || HasFever(entry))
                spoilt |= day;
            else
                normal |= day;
        }
        return normal & ~spoilt;
    }

    private readonly int TestsDone(TestsNeeded needed, Minute since)
    {
        if (needed.OnDays.Length > 0)
            return TestsOnDays(needed.OnDays, since);
        var from = since.PlusDays(needed.FromDay);
        var most = 0;
        for (var first = 0; first < record.NegativeTests.Length && most < needed.Count; first++)
        {
            if (record.NegativeTests[first] > since && record.NegativeTests[first] >= from)
                most = Math.Max(most, TestsInARow(needed, first));
        }
        return Math.Min(most, needed.Count);
    }

    private readonly int TestsInARow(TestsNeeded needed, int first)
    {
        var tests = record.NegativeTests;
        var (count, last) = (0, first);
        for (var index = first; index < tests.Length && tests[index] <= now; index++)
        {
            var far = count > 0 && needed.WithinDays > 0 && tests[index] > tests[first].PlusDays(needed.WithinDays);
            if (far || (count > 0 && tests[index].Value - tests[last].Value < needed.ApartHours * MinutesPerHour))
                continue;
            (count, last) = (count + 1, index);
        }
        return count;
    }

    // Who missed a day may make up for it later, but one day's tests are one.
    private readonly int TestsOnDays(ImmutableArray<int> days, Minute since)
    {
        var (done, due) = (0, Day.Of(since).Plus(days[0]));
        foreach (var test in record.NegativeTests)
        {
            if (test <= since || test > now || test < due.Start)
                continue;
            if (++done == days.Length)
                break;
            due = new Day(Math.Max(Day.Of(test).Value + 1, Day.Of(since).Value + days[done]));
        }
        return done;
    }

    private void May(Minute moment)
    {
        if (moment > now)
            NextChange = Minute.Earlier(NextChange, moment);
    }
}
