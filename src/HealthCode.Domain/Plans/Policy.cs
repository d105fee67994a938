using System.Numerics;

namespace HealthCode.Domain;

/// <summary>What a person's evidence amounts to at one moment: the worst of the rules that hold.</summary>
/// <param name="Holding">One bit for each rule of the edition that holds, in the edition's order.</param>
/// <param name="NextChange">When the colour may next change without new evidence.</param>
public readonly record struct Decision(Colour Colour, ulong Holding, Minute NextChange)
{
    public int ReasonCount => BitOperations.PopCount(Holding);
}

/// <summary>How one rule stands for one person at one moment.</summary>
/// <param name="Evidence">What held it last; null when nothing ever did.</param>
/// <param name="Since">When it last began to hold.</param>
/// <param name="Until">When it ends by itself; <see cref="Minute.Never"/> when only evidence ends it.</param>
/// <param name="ReportsDone">Normal reports on consecutive days that still count: 0 again once a day was missed.</param>
/// <param name="CountedTo">Day of the last of them; without any, the last day that cannot count: of what held the rule or spoilt a report.</param>
public readonly record struct Finding(bool Holds, Evidence? Evidence, Minute Since, Minute Until, int ReportsDone, Day CountedTo)
{
    /// <summary>
    /// The day on which the rule ends if the person reports normal each day from now on and nothing else happens; null
    /// when reports do not end it. Who is still exposed starts counting tomorrow at the earliest.
    /// </summary>
    public Day? EarliestEnd(Rule rule, Minute now)
    {
        if (!Holds || rule.ReportsToEnd == 0)
            return null;
        var yesterday = Day.Of(now).Value - 1;
        var reported = Math.Max(CountedTo.Value, yesterday) + rule.ReportsToEnd - ReportsDone;
        return new Day(Math.Min(reported, Day.Of(Until).Value));
    }
}

/// <summary>The pure function from a record to a colour. The same arguments always give the same decision.</summary>
public static class Policy
{
    /// <summary>Decides the colour at <paramref name="now"/>.</summary>
    /// <param name="standing">The evidence that counts, in the order of <see cref="PersonRecord.Standing"/>.</param>
    public static Decision Decide(ReadOnlySpan<Evidence> standing, AreaRisks areas, PlanEdition edition, Minute now)
    {
        var colour = Colour.Green;
        var holding = 0UL;
        var nextChange = areas.NextChange(now);
        var rules = edition.Rules;

        for (var index = 0; index < rules.Count; index++)
        {
            var finding = Find(rules[index], standing, areas, edition, now);
            if (!finding.Holds)
                continue;
            colour = Colours.Worse(colour, rules[index].Colour);
            holding |= 1UL << index;
            nextChange = Minute.Earlier(nextChange, finding.Until);
        }

        return new Decision(colour, holding, nextChange);
    }

    /// <summary>How <paramref name="rule"/> stands, held or not; <see cref="Decide"/> is nothing but this for each rule.</summary>
    public static Finding Find(Rule rule, ReadOnlySpan<Evidence> standing, AreaRisks areas, PlanEdition edition, Minute now)
    {
        var (evidence, since) = rule.Trigger switch
        {
            Trigger.Diagnosis => LatestDiagnosis(rule, standing, now),
            Trigger.StayInRiskArea => LastExposure(rule, standing, areas, now),
            Trigger.DeclaredSymptoms => LastDeclaration(standing, edition, now, symptoms: true),
            Trigger.DeclaredContact => LastDeclaration(standing, edition, now, symptoms: false),
            _ => default,
        };
        if (evidence is null)
            return default;

        var until = rule.DaysMax > 0 ? since.PlusDays(rule.DaysMax) : Minute.Never;
        var (reports, countedTo) = rule.ReportsToEnd > 0 ? NormalReports(rule, standing, edition, since, now) : default;
        var ended = until <= now || (rule.ReportsToEnd > 0 && reports >= rule.ReportsToEnd);
        return new Finding(!ended, evidence, since, until, reports, countedTo);
    }

    /// <summary>Whether a declaration counts as a normal daily report.</summary>
    public static bool IsNormal(Declaration declaration, PlanEdition edition) =>
        !ShowsSymptoms(declaration, edition) && declaration.Contact != DeclaredContact.Yes;

    private static bool ShowsSymptoms(Declaration declaration, PlanEdition edition) =>
        declaration.Symptoms != Symptoms.None || declaration.TemperatureTenths >= edition.FeverTenths;

    // Only the latest diagnosis speaks: it is what is known of the case now. Of two at the same minute the one that
    // isolates wins, whatever order they came in.
    private static (Evidence? Evidence, Minute Since) LatestDiagnosis(Rule rule, ReadOnlySpan<Evidence> standing, Minute now)
    {
        Diagnosis? latest = null;
        foreach (var evidence in standing)
        {
            if (evidence is Diagnosis diagnosis && diagnosis.Happened <= now
                && (latest is null || diagnosis.Happened > latest.Happened || Severity(diagnosis) > Severity(latest)))
                latest = diagnosis;
        }
        return latest is not null && rule.Names(latest.Status) ? (latest, latest.Happened) : default;
    }

    private static int Severity(Diagnosis diagnosis) => diagnosis.Status switch
    {
        DiagnosisStatus.Confirmed => 5,
        DiagnosisStatus.Asymptomatic => 4,
        DiagnosisStatus.Suspected => 3,
        DiagnosisStatus.Recovered => 2,
        _ => 1,
    };

    private static (Evidence? Evidence, Minute Since) LastExposure(
        Rule rule, ReadOnlySpan<Evidence> standing, AreaRisks areas, Minute now)
    {
        var last = default(Minute);
        Evidence? held = null;
        foreach (var evidence in standing)
        {
            if (evidence is not Stay stay || stay.Confidence < rule.ConfidenceMin)
                continue;
            var end = areas.LastExposure(stay.Area, stay.Happened, stay.Until, rule.Level, now);
            if (end > last)
                (last, held) = (end, stay);
        }
        // The period is counted from the last minute there, and that minute still belongs to it.
        return held is null ? default : (held, new Minute(last.Value - 1));
    }

    private static (Evidence? Evidence, Minute Since) LastDeclaration(
        ReadOnlySpan<Evidence> standing, PlanEdition edition, Minute now, bool symptoms)
    {
        for (var index = standing.Length - 1; index >= 0; index--)
        {
            if (standing[index] is Declaration declaration && declaration.Happened <= now
                && (symptoms ? ShowsSymptoms(declaration, edition) : declaration.Contact == DeclaredContact.Yes))
                return (declaration, declaration.Happened);
        }
        return default;
    }

    // Counts days, not reports: two reports of one day are one, a missed day or one that is not normal begins anew.
    // Once the needed number is reached the rule has ended and later gaps do not bring it back.
    private static (int Done, Day CountedTo) NormalReports(
        Rule rule, ReadOnlySpan<Evidence> standing, PlanEdition edition, Minute since, Minute now)
    {
        var heldOn = Day.Of(since);
        var (done, last) = (0, heldOn);
        foreach (var evidence in standing)
        {
            if (evidence is not Declaration declaration || declaration.Happened > now)
                continue;
            var day = Day.Of(declaration.Happened);
            if (day <= heldOn)
                continue;
            if (!IsNormal(declaration, edition))
                (done, last) = (0, day);
            else if (day > last)
                (done, last) = (done > 0 && day.Value == last.Value + 1 ? done + 1 : 1, day);
            if (done >= rule.ReportsToEnd)
                return (done, last);
        }
        var missedADay = last.Value < Day.Of(now).Value - 1;
        return (missedADay ? 0 : done, last);
    }
}
