using System.Collections.Concurrent;
using HealthCode.Domain;
using HealthCode.Server.Cluster;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Places;

/// <summary>The places, as the doors ask for them: kept in memory, since a scan may not wait for a query.</summary>
internal sealed class PlaceDirectory(RegionStores stores) : INodeView
{
    private readonly ConcurrentDictionary<string, Place> places = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Place, string User), byte> guards = new();

    private long seen = -1;

    public string Name => ViewRevision.Places;

    public long Seen => Interlocked.Read(ref seen);

    public async Task CatchUpAsync(CancellationToken cancellation)
    {
        await using var context = await stores.BackOffice.CreateDbContextAsync(cancellation);
        // The revision first: what is read after it has at least that.
        var revision = await context.RevisionAsync(Name, cancellation);
        if (revision == Seen)
            return;
        await foreach (var place in context.Places.AsNoTracking().AsAsyncEnumerable().WithCancellation(cancellation))
            places[place.Id] = place;
        await foreach (var guard in context.PlaceGuards.AsNoTracking().AsAsyncEnumerable().WithCancellation(cancellation))
            guards[(guard.PlaceId, guard.UserName)] = 0;
        // Somebody may have read a later one meanwhile.
        for (var known = Seen; known < revision; known = Seen)
            Interlocked.CompareExchange(ref seen, revision, known);
    }

    public Place? Find(string id) => places.GetValueOrDefault(id);

    public Text? NameOf(string id) => Find(id) is { } place ? new Text(place.NameZh, place.NameEn) : null;

    public IEnumerable<Place> All => places.Values.OrderBy(place => place.Id, StringComparer.Ordinal);

    public bool IsGuarded(string place, string userName) => guards.ContainsKey((place, userName));

    public IEnumerable<string> GuardedBy(string userName) =>
        guards.Keys.Where(guard => guard.User == userName).Select(guard => guard.Place).Order(StringComparer.Ordinal);

    /// <returns>False when the id is taken.</returns>
    public async Task<bool> AddAsync(Place place, CancellationToken cancellation)
    {
        var isNew = false;
        await stores.AloneAsync(Name, async alone => isNew = await AddAloneAsync(place, alone), cancellation);
        return isNew;
    }

    private async Task<bool> AddAloneAsync(Place place, CancellationToken cancellation)
    {
        await using var context = await stores.BackOffice.CreateDbContextAsync(cancellation);
        if (await context.Places.AnyAsync(known => known.Id == place.Id, cancellation))
            return false;
        context.Places.Add(place);
        await context.SaveAndRaiseAsync(Name, cancellation);
        await CatchUpAsync(cancellation);
        return true;
    }

    /// <summary>Makes a user the guard of places; of those they guard already too.</summary>
    public Task AssignAsync(string userName, IEnumerable<string> assigned, CancellationToken cancellation) =>
        stores.AloneAsync(Name, alone => AssignAloneAsync(userName, assigned, alone), cancellation);

    private async Task AssignAloneAsync(string userName, IEnumerable<string> assigned, CancellationToken cancellation)
    {
        await LoadGuardAsync(userName, cancellation);
        var added = assigned.Where(place => !IsGuarded(place, userName)).ToList();
        await using var context = await stores.BackOffice.CreateDbContextAsync(cancellation);
        context.PlaceGuards.AddRange(added.Select(place => new PlaceGuard { PlaceId = place, UserName = userName }));
        await context.SaveAndRaiseAsync(Name, cancellation);
        await CatchUpAsync(cancellation);
    }

    /// <summary>Learns which places a user guards: the account may have been made by another process.</summary>
    public async Task LoadGuardAsync(string userName, CancellationToken cancellation)
    {
        await using var context = await stores.BackOffice.CreateDbContextAsync(cancellation);
        await foreach (var guard in context.PlaceGuards.AsNoTracking().Where(guard => guard.UserName == userName).AsAsyncEnumerable().WithCancellation(cancellation))
            guards[(guard.PlaceId, guard.UserName)] = 0;
    }
}
