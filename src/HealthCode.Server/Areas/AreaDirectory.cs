using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Cluster;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Areas;

/// <summary>
/// All areas by name: the divisions, and the compounds and buildings that the region numbered itself. Kept in memory,
/// since every page asks; one that is added shows at once. An endpoint asks for <see cref="Divisions"/> and gets those of
/// the moment; what lives longer than a request asks here.
/// </summary>
internal sealed class AreaDirectory(Divisions divisions, RegionStores stores) : INodeView, IDisposable
{
    private const int NumberMax = 999;

    private readonly Lock gate = new();

    // Two added at once must not get the same number.
    private readonly SemaphoreSlim adding = new(1);
    private volatile Divisions current = divisions;
    private long seen = -1;

    public string Name => ViewRevision.FreeAreas;

    public long Seen => Interlocked.Read(ref seen);

    public Divisions Current => current;

    public Text NameOf(AreaCode area) => new(current.NameOf(area), current.EnglishNameOf(area));

    public async Task CatchUpAsync(CancellationToken cancellation)
    {
        await using var context = await stores.BackOffice.CreateDbContextAsync(cancellation);
        // The revision first: what is read after it has at least that.
        var revision = await context.RevisionAsync(Name, cancellation);
        if (revision == Seen)
            return;
        var free = await context.FreeAreas.AsNoTracking().ToListAsync(cancellation);
        lock (gate)
        {
            current = current.With(free.Select(DivisionOf));
            Interlocked.Exchange(ref seen, Math.Max(seen, revision));
        }
    }

    /// <summary>Adds a compound or a building under the next free number; one that has these names already is that one.</summary>
    /// <returns>The area and whether it is new, or the refusal.</returns>
    public async Task<(Division? Area, bool IsNew, Refusal? Refusal)> AddAsync(
        AreaCode parent, Text name, string by, DateTimeOffset now, CancellationToken cancellation)
    {
        if (parent.Depth is not (12 or 15))
            return (null, false, Refusals.AreaNotDivided);
        await adding.WaitAsync(cancellation);
        try
        {
            (Division?, bool, Refusal?) answer = default;
            await stores.AloneAsync(Name, async alone => answer = await AddAloneAsync(parent, name, by, now, alone), cancellation);
            return answer;
        }
        finally
        {
            adding.Release();
        }
    }

    public void Dispose() => adding.Dispose();

    private async Task<(Division? Area, bool IsNew, Refusal? Refusal)> AddAloneAsync(
        AreaCode parent, Text name, string by, DateTimeOffset now, CancellationToken cancellation)
    {
        // Another node may have added one.
        await CatchUpAsync(cancellation);
        var siblings = current.Children(parent).ToList();
        if (siblings.Find(sibling => sibling.Name == name.Zh || sibling.EnglishName == name.En) is { } known)
            return (known.Name, known.EnglishName) == (name.Zh, name.En) ? (known, false, null) : (null, false, Refusals.AreaNameTaken);
        if (siblings.Count >= NumberMax)
            return (null, false, Refusals.AreaFull);
        // None is ever taken away, so the numbers have no gaps.
        return (await KeepAsync(parent.Below(siblings.Count + 1), name, by, now, cancellation), true, null);
    }

    private async Task<Division> KeepAsync(AreaCode code, Text name, string by, DateTimeOffset now, CancellationToken cancellation)
    {
        var area = new FreeArea { Code = code.Value, NameZh = name.Zh, NameEn = name.En, AddedBy = by, AddedAt = now };
        await using var context = await stores.BackOffice.CreateDbContextAsync(cancellation);
        context.FreeAreas.Add(area);
        await context.SaveAndRaiseAsync(Name, cancellation);
        await CatchUpAsync(cancellation);
        return DivisionOf(area);
    }

    private static Division DivisionOf(FreeArea area) => new(new AreaCode(area.Code), area.NameZh, area.NameEn);
}
