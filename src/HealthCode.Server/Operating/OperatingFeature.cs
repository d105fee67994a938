using HealthCode.Api;
using HealthCode.Server.Hosting;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.AspNetCore.Authorization;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace HealthCode.Server.Operating;

/// <summary>What whoever runs a node sees of it: metrics and traces, told to a collector or asked for at the management address.</summary>
internal static class OperatingFeature
{
    /// <summary>Where OpenTelemetry's own setting says a collector is; nothing is sent when it is not set.</summary>
    public const string CollectorVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static readonly string[] NotTraced = ["/health", Routes.Metrics];

    public static bool HasCollector => Environment.GetEnvironmentVariable(CollectorVariable) is { Length: > 0 };

    /// <summary>The port of an address as it is given; 0 for none, and for what is no address with a port.</summary>
    public static int PortOf(string? address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.AbsolutePath == "/" ? uri.Port : 0;

    public static IServiceCollection AddOperating(this IServiceCollection services, RegionOptions region)
    {
        services.AddHostedService<LeaseWatch>();
        services.AddSingleton<WarmUp>().AddHostedService(provider => provider.GetRequiredService<WarmUp>());
        services.AddHealthChecks().AddCheck<StoreHealth>("store").AddCheck<WarmUp>("partitions");
        services.AddAuthorizationBuilder().AddPolicy(Policy, policy => policy.RequireAssertion(context => CameByManagement(context, region)));
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService("healthcode", serviceInstanceId: region.Node));
        if (HasCollector || region.ManagementPort > 0)
            telemetry.WithMetrics(metrics => Configure(metrics, region));
        if (region.Traced)
            telemetry.WithTracing(Configure);
        return services;
    }

    public static void MapOperating(this IEndpointRouteBuilder routes)
    {
        var region = routes.ServiceProvider.GetRequiredService<RegionOptions>();
        if (region.ManagementPort > 0)
            routes.MapPrometheusScrapingEndpoint(Routes.Metrics).RequireAuthorization(Policy).ExcludeFromDescription();
    }

    /// <summary>The management address shows metrics and health, and none of the region's own pages.</summary>
    public static void UseManagementAddress(this IApplicationBuilder app)
    {
        var port = app.ApplicationServices.GetRequiredService<RegionOptions>().ManagementPort;
        if (port > 0)
        {
            app.Use((http, next) => http.Connection.LocalPort == port && !NotTraced.Any(path => http.Request.Path.StartsWithSegments(path))
                ? http.RefuseAsync(Refusals.NotFound) : next(http));
        }
    }

    private const string Policy = "management";

    private static bool CameByManagement(AuthorizationHandlerContext context, RegionOptions region) =>
        context.Resource is HttpContext http && http.Connection.LocalPort == region.ManagementPort;

    private static void Configure(MeterProviderBuilder metrics, RegionOptions region)
    {
        metrics.AddMeter(Instruments.Name, "Npgsql").AddAspNetCoreInstrumentation().AddRuntimeInstrumentation();
        if (HasCollector)
            metrics.AddOtlpExporter();
        if (region.ManagementPort > 0)
            metrics.AddPrometheusExporter();
    }

    private static void Configure(TracerProviderBuilder traces)
    {
        traces.AddSource(Instruments.Name, "Microsoft.Orleans.Application").AddProcessor<NothingPersonal>()
            .AddAspNetCoreInstrumentation(requests => requests.Filter = http => !NotTraced.Any(path => http.Request.Path.StartsWithSegments(path)));
        if (HasCollector)
            traces.AddOtlpExporter();
    }
}
