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
/// A county in which anything smaller is at risk has an entry too, if only with an empty run; it is the gate:
/// where there is none, neither the county nor anything in it is at risk, and only prefecture and province are looked up,
/// and those only when any is at risk. So a person whom nothing concerns costs one look-up, or three.
/// </remarks>
public sealed class AreaRisks
{
    private readonly record struct Run(long Area, int First, int Count);

    public static readonly AreaRisks None = new([], 0);

    private readonly Dictionary<Guid, AreaRisk> byId;
    private readonly AreaRisk[] sorted;
    private readonly Run[] table;
    private readonly int shift;
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
        foreach (var run in runs.Values)
            table[SlotOf(run.Area)] = run;
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
        var county = area.County;
        if (HasRun(county))
            return new RiskPeriods(this, area);
        return anyLarge ? OfLarger(county) : default;
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

    // A county with anything at risk in it has a run, if only an empty one.
    private static Dictionary<long, Run> RunsOf(AreaRisk[] sorted)
    {
        var runs = new Dictionary<long, Run>();
        for (var first = 0; first < sorted.Length;)
        {
            var (area, next) = (sorted[first].Area, first);
            while (next < sorted.Length && sorted[next].Area == area)
                next++;
            runs[area.Value] = new Run(area.Value, first, next - first);
            if (area.Depth > 6)
                runs.TryAdd(area.County.Value, new Run(area.County.Value, 0, 0));
            first = next;
        }
        return runs;
    }

    /// <summary>Where this area's run is, or the empty slot where it would be: its <c>Area</c> is 0.</summary>
    private int SlotOf(long area)
    {
        // Fibonacci hashing: codes differ in their middle digits, and the product's high bits depend on all of them.
        var slot = (int)((ulong)area * 0x9e37_79b9_7f4a_7c15 >> shift);
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
