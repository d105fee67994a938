using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Hosting;
using HealthCode.Server.People;
using HealthCode.Server.Places;
using HealthCode.Server.Staff;
using HealthCode.Storage;
using HealthCode.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace HealthCode.Server.Tests;

/// <summary>A region without a city in it, in a folder or in a database, whose stores a test does things to.</summary>
internal sealed class KeptRegion : IAsyncDisposable
{
    public const string Password = "correct horse battery";
    public const int Partitions = 4;

    private readonly WebApplication app;

    private KeptRegion(WebApplication app, string folder, string? store) => (this.app, Folder, Store) = (app, folder, store);

    public string Folder { get; }

    /// <summary>The database's address; null for a folder.</summary>
    public string? Store { get; }

    /// <summary>What names this region to a command.</summary>
    public string[] Named => NamedAs(Folder, Store);

    public IServiceProvider Services => app.Services;

    public Uri Address => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public PeopleDirectory People => Services.GetRequiredService<PeopleDirectory>();

    public PersonVault Vault => Services.GetRequiredService<PersonVault>();

    public RegionStores Stores => Services.GetRequiredService<RegionStores>();

    public static string[] NamedAs(string folder, string? store) =>
        ["--data", folder, "--partitions", $"{Partitions}", .. store is null ? (string[])[] : ["--store", store]];

    /// <summary>An empty database's address.</summary>
    public static async Task<string> CreateStoreAsync(PostgresFixture postgres)
    {
        var database = new Npgsql.NpgsqlConnectionStringBuilder(await postgres.CreateDatabaseAsync()).Database!;
        return (await postgres.ServerAsync()).UrlOf(database) + "?pool=20";
    }

    public static async Task<KeptRegion> StartAsync(string folder, string? store = null, TimeProvider? time = null, RegionOptions? options = null)
    {
        var region = (options ?? new RegionOptions()) with { Data = folder, Store = StoreAddress.Parse(store), Partitions = Partitions };
        var app = await RegionHost.BuildAsync(region, ["--urls", "http://127.0.0.1:0"], builder =>
        {
            if (time is not null)
                builder.Services.AddSingleton(time);
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
        });
        await app.StartAsync();
        return new(app, folder, store);
    }

    public PersonId PersonOf(int number) => People.PersonOf(DocumentOf(number));

    public static IdentityDocument DocumentOf(int number) =>
        IdentityDocument.TryParse(DocumentType.Passport, $"E{number:D8}", DateOnly.MaxValue, out var document, out _)
            ? document : throw new InvalidOperationException("This is no passport's number.");

    public static string PhoneOf(int number) => $"129{number:D8}";

    /// <summary>Somebody who applied: a residence, a profile, a consent.</summary>
    public async Task<PersonId> ApplyAsync(int number, Minute received)
    {
        var person = PersonOf(number);
        await Vault.PutAsync(person, new("李" + number, DocumentType.Passport, DocumentOf(number).Normalized, PhoneOf(number), null, null), default);
        await People.AcceptAsync(new Stay
        {
            Id = EvidenceId.From("test", $"{number}/home"), Person = person, Happened = received.PlusDays(-30), Received = received,
            Source = Source.Resident, Area = new AreaCode(990101), Until = Minute.Never,
        });
        await using var context = await Stores.BackOffice.CreateDbContextAsync();
        context.Consents.Add(new Consent { Person = person, Edition = "2020-02", At = received.ToDateTimeOffset() });
        await context.SaveChangesAsync();
        return person;
    }

    public Task ReportAsync(PersonId person, string key, Minute received, Symptoms symptoms = Symptoms.None) => People.AcceptAsync(new Declaration
    {
        Id = EvidenceId.From("test", key), Person = person, Happened = received, Received = received, Source = Source.Resident, Symptoms = symptoms,
    });

    public async Task AddStaffAsync(string name, string role, params string[] places)
    {
        await using var scope = Services.CreateAsyncScope();
        Assert.Null(await scope.ServiceProvider.GetRequiredService<StaffAccounts>().AddAsync(new StaffRequest(name, Password, [role], places), default));
    }

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
    }
}
