using CsCheck;

namespace HealthCode.Domain.Tests;

/// <summary>What was at risk on a day, and what was known of it on another.</summary>
public class AreaRiskHistoryTests
{
    private static readonly AreaCode County = Area("330106");
    private static readonly AreaCode Committee = Area("330106001002");

    // Set on minute 100 from 50 on; ended on minute 200 as of 150; a neighbour's on minute 120.
    private static readonly AreaRiskHistory History = AreaRiskHistory.None
        .With([Change(1, County, from: 50, until: int.MaxValue, setAt: 100, "outbreak")])
        .With([Change(2, Area("330105"), from: 120, until: 300, setAt: 120, "outbreak")])
        .With([Change(1, County, from: 50, until: 150, setAt: 200, "over")]);

    [Theory]
    [InlineData(99, 0, 0)]
    [InlineData(100, 1, int.MaxValue)]
    [InlineData(199, 2, int.MaxValue)]    // as known then it was still open, though we know now that it ended
    [InlineData(200, 2, 150)]
    [InlineData(10_000, 2, 150)]
    public void What_was_known_then_is_not_what_is_known_now(int known, int periods, int until)
    {
        var then = History.AsKnownAt(new(known));
        Assert.Equal(periods, then.All.Count);
        if (periods > 0)
            Assert.Equal(until, then.All.Single(risk => risk.Area == County).Until.Value);
    }

    [Fact]
    public void Now_is_all_that_was_ever_set()
    {
        Assert.Equal(History.AsKnownAt(Minute.Never).All, History.Now.All);
        Assert.Equal(3, History.Changes.Count);
        Assert.Same(History, History.With([]));
        Assert.Empty(AreaRiskHistory.None.Now.All);
    }

    [Fact]
    public void An_area_is_concerned_by_what_was_set_on_itself_and_on_those_it_lies_in_newest_first()
    {
        Assert.Equal(["over", "outbreak"], History.Of(Committee).Select(change => change.Reason));
        Assert.Equal([200, 100], History.Of(County).Select(change => change.SetAt.Value));
        Assert.Empty(History.Of(Area("330100")));
    }

    [Fact]
    public void As_known_at_any_moment_it_is_what_it_was_at_that_moment() =>
        (from steps in Gen.Int[1, 5].Array[1, 20]
         from ids in Gen.Int[1, 4].Array[20]
         select (steps, ids)).Sample(sample =>
         {
             var (history, now, seen) = (AreaRiskHistory.None, 0, new List<(int At, IReadOnlyList<AreaRisk> All)>());
             for (var index = 0; index < sample.steps.Length; index++)
             {
                 now += sample.steps[index];
                 history = history.With([Change(sample.ids[index], County, now, now + index, setAt: now, $"{index}")]);
                 seen.Add((now, history.Now.All));
             }
             Assert.All(seen, moment => Assert.Equal(moment.All, history.AsKnownAt(new(moment.At)).All));
         });

    private static AreaRisk Change(int id, AreaCode area, int from, int until, int setAt, string reason) =>
        new(new Guid(id, 0, 0, new byte[8]), area, RiskLevel.High, new(from), new(until), reason, "somebody", new(setAt));

    private static AreaCode Area(string digits) => AreaCode.TryParse(digits, out var area) ? area : default;
}
