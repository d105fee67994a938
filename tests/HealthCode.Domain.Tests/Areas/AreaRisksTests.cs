using CsCheck;

namespace HealthCode.Domain.Tests;

public class AreaRisksTests
{
    private static readonly AreaCode County = Area("330106");

    [Theory]
    [InlineData(0, 100)]
    [InlineData(99, 100)]
    [InlineData(100, 150)]
    [InlineData(150, 200)]
    [InlineData(199, 200)]
    [InlineData(200, int.MaxValue)]
    public void The_next_change_is_the_next_beginning_or_end(int now, int expected)
    {
        var risks = AreaRisks.None.With(Risk(1, County, RiskLevel.High, 100, 200)).With(Risk(2, County, RiskLevel.Medium, 150, int.MaxValue));
        Assert.Equal(expected, risks.NextChange(new(now)).Value);
    }

    [Fact]
    public void A_changed_period_takes_the_place_of_the_old_and_who_holds_the_old_sees_the_old()
    {
        var old = AreaRisks.None.With(Risk(1, County, RiskLevel.High, 100, 200));
        var changed = old.With(Risk(1, County, RiskLevel.High, 100, 150));
        Assert.Equal(200, Assert.Single(old.All).Until.Value);
        Assert.Equal(150, Assert.Single(changed.All).Until.Value);
        Assert.NotEqual(old.Version, changed.Version);
    }

    [Fact]
    public void Risk_holds_in_its_area_and_in_all_that_lies_in_it_down_to_a_building()
    {
        var risks = AreaRisks.None.With([
            Risk(1, Area("33"), RiskLevel.Low, 1, 2), Risk(2, Area("330106001002"), RiskLevel.Medium, 1, 2),
            Risk(3, Area("330106001002003"), RiskLevel.High, 1, 2), Risk(4, Area("330106001002003004"), RiskLevel.High, 1, 2)]);

        Assert.Equal([4, 3, 2, 1], Ids(risks, "330106001002003004"));
        Assert.Equal([3, 2, 1], Ids(risks, "330106001002003005"));
        Assert.Equal([2, 1], Ids(risks, "330106001002"));
        Assert.Equal([1], Ids(risks, "330106"));
        Assert.Equal([1], Ids(risks, "330200"));
        Assert.Equal([], Ids(risks, "420106"));
        Assert.Empty(Ids(AreaRisks.None, "330106"));
        Assert.False(risks.Of(default).MoveNext());
    }

    // Few choices at each level, so that areas often lie in each other, collide in the table, or are the same.
    private static readonly Gen<AreaCode> GenArea =
        from depth in Gen.Int[0, 6]
        from parts in Gen.Int[1, 3].Array[7]
        select Area($"{10 + parts[0]}" + string.Concat(parts.Skip(1).Take(depth).Select((part, level) => part.ToString(level < 2 ? "D2" : "D3", null))));

    private static readonly Gen<AreaRisk> GenRisk =
        from id in Gen.Int[1, 60]
        from area in GenArea
        from level in Gen.Enum<RiskLevel>()
        from begins in Gen.Int[0, 50]
        from length in Gen.Int[0, 50]
        select Risk(id, area, level, begins, length == 50 ? int.MaxValue : begins + length);

    [Fact]
    public void Those_that_hold_in_an_area_are_those_whose_area_contains_it() => GenRisk.Array[0, 40].Select(GenArea).Sample((set, area) =>
    {
        var risks = AreaRisks.None.With(set);
        var latest = set.GroupBy(risk => risk.Id).Select(group => group.Last()).ToList();

        Assert.Equal(latest.Where(risk => risk.Area.Contains(area)).Select(risk => risk.Id).Order(), Held(risks, area).Select(risk => risk.Id).Order());
        Assert.Equal(latest.Select(risk => risk.Id).Order(), risks.All.Select(risk => risk.Id).Order());
        Assert.All(latest, risk => Assert.Same(risk, risks.Find(risk.Id)));
    });

    [Fact]
    public void Many_at_once_and_one_after_the_other_are_the_same() => GenRisk.Array[0, 40].Sample(set =>
    {
        var (atOnce, oneByOne) = (AreaRisks.None.With(set), set.Aggregate(AreaRisks.None, (risks, risk) => risks.With(risk)));
        Assert.Equal(oneByOne.All, atOnce.All);
        Assert.Equal(oneByOne.Version, atOnce.Version);
    });

    [Fact]
    public void The_next_change_is_the_earliest_beginning_or_end_that_is_still_to_come() => GenRisk.Array[0, 20].Select(Gen.Int[0, 110]).Sample((set, now) =>
    {
        var risks = AreaRisks.None.With(set);
        var expected = risks.All.SelectMany(risk => new[] { risk.From, risk.Until }).Where(change => change.Value > now).Append(Minute.Never).Min();
        Assert.Equal(expected, risks.NextChange(new(now)));
    });

    [Fact]
    public void Asking_allocates_nothing()
    {
        var risks = AreaRisks.None.With([.. Enumerable.Range(1, 2_000).Select(id => Risk(id, new AreaCode(330_100_000_000 + (id * 1_000_000L)), RiskLevel.High, 1, 2))]);
        var (home, inside) = (Area("420106001002"), Area("330106001002"));
        Count(risks, home, inside, times: 10);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var found = Count(risks, home, inside, times: 1_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal((1_000, 0L), (found, allocated));
    }

    private static int Count(AreaRisks risks, AreaCode home, AreaCode inside, int times)
    {
        var found = 0;
        for (var time = 0; time < times; time++)
        {
            foreach (var risk in risks.Of(home))
                found += (int)risk.Level;
            foreach (var risk in risks.Of(inside))
                found += risk.Level == RiskLevel.High ? 1 : 0;
            found += risks.NextChange(new(3)).IsNever ? 0 : 1;
        }
        return found;
    }

    private static IEnumerable<int> Ids(AreaRisks risks, string area) => Held(risks, Area(area)).Select(risk => BitConverter.ToInt32(risk.Id.ToByteArray()));

    private static List<AreaRisk> Held(AreaRisks risks, AreaCode area)
    {
        var held = new List<AreaRisk>();
        foreach (var risk in risks.Of(area))
            held.Add(risk);
        return held;
    }

    private static AreaRisk Risk(int id, AreaCode area, RiskLevel level, int from, int until) =>
        new(new Guid(id, 0, 0, new byte[8]), area, level, new(from), new(until), "outbreak", "somebody", default);

    private static AreaCode Area(string digits) => AreaCode.TryParse(digits, out var area) ? area : default;
}
