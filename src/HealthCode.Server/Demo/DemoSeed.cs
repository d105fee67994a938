using System.Security.Cryptography;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Areas;
using HealthCode.Server.Hosting;
using HealthCode.Server.People;
using HealthCode.Server.Places;
using HealthCode.Server.Staff;
using HealthCode.Simulation;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;
using Orleans.Concurrency;

namespace HealthCode.Server.Demo;

/// <summary>How a person may try the demo: who is who, with what to sign in.</summary>
internal sealed record DemoSignIns(string Password, string Place, IReadOnlyList<string> StaffNames);

/// <summary>Fills an empty region with the synthetic city: places, staff, residents with a fortnight behind them.</summary>
/// <remarks>
/// It can be killed at any moment and started again: evidence has stable ids, so what is there already is not written
/// twice, and the marker is set last.
/// </remarks>
internal sealed class DemoSeed(
    City city, RegionOptions region, PeopleDirectory people, PersonVault vault, PlaceDirectory places, IGrainFactory grains,
    AreaRiskBoard areas, IServiceScopeFactory scopes, IDbContextFactory<BackOfficeContext> backOffice, RegionStores stores, TimeProvider time)
{
    /// <summary>The first hundred residents of the city have not applied yet: they are for trying the application.</summary>
    public const int NotYetApplied = 100;

    /// <summary>One account of each role, and a second plan officer: who writes an edition may not approve it.</summary>
    private static readonly (string Name, string Role)[] Staff =
        [.. StaffFeature.RoleNames.Select(role => (role, role)), (Roles.PlanOfficer + "-2", Roles.PlanOfficer)];

    private const string Marker = "demo-seeded";
    private static readonly Guid NeighbourRisk = new("00000000-0000-0000-0000-000000000001");
    private const int DaysBehind = 7;
    private const int ChunkSize = 500;
    private const int PlacesOfGuard = 3;

    public string SignInsFile => Path.Combine(region.Data, "demo-sign-ins.json");

    public async Task<DemoSignIns> SignInsAsync(CancellationToken cancellation) =>
        JsonSerializer.Deserialize<DemoSignIns>(await File.ReadAllTextAsync(SignInsFile, cancellation))!;

    /// <summary>Places and staff: small, and needed before anybody can sign in.</summary>
    public Task PrepareAsync(CancellationToken cancellation) => stores.AloneAsync("demo", PrepareAloneAsync, cancellation);

    private async Task PrepareAloneAsync(CancellationToken cancellation)
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
    public Task FillAsync(IProgress<int> progress, CancellationToken cancellation) =>
        stores.AloneAsync("demo", alone => FillAloneAsync(progress, alone), cancellation);

    private async Task FillAloneAsync(IProgress<int> progress, CancellationToken cancellation)
    {
        if (await IsMarkedAsync(cancellation))
            return;
        var today = Day.Of(Minute.Of(time.GetUtcNow()));
        await SetNeighbourAtRiskAsync(today);
        for (var first = NotYetApplied; first < city.Residents; first += ChunkSize)
        {
            var chunk = Enumerable.Range(first, Math.Min(ChunkSize, city.Residents - first)).ToList();
            await people.AcceptAsync(chunk.SelectMany(index => EvidenceOf(index, today)));
            await vault.PutManyAsync([.. chunk.Select(index => (PersonOf(index), ProfileOf(city.Resident(index))))], cancellation);
            await ConsentAsync(chunk, cancellation);
            progress.Report(first + chunk.Count);
        }
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        context.RegionSettings.Add(new RegionSetting { Key = Marker, Value = "yes" });
        await context.SaveChangesAsync(cancellation);
    }

    public PersonId PersonOf(int index) => people.PersonOf(city.Resident(index).Document);

    // Nobody of the city was there for sure; those whose phone reached a mast over there are asked.
    private async Task SetNeighbourAtRiskAsync(Day today)
    {
        if (areas.Current.Find(NeighbourRisk) is not null)
            return;
        var risk = new AreaRisk(
            NeighbourRisk, City.AcrossTheBorder, RiskLevel.Medium, today.Plus(-DaysBehind).Start, Minute.Never, "邻市出现聚集性疫情（演示）", "demo",
            Minute.Of(time.GetUtcNow()));
        await grains.GetGrain<IAreaRiskGrain>(0).Set(EvidenceCodec.EncodeRisks([risk]).AsImmutable());
    }

    /// <summary>A day of one resident as evidence: report, test and visits, up to <paramref name="until"/>.</summary>
    public IEnumerable<Evidence> DayOf(int index, Day day, Minute until)
    {
        var person = PersonOf(index);
        var report = city.Report(index, day);
        if (report.Made && report.At <= until)
            yield return DeclarationOf(person, index, day, report);
        if (city.SampledOn(index, day) is { } sampled && sampled <= until)
            yield return TestOf(person, index, day, sampled);
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
        foreach (var evidence in OthersSayOf(person, index, today, now))
            yield return evidence;
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

    private static Test TestOf(PersonId person, int index, Day day, Minute sampled) => new()
    {
        Id = EvidenceId.From("demo", $"{index}/test/{day}"), Person = person, Happened = sampled, Received = sampled, Source = Source.Laboratory,
        Result = TestResult.Negative, Institution = "示例市第一医院",
    };

    /// <summary>What others than the person report, beside their tests: doses, the train that brought them, contacts, a mast across the border.</summary>
    private IEnumerable<Evidence> OthersSayOf(PersonId person, int index, Day today, Minute now)
    {
        var doses = city.DosesDaysAgo(index);
        for (var dose = 1; dose <= doses.Count; dose++)
        {
            yield return new Vaccination
            {
                Id = EvidenceId.From("demo", $"{index}/dose/{dose}"), Person = person, Happened = today.Plus(-doses[dose - 1]).Start, Received = now,
                Source = Source.Hospital, Dose = (byte)dose, Vaccine = "灭活疫苗",
            };
        }
        if (city.RideOf(index) is { } ride)
        {
            var departure = today.Plus(-ride.DaysAgo).Start.Plus(TimeSpan.FromHours(-6));
            yield return new Journey
            {
                Id = EvidenceId.From("demo", $"{index}/journey"), Person = person, Happened = departure, Received = now, Source = Source.Railway,
                Mode = JourneyMode.Train, Number = ride.Train, Carriage = ride.Carriage, Seat = ride.Seat, From = ride.From, To = City.Self,
                Until = departure.Plus(TimeSpan.FromHours(5)),
            };
        }
        // Whoever tries the demo as the printed resident meets a question, too.
        if ((index == NotYetApplied ? city.AcrossOf(index) : city.MastStayOf(index)) is { } mast)
        {
            var from = today.Plus(-mast.DaysAgo).Start.Plus(TimeSpan.FromHours(15));
            yield return new Stay
            {
                Id = EvidenceId.From("demo", $"{index}/mast"), Person = person, Happened = from, Received = now, Source = Source.Telecom,
                Area = City.AcrossTheBorder, Until = from.Plus(TimeSpan.FromMinutes(mast.Minutes)), Confidence = mast.Confidence,
            };
        }
        foreach (var evidence in FoundAbout(person, index, today, now))
            yield return evidence;
    }

    private IEnumerable<Evidence> FoundAbout(PersonId person, int index, Day today, Minute now)
    {
        if (city.CaseContactOf(index) is not { } contact)
            yield break;
        var exposed = today.Plus(-contact.DaysAgo).Start.Plus(TimeSpan.FromHours(18));
        yield return new Contact
        {
            Id = EvidenceId.From("demo", $"{index}/contact"), Person = person, Happened = exposed, Received = now, Source = Source.Epidemiologist,
            EnteredBy = "demo", Degree = contact.Contact, Circumstance = "与病例同时在一处场所（演示）",
        };
        if (contact.Ordered is not { } ordered)
            yield break;
        yield return new Order
        {
            Id = EvidenceId.From("demo", $"{index}/order"), Person = person, Happened = exposed.PlusDays(1), Received = now, Source = Source.Epidemiologist,
            EnteredBy = "demo", Ordered = ordered, Institution = "示例市疾病预防控制中心", Basis = "《传染病防治法》（演示）",
        };
        if (contact.Released)
        {
            yield return new Release
            {
                Id = EvidenceId.From("demo", $"{index}/release"), Person = person, Happened = exposed.PlusDays(2), Received = now, Source = Source.Epidemiologist,
                EnteredBy = "demo", Released = ordered, Institution = "示例市疾病预防控制中心",
            };
        }
    }

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
        var accounts = scope.ServiceProvider.GetRequiredService<StaffAccounts>();
        foreach (var (name, role) in Staff)
        {
            // A start that was killed half-way left an account whose password nobody knows.
            await accounts.RemoveAsync(name);
            IReadOnlyList<string> guarded = role == Roles.Guard
                ? [.. Enumerable.Range(0, PlacesOfGuard).Select(index => city.Venue(index).Id)] : [];
            if (await accounts.AddAsync(new StaffRequest(name, password, [role], guarded), cancellation) is { } refused)
                throw new InvalidOperationException($"The demo's {name} was refused: {refused.Refusal.Name}");
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
