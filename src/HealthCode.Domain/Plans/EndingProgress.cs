namespace HealthCode.Domain;

/// <summary>How far one way to end has come for one person.</summary>
/// <param name="DaysEnd">When its days are over; what the endings count from, when no days are asked for.</param>
public readonly record struct EndingProgress(Ending Ending, Minute DaysEnd)
{
    /// <summary>Normal reports on consecutive days that still count: 0 again once a day was missed.</summary>
    public int ReportsDone { get; init; }

    /// <summary>Day of the last of them; without any, the last day that cannot count: of what held the rule or spoilt a report.</summary>
    public Day CountedTo { get; init; }

    public int TestsDone { get; init; }

    public bool Released { get; init; }

    public bool Diagnosed { get; init; }

    /// <summary>How many tests it asks for.</summary>
    public int TestsNeeded => Ending.Tests is not { } tests ? 0 : tests.OnDays.Length > 0 ? tests.OnDays.Length : tests.Count;

    /// <summary>Whether only time is wanting, or not even that.</summary>
    internal bool AllButDays =>
        ReportsDone >= Ending.Reports && TestsDone >= TestsNeeded
        && (Ending.Releases == 0 || Released) && (Ending.Statuses == 0 || Diagnosed);

    /// <summary>
    /// The earliest day on which it can be so if the person does all that is theirs to do and nothing else happens; null when
    /// it waits for somebody else. Who is still exposed starts counting tomorrow at the earliest.
    /// </summary>
    public Day? EarliestDay(Minute since, Minute now)
    {
        if ((Ending.Releases != 0 && !Released) || (Ending.Statuses != 0 && !Diagnosed))
            return null;
        var today = Day.Of(now);
        var earliest = Math.Max(today.Value, Ending.Days > 0 ? Day.Of(DaysEnd).Value : 0);
        if (ReportsDone < Ending.Reports)
            earliest = Math.Max(earliest, Math.Max(CountedTo.Value, today.Value - 1) + Ending.Reports - ReportsDone);
        if (TestsDone < TestsNeeded)
            earliest = Math.Max(earliest, EarliestTests(since, now).Value);
        return new Day(earliest);
    }

    private Day EarliestTests(Minute since, Minute now)
    {
        var tests = Ending.Tests!;
        if (tests.OnDays.Length > 0)
            return Day.Of(since).Plus(tests.OnDays[^1]);
        var first = Minute.Later(now, since.PlusDays(tests.FromDay));
        return Day.Of(first.Plus(TimeSpan.FromHours((TestsNeeded - TestsDone - 1) * tests.ApartHours)));
    }
}
