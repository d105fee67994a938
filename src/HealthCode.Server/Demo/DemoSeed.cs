using System.Security.Cryptography;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Hosting;
using HealthCode.Server.People;
using HealthCode.Server.Places;
using HealthCode.Server.Staff;
using HealthCode.Simulation;
using HealthCode.Storage;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Demo;

/// <summary>How a person may try the demo: who is who, with what to sign in.</summary>
internal sealed record DemoSignIns(string Password, string Place, IReadOnlyList<string> StaffNames);

/// <summary>Fills an empty region with the synthetic city: places, staff, residents with a fortnight behind them.</summary>
/// <remarks>
/// It can be killed at any moment and started again: evidence has stable ids, so what is there already is not written
/// twice, and the marker is set last.
/// </remarks>
internal sealed class DemoSeed(
    City city, RegionOptions region, PeopleDirectory people, PersonVault vault, PlaceDirectory places,
    IServiceScopeFactory scopes, IDbContextFactory<BackOfficeContext> backOffice, TimeProvider time)
{
    /// <summary>The first hundred residents of the city have not applied yet: they are for trying the application.</summary>
    public const int NotYetApplied = 100;

    /// <summary>One account of each role, and a second plan officer: who writes an edition may not approve it.</summary>
    private static readonly (string Name, string Role)[] Staff =
        [.. StaffFeature.RoleNames.Select(role => (role, role)), (Roles.PlanOfficer + "-2", Roles.PlanOfficer)];

    private const string Marker = "demo-seeded";
    private const int DaysBehind = 7;
    private const int ChunkSize = 500;
    private const int PlacesOfGuard = 3;

    public string SignInsFile => Path.Combine(region.Data, "demo-sign-ins.json");

    public async Task<DemoSignIns> SignInsAsync(CancellationToken cancellation) =>
        JsonSerializer.Deserialize<DemoSignIns>(await File.ReadAllTextAsync(SignInsFile, cancellation))!;

    /// <summary>Places and staff: small, and needed before anybody can sign in.</summary>
    public async Task PrepareAsync(CancellationToken cancellation)
    {
        if (File.Exists(SignInsFile))
            return;
        for (var index = 0; index < city.VenueCount; index++)
        {
            if (places.Find(city.Venue(index).Id) is null)
                await places.AddAsync(PlaceOf(city.Venue(index)), cancellation);
        }
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        await AddStaffAsync(password, cancellation);
        var signIns = new DemoSignIns(password, city.Venue(0).Id, [.. Staff.Select(account => account.Name)]);
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        await using var file = new FileStream(SignInsFile, options);
        await JsonSerializer.SerializeAsync(file, signIns, cancellationToken: cancellation);
    }

    /// <summary>Residents and their last days. Says how far it is, in residents.</summary>
    public async Task FillAsync(IProgress<int> progress, CancellationToken cancellation)
    {
        if (await IsMarkedAsync(cancellation))
            return;
        var today = Day.Of(Minute.Of(time.GetUtcNow()));
        for (var first = NotYetApplied; first < city.Residents; first += ChunkSize)
        {
            var chunk = Enumerable.Range(first, Math.Min(ChunkSize, city.Residents - first)).ToList();
            await people.AcceptAsync(chunk.SelectMany(index => EvidenceOf(index, today)));
            await vault.PutManyAsync(chunk.Select(index => (PersonOf(index), ProfileOf(city.Resident(index)))), cancellation);
            await ConsentAsync(chunk, cancellation);
            progress.Report(first + chunk.Count);
        }
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        context.RegionSettings.Add(new RegionSetting { Key = Marker, Value = "yes" });
        await context.SaveChangesAsync(cancellation);
    }

    public PersonId PersonOf(int index) => people.PersonOf(city.Resident(index).Document);

    /// <summary>A day of one resident as evidence: the report and the visits, up to <paramref name="until"/>.</summary>
    public IEnumerable<Evidence> DayOf(int index, Day day, Minute until)
    {
        var person = PersonOf(index);
        var report = city.Report(index, day);
        if (report.Made && report.At <= until)
            yield return DeclarationOf(person, index, day, report);
        foreach (var movement in city.Movements(index, day))
        {
            if (movement.Venue is { } venue && movement.From <= until)
                yield return VisitOf(person, index, city.Venue(venue), movement);
        }
    }

    private IEnumerable<Evidence> EvidenceOf(int index, Day today)
    {
        var person = PersonOf(index);
        var resident = city.Resident(index);
        var now = Minute.Of(time.GetUtcNow());
        var since = today.Plus(-60).Start;
        if (city.ArrivalOf(index) is { } arrival)
        {
            since = today.Plus(-arrival.DaysAgo).Start;
            yield return new Stay
            {
                Id = EvidenceId.From("demo", $"{index}/came-from"), Person = person, Happened = today.Plus(-60).Start, Received = now,
                Source = Source.Resident, Area = arrival.From, Until = since,
            };
        }
        yield return new Stay
        {
            Id = EvidenceId.From("demo", $"{index}/home"), Person = person, Happened = since, Received = now, Source = Source.Resident,
            Area = resident.Home, Until = Minute.Never,
        };
        for (var day = today.Plus(-DaysBehind); day <= today; day = day.Plus(1))
        {
            foreach (var evidence in DayOf(index, day, now))
                yield return evidence;
        }
    }

    private static Declaration DeclarationOf(PersonId person, int index, Day day, DailyReport report) => new()
    {
        Id = EvidenceId.From("demo", $"{index}/report/{day}"), Person = person, Happened = report.At, Received = report.At,
        Source = Source.Resident, Symptoms = report.Symptoms, TemperatureTenths = report.TemperatureTenths,
    };

    private static Visit VisitOf(PersonId person, int index, Venue venue, Movement movement) => new()
    {
        Id = EvidenceId.From("demo", $"{index}/visit/{movement.From}"), Person = person, Happened = movement.From, Received = movement.From,
        Source = Source.Checkpoint, EnteredBy = "demo", Place = venue.Id, Area = venue.Area,
        TemperatureTenths = venue.AsksTemperature ? (short)365 : (short)0,
    };

    private static PersonProfile ProfileOf(Resident resident) => new(
        resident.Name.Full, resident.Document.Type, resident.Document.Normalized, resident.Phone.Normalized, null, resident.Address);

    private static Place PlaceOf(Venue venue) => new()
    {
        Id = venue.Id, NameZh = venue.NameZh, NameEn = venue.NameEn, Kind = venue.Kind.ToString().ToLowerInvariant(),
        Area = venue.Area.Value, AsksTemperature = venue.AsksTemperature,
    };

    private async Task AddStaffAsync(string password, CancellationToken cancellation)
    {
        await using var scope = scopes.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<StaffUser>>();
        var roles = scope.ServiceProvider.GetRequiredService<RoleManager<IdentityRole>>();
        foreach (var (name, role) in Staff)
        {
            // A start that was killed half-way left an account whose password nobody knows.
            if (await users.FindByNameAsync(name) is { } old)
                await users.DeleteAsync(old);
            IReadOnlyList<string> guarded = role == Roles.Guard
                ? [.. Enumerable.Range(0, PlacesOfGuard).Select(index => city.Venue(index).Id).Where(id => !places.IsGuarded(id, role))] : [];
            await StaffFeature.CreateAsync(users, roles, places, new StaffRequest(name, password, [role], guarded), cancellation);
        }
    }

    private async Task<bool> IsMarkedAsync(CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        return await context.RegionSettings.AnyAsync(setting => setting.Key == Marker, cancellation);
    }

    private async Task ConsentAsync(IEnumerable<int> chunk, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var now = time.GetUtcNow();
        context.Consents.AddRange(chunk.Select(index => new Consent
        {
            Person = PersonOf(index), Edition = Applications.ApplicationsFeature.ConsentEdition, At = now,
        }));
        await context.SaveChangesAsync(cancellation);
    }
}
