namespace HealthCode.Domain.Tests;

/// <summary>What a source is not sure of asks, and colours nobody.</summary>
public class DoubtStories
{
    private static void Check(string table) => History.Check(table, Editions.EveryKind);

    [Fact]
    public void A_mast_near_a_border_asks_for_five_days_and_silence_changes_nothing() => Check("""
        day   evidence                                                                        colour  reasons
        1     area 430181 high from 1; stays in 430181 from 1 to 1 sure 40 by telecom         green   ?THEN
        2-5   -                                                                               green   ?THEN
        6     -                                                                               green   ?THEN
        7-40  -                                                                               green   -
        """);

    [Fact]
    public void Yes_settles_it_as_the_persons_own_word() => Check("""
        day   evidence                                                                        colour  reasons
        1     area 430181 high from 1; stays in 430181 from 1 to 1 sure 40 by telecom         green   ?THEN
        2     answers yes                                                                     red     THEN
        3-15  -                                                                               red     THEN
        16    -                                                                               green   -
        """);

    [Fact]
    public void No_puts_it_aside_and_the_last_answer_counts() => Check("""
        day  evidence                                                                        colour  reasons
        1    area 430181 high from 1; stays in 430181 from 1 to 1 sure 40 by telecom         green   ?THEN
        2    answers no                                                                      green   -
        3    answers yes                                                                     red     THEN
        4    answers no                                                                      green   -
        """);

    [Fact]
    public void Two_sources_that_agree_are_sure_and_one_source_twice_is_not() => Check("""
        day  evidence                                                                        colour  reasons
        1    area 430181 high from 1; stays in 430181 from 1 to 1 sure 40 by telecom         green   ?THEN
        2    stays in 430181 from 2 to 2 sure 60 by telecom                                  green   ?THEN
        3    stays in 430181 from 2 to 2 sure 50 by railway                                  red     THEN
        """);

    [Fact]
    public void Two_sources_of_different_weeks_do_not_agree() => Check("""
        day  evidence                                                                        colour  reasons
        8    area 430181 high from 1; stays in 430181 from 1 to 1 sure 40 by railway         green   -
        8    stays in 430181 from 7 to 7 sure 60 by telecom                                  green   ?THEN
        """);

    [Fact]
    public void A_stay_too_short_for_the_rule_neither_holds_nor_asks()
    {
        var (record, at) = (new PersonRecord(new PersonId(1, 1)), Day.Of(new DateOnly(2020, 3, 2)).Start);
        var areas = AreaRisks.None.With(new AreaRisk(Guid.NewGuid(), new(430181000000), RiskLevel.High, at, Minute.Never, "", "", at));
        for (var minutes = 239; minutes <= 240; minutes++)
            record.Fold(StayOf((ulong)minutes, at, minutes));
        var evening = at.PlusDays(1);

        Assert.Equal(Colour.Red, Editions.EveryKind.Decide(record.Facts, areas, evening).Colour);
        var shorter = new PersonRecord(record.Person);
        shorter.Fold(StayOf(1, at, 239));
        Assert.Equal((Colour.Green, 0UL), (Editions.EveryKind.Decide(shorter.Facts, areas, evening).Colour, Editions.EveryKind.Decide(shorter.Facts, areas, evening).Asking));

        Stay StayOf(ulong id, Minute from, int minutes) => new()
        {
            Id = new(id), Person = record.Person, Happened = from, Received = from, Source = Source.Resident, Area = new(430181000000),
            Until = new(from.Value + minutes),
        };
    }

    /// <summary>
    /// Mobile signals near a border: a man who lives on the Hunan side of the line to Hubei was turned yellow because his phone
    /// now and then reached the mast across it (field notes 4.7: border areas may cross-report).
    /// </summary>
    [Fact]
    public void Who_lives_on_the_border_stays_green_for_fourteen_days_while_a_real_traveller_is_found()
    {
        var (random, start) = (new Random(20200211), Day.Of(new DateOnly(2020, 3, 2)));
        var hubei = new AreaCode(421221000000);
        var areas = AreaRisks.None.With(new AreaRisk(Guid.NewGuid(), hubei, RiskLevel.High, start.Start, Minute.Never, "", "", start.Start));
        var (neighbour, traveller) = (new PersonRecord(new PersonId(1, 1)), new PersonRecord(new PersonId(1, 2)));
        neighbour.Fold(StayOf(neighbour, 1, new(430682000000), start.Start, null, Source.Resident, 100));

        for (var day = 0; day < 14; day++)
        {
            // Some pings a day from across the line: minutes long, now and then hours, and the operator knows that it is the border.
            for (var ping = random.Next(4); ping > 0; ping--)
                neighbour.Fold(StayOf(
                    neighbour, (ulong)random.NextInt64(), hubei, new(start.Plus(day).Start.Value + random.Next(1_000)), random.Next(400), Source.Telecom, (byte)random.Next(10, 60)));
            for (var minute = 0; minute < Minute.PerDay; minute += 60)
                Assert.Equal(Colour.Green, Editions.EveryKind.Decide(neighbour.Facts, areas, new(start.Plus(day).Start.Value + minute)).Colour);
        }

        // The traveller's phone was over there all day, and the railway sold a seat.
        traveller.Fold(StayOf(traveller, 1, hubei, start.Plus(3).Start, 900, Source.Telecom, 70));
        Assert.Equal(Colour.Green, Editions.EveryKind.Decide(traveller.Facts, areas, start.Plus(4).Start).Colour);
        traveller.Fold(StayOf(traveller, 2, hubei, start.Plus(3).Start, 700, Source.Railway, 75));
        Assert.Equal(Colour.Red, Editions.EveryKind.Decide(traveller.Facts, areas, start.Plus(4).Start).Colour);

        static Stay StayOf(PersonRecord record, ulong id, AreaCode area, Minute from, int? minutes, Source source, byte sure) => new()
        {
            Id = new(id), Person = record.Person, Happened = from, Received = from, Source = source, Area = area, Confidence = sure,
            Until = minutes is { } length ? new(from.Value + length) : Minute.Never,
        };
    }
}
