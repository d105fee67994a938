using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Areas;

/// <summary>
/// All areas by name: the divisions, and the compounds and buildings that the region numbered itself. Kept in memory,
/// since every page asks; one that is added shows at once. An endpoint asks for <see cref="Divisions"/> and gets those of
/// the moment; what lives longer than a request asks here.
/// </summary>
internal sealed class AreaDirectory(Divisions divisions, IDbContextFactory<BackOfficeContext> backOffice) : IDisposable
{
    private const int NumberMax = 999;

    // Two added at once must not get the same number.
    private readonly SemaphoreSlim adding = new(1);
    private volatile Divisions current = divisions;

    public Divisions Current => current;

    public Text NameOf(AreaCode area) => new(current.NameOf(area), current.EnglishNameOf(area));

    public async Task LoadAsync(CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var free = await context.FreeAreas.AsNoTracking().ToListAsync(cancellation);
        current = current.With(free.Select(DivisionOf));
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
            var siblings = current.Children(parent).ToList();
            if (siblings.Find(sibling => sibling.Name == name.Zh || sibling.EnglishName == name.En) is { } known)
                return (known.Name, known.EnglishName) == (name.Zh, name.En) ? (known, false, null) : (null, false, Refusals.AreaNameTaken);
            if (siblings.Count >= NumberMax)
                return (null, false, Refusals.AreaFull);
            // None is ever taken away, so the numbers have no gaps.
            return (await KeepAsync(parent.Below(siblings.Count + 1), name, by, now, cancellation), true, null);
        }
        finally
        {
            adding.Release();
        }
    }

    public void Dispose() => adding.Dispose();

    private async Task<Division> KeepAsync(AreaCode code, Text name, string by, DateTimeOffset now, CancellationToken cancellation)
    {
        var area = new FreeArea { Code = code.Value, NameZh = name.Zh, NameEn = name.En, AddedBy = by, AddedAt = now };
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        context.FreeAreas.Add(area);
        await context.SaveChangesAsync(cancellation);
        var added = DivisionOf(area);
        current = current.With([added]);
        return added;
    }

    private static Division DivisionOf(FreeArea area) => new(new AreaCode(area.Code), area.NameZh, area.NameEn);
}
