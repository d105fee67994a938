using System.Numerics;

namespace HealthCode.Domain;

/// <summary>
/// The risk of every area in every period, as known at one moment. Immutable: a change makes a new one, so a decision
/// never sees half of a change.
/// </summary>
/// <remarks>
/// Compiled when it is made, because every decision asks it: mostly about a home in a county where nothing is at risk,
/// whatever goes on elsewhere. The periods lie sorted by area, and a hash table leads from an area to its run of them:
/// <code>
///   table   area ─► first, count      a power of two of slots, at most half of them taken; the next one on a collision
///   sorted  330100 │ 330106 330106 │ 330106001002 │ …
/// </code>
/// Before the table stands a filter: one bit of some thousands for each area at risk, small enough to stay in the
/// processor's nearest cache. An area is looked up only when its own bit, its township's or its county's is set, which for
/// nearly everybody is not so; and asking costs no branch that goes now this way and now that. Prefectures and
/// provinces are looked up only when any is at risk.
/// </remarks>
public sealed class AreaRisks
{
    private readonly record struct Run(long Area, int First, int Count);

    /// <summary>2^64 over the golden ratio: codes differ in their middle digits, and the product's high bits depend on all of them.</summary>
    private const ulong Spread = 0x9e37_79b9_7f4a_7c15;

    private const int FilterBitsPerArea = 64;

    public static readonly AreaRisks None = new([], 0);

    private readonly Dictionary<Guid, AreaRisk> byId;
    private readonly AreaRisk[] sorted;
    private readonly Run[] table;
    private readonly int shift;
    private readonly ulong[] filter;
    private readonly int filterShift;
    private readonly bool anyLarge;
    private readonly Minute[] changes;

    private AreaRisks(Dictionary<Guid, AreaRisk> byId, int version)
    {
        this.byId = byId;
        Version = version;
        sorted = [.. byId.Values.OrderBy(risk => risk.Area).ThenBy(risk => risk.From).ThenBy(risk => risk.Id)];
        anyLarge = sorted.Any(risk => risk.Area.Depth < 6);
        changes = [.. sorted.SelectMany(risk => new[] { risk.From, risk.Until }).Distinct().Order()];

        var runs = RunsOf(sorted);
        table = new Run[BitOperations.RoundUpToPowerOf2((uint)(runs.Count * 2) + 2)];
        shift = 64 - BitOperations.Log2((uint)table.Length);
        var bits = BitOperations.RoundUpToPowerOf2((uint)((runs.Count + 1) * FilterBitsPerArea));
        (filter, filterShift) = (new ulong[bits / 64], 64 - BitOperations.Log2(bits));
        foreach (var run in runs.Values)
        {
            table[SlotOf(run.Area)] = run;
            var place = (uint)((ulong)run.Area * Spread >> filterShift);
            filter[place >> 6] |= 1UL << (int)(place & 63);
        }
    }

    /// <summary>How many changes it is made of; a cached decision from another version may be stale.</summary>
    public int Version { get; }

    /// <summary>Every period once, by area and beginning.</summary>
    public IReadOnlyList<AreaRisk> All => sorted;

    /// <summary>Adds a period, or puts a changed one (same id) in the place of the old.</summary>
    public AreaRisks With(AreaRisk risk) => With([risk]);

    /// <summary>Adds or changes many at once; of two with one id the later stays.</summary>
    public AreaRisks With(IReadOnlyCollection<AreaRisk> risks)
    {
        ArgumentNullException.ThrowIfNull(risks);
        var changed = new Dictionary<Guid, AreaRisk>(byId);
        foreach (var risk in risks)
            changed[risk.Id] = risk;
        return new AreaRisks(changed, Version + risks.Count);
    }

    /// <summary>The periods that hold in <paramref name="area"/>: its own, and those of the areas that it lies in.</summary>
    public RiskPeriods Of(AreaCode area)
    {
        if (IsInFilter(area))
            return new RiskPeriods(this, area);
        return anyLarge ? OfLarger(area.County) : default;
    }

    /// <summary>False when surely nothing holds in <paramref name="area"/>; the cheapest question there is.</summary>
    internal bool MayConcern(AreaCode area) => anyLarge || IsInFilter(area);

    private bool IsInFilter(AreaCode area)
    {
        var division = area.Value;
        var bits = 0UL;
        if (area.IsFree)
        {
            division = area.Value / 1_000_000;
            bits = BitOf(area.Value) | BitOf(area.Value / 1_000 * 1_000);
        }
        // All of them, and no || between: a look-up that goes astray costs more than a needless bit.
        return (bits | BitOf(division) | BitOf(division / 1_000 * 1_000) | BitOf(division / 1_000_000 * 1_000_000)) != 0;
    }

    /// <summary>The filter's bit of an area, in the lowest place.</summary>
    private ulong BitOf(long area)
    {
        var place = (uint)((ulong)area * Spread >> filterShift);
        return filter[place >> 6] >> (int)(place & 63) & 1;
    }

    public AreaRisk? Find(Guid id) => byId.GetValueOrDefault(id);

    /// <summary>The next moment after <paramref name="now"/> at which a period begins or ends.</summary>
    public Minute NextChange(Minute now)
    {
        var (low, high) = (0, changes.Length);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (changes[middle] > now)
                high = middle;
            else
                low = middle + 1;
        }
        return low < changes.Length ? changes[low] : Minute.Never;
    }

    /// <summary>The periods that were set on exactly this area.</summary>
    internal ReadOnlySpan<AreaRisk> SetOn(AreaCode area)
    {
        ref readonly var run = ref table[SlotOf(area.Value)];
        return sorted.AsSpan(run.First, run.Count);
    }

    /// <summary>The next larger area that may be at risk; none above a county when no prefecture or province is.</summary>
    internal AreaCode Above(AreaCode area)
    {
        var parent = area.Parent;
        return anyLarge || parent.Depth >= 6 ? parent : default;
    }

    private RiskPeriods OfLarger(AreaCode county)
    {
        var prefecture = new AreaCode(county.Value / 100_000_000 * 100_000_000);
        var province = new AreaCode(county.Value / 10_000_000_000 * 10_000_000_000);
        return HasRun(prefecture) || HasRun(province) ? new RiskPeriods(this, prefecture) : default;
    }

    private bool HasRun(AreaCode area) => table[SlotOf(area.Value)].Area != 0;

    private static Dictionary<long, Run> RunsOf(AreaRisk[] sorted)
    {
        var runs = new Dictionary<long, Run>();
        for (var first = 0; first < sorted.Length;)
        {
            var (area, next) = (sorted[first].Area, first);
            while (next < sorted.Length && sorted[next].Area == area)
                next++;
            runs[area.Value] = new Run(area.Value, first, next - first);
            first = next;
        }
        return runs;
    }

    /// <summary>Where this area's run is, or the empty slot where it would be: its <c>Area</c> is 0.</summary>
    private int SlotOf(long area)
    {
        var slot = (int)((ulong)area * Spread >> shift);
        while (table[slot].Area != area && table[slot].Area != 0)
            slot = (slot + 1) & (table.Length - 1);
        return slot;
    }
}

/// <summary>Walks over the risk periods of one area, from itself up to its province, without allocating.</summary>
public ref struct RiskPeriods
{
    private readonly AreaRisks? risks;
    private AreaCode next;
    private ReadOnlySpan<AreaRisk> run;
    private int index;

    internal RiskPeriods(AreaRisks risks, AreaCode area)
    {
        this.risks = risks;
        next = area;
        index = -1;
    }

    public readonly AreaRisk Current => run[index];

    public readonly RiskPeriods GetEnumerator() => this;

    public bool MoveNext()
    {
        while (++index >= run.Length)
        {
            if (next.IsNone)
                return false;
            run = risks!.SetOn(next);
            index = -1;
            next = risks.Above(next);
        }
        return true;
    }
}
