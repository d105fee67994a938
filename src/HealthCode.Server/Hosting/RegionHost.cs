using System.Diagnostics;
using System.Text.Json.Serialization;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Applications;
using HealthCode.Server.Areas;
using HealthCode.Server.Cases;
using HealthCode.Server.Cluster;
using HealthCode.Server.Community;
using HealthCode.Server.Demo;
using HealthCode.Server.Operating;
using HealthCode.Server.People;
using HealthCode.Server.Places;
using HealthCode.Server.Plans;
using HealthCode.Server.Retaining;
using HealthCode.Server.Security;
using HealthCode.Server.SignIn;
using HealthCode.Server.Sources;
using HealthCode.Server.Staff;
using HealthCode.Server.Statistics;
using HealthCode.Simulation;
using HealthCode.Storage;
using HealthCode.Tokens;
using HealthCode.Web;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.OpenApi;
using Npgsql;
using Scalar.AspNetCore;

namespace HealthCode.Server.Hosting;

/// <summary>Puts a region together: one process, one silo, its pages and its endpoints.</summary>
public static class RegionHost
{
    /// <param name="configure">Last word on the services, for a deployment's own gateways and registers, and for tests' time.</param>
    public static async Task<WebApplication> BuildAsync(
        RegionOptions region, string[] args, Action<WebApplicationBuilder>? configure = null, CancellationToken cancellation = default)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseStaticWebAssets();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 64 * 1024;
        });
        // A region's log is for programs to read, a demo's for whoever sits before it.
        builder.Logging.ClearProviders();
        if (region.Demo)
            builder.Logging.AddSimpleConsole();
        else
            builder.Logging.AddJsonConsole(json => json.UseUtcTimestamp = true);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Diagnostics", LogLevel.Critical)
            .AddFilter("Orleans", LogLevel.Error).AddFilter("Polly", LogLevel.Warning).AddFilter("Microsoft", LogLevel.Warning).AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Error)
            // A start that failed is told once, by Program, in one line.
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical)
            // Where it listens. A demo prints that itself, with the sign-ins.
            .AddFilter("Microsoft.Hosting.Lifetime", region.Demo ? LogLevel.Warning : LogLevel.Information)
            // The cookie keys lie beside the region's own, in a folder that only its owner can read.
            .AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error);

        AddRegion(builder, region);
        configure?.Invoke(builder);
        builder.UseOrleans(silo => silo.UseCluster(region));

        var app = builder.Build();
        MapRegion(app);
        await OpenAsync(app.Services, region, cancellation);
        return app;
    }

    private static void AddRegion(WebApplicationBuilder builder, RegionOptions region)
    {
        var services = builder.Services;
        var keys = KeyRing.OpenOrCreate(region.KeyFolder, region.Region, TimeProvider.System);
        services.AddSingleton(region);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(keys);
        services.AddSingleton(provider => new TokenIssuer(keys));
        services.AddSingleton(provider => new TokenReader(keys));
        services.AddHealthCodeStorage(region.Data, region.Store, keys.Secret("profiles"), region.Partitions);
        services.AddSingleton(region.Retention);
        services.AddCluster(region);
        services.AddMemoryCache(cache => cache.SizeLimit = 1_000_000);

        services.AddSecurity(builder.Configuration, region);
        services.AddSignIn().AddApplications().AddPeople().AddPlans().AddPlaces().AddSources().AddStaff().AddRetaining().AddStatistics();
        services.AddAreas(region.Demo ? Divisions.BuiltIn.With(City.Divisions) : Divisions.BuiltIn);
        if (region.Demo)
            services.AddDemo(region);
        services.TryAddSingleton<ISmsSender, NoSmsSender>();
        services.TryAddSingleton<IRealNameCheck, NoRealNameCheck>();

        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Wire);
            json.SerializerOptions.Converters.Add(new TextConverter());
            json.SerializerOptions.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
            json.SerializerOptions.RespectNullableAnnotations = true;
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddOpenApi("v1", openApi => openApi.AddSchemaTransformer((schema, context, _) =>
        {
            // What a converter of ours reads, it would describe as anything.
            if (context.JsonTypeInfo.Type == typeof(string))
                schema.Type = JsonSchemaType.String | (context.JsonPropertyInfo is { IsGetNullable: true } ? JsonSchemaType.Null : default);
            else if (context.JsonTypeInfo.ElementType == typeof(string))
                schema.Items = new OpenApiSchema { Type = JsonSchemaType.String };
            return Task.CompletedTask;
        }));
        services.AddHealthChecks().AddCheck<KeyFolderHealth>("keys");
        services.AddOperating(region);
        services.AddOutputCache();
        services.AddResponseCompression();
        services.AddWeb();
    }

    private static void MapRegion(WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = Refuse.OnFailureAsync, AllowStatusCode404Response = true });
        app.UseStatusCodePages(context => Refuse.OnEmptyAsync(context.HttpContext));
        app.UseManagementAddress();
        app.UseSecurityHeaders();
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseRateLimiter();
        app.UseOutputCache();

        app.MapSignIn();
        app.MapApplications();
        app.MapPeople();
        app.MapAreas();
        app.MapPlans();
        app.MapPlaces();
        app.MapStatistics();
        app.MapCases();
        app.MapSources();
        app.MapCommunity();
        app.MapStaff();
        app.MapWeb();
        app.MapOperating();

        app.MapGet(Routes.PublicKeys, (KeyRing keys) => Results.Text(keys.PublicKeys().ToJson(), "application/jwk-set+json"))
            .AllowAnonymous().WithTags("Tokens").WithSummary("The public keys by which anyone checks a code");
        app.MapHealthChecks(Routes.Live, new HealthCheckOptions { Predicate = _ => false }).AllowAnonymous();
        app.MapHealthChecks(Routes.Ready).AllowAnonymous();
        app.MapOpenApi().AllowAnonymous();
        app.MapScalarApiReference("/reference").AllowAnonymous();
        // What is not there is not there for anybody: else a wrong address would ask strangers to sign in.
        app.MapFallback("{*path}", () => Results.NotFound()).AllowAnonymous().ExcludeFromDescription();
    }

    /// <summary>How long a start waits for a database that is starting too, after a power cut say.</summary>
    private static readonly TimeSpan DatabaseStartMax = TimeSpan.FromMinutes(1);

    private static async Task MigrateAsync(RegionStore store, CancellationToken cancellation)
    {
        for (var began = Stopwatch.GetTimestamp(); ; await Task.Delay(TimeSpan.FromMilliseconds(500), cancellation))
        {
            try
            {
                await store.MigrateAsync(cancellation);
                return;
            }
            catch (PostgresException starting) when (
                starting.SqlState == PostgresErrorCodes.CannotConnectNow && Stopwatch.GetElapsedTime(began) < DatabaseStartMax)
            {
                // It answers that it will answer. One that does not answer at all is told at once: the address may be wrong.
            }
        }
    }

    /// <summary>What must be there before the first request: tables, areas and their risks, an edition in force, places.</summary>
    private static async Task OpenAsync(IServiceProvider services, RegionOptions region, CancellationToken cancellation)
    {
        var store = services.GetRequiredService<RegionStore>();
        await MigrateAsync(store, cancellation);
        // Other partitions would look for people in other streams, and another city does not know the people of this one.
        await store.FixAsync(RegionStore.Partitions, $"{region.Partitions}", cancellation);
        await store.FixAsync(RegionStore.City, region.Demo ? $"--residents {region.DemoResidents} --seed {region.DemoSeed}" : "none", cancellation);
        // Before anything is loaded: what is changed from here on waits until this node shows it.
        if (services.GetService<NodeLease>() is { } lease)
            await lease.JoinAsync(cancellation);
        foreach (var view in services.GetServices<INodeView>())
            await view.CatchUpAsync(cancellation);
        await services.GetRequiredService<RegionStores>().AloneAsync("first edition", alone => BeginAsync(services, alone), cancellation);
    }

    private static async Task BeginAsync(IServiceProvider services, CancellationToken cancellation)
    {
        var board = services.GetRequiredService<PlanBoard>();
        await board.CatchUpAsync(cancellation);
        var now = Minute.Of(services.GetRequiredService<TimeProvider>().GetUtcNow());
        await board.BeginAsync(services.GetRequiredService<RegionOptions>().Edition, now, cancellation);
    }
}
