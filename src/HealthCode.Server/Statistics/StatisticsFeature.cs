using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Hosting;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Statistics;

/// <summary>What is counted of the evidence that comes in. No number tells of one person.</summary>
internal static class StatisticsFeature
{
    /// <summary>A smaller number is not told, only that there was something; as in a trial of a plan.</summary>
    private const int CountMin = WhatIfOutcome.GroupMin;

    private const int DaysDefault = 14, DaysMax = 400;

    public static IServiceCollection AddStatistics(this IServiceCollection services) => services
        .AddSingleton<IEvidenceReader, DailyCounts>()
        .AddSingleton(provider => new JournalFollower(
            provider.GetRequiredService<IDbContextFactory<BackOfficeContext>>(), provider.GetRequiredService<EvidenceStore>(),
            provider.GetRequiredService<IEvidenceReader>()))
        .AddSingleton<Following>().AddHostedService(provider => provider.GetRequiredService<Following>());

    public static void MapStatistics(this IEndpointRouteBuilder routes) => routes.MapGroup("").WithTags("Statistics")
        .MapGet(Routes.DailyStatistics, GetDaily).RequireAuthorization(Policies.Statistics)
        .WithSummary("Evidence that came in, by day, kind and source");

    private static async Task<IResult> GetDaily(
        int? days, JournalFollower follower, IDbContextFactory<BackOfficeContext> backOffice, TimeProvider time, CancellationToken cancellation)
    {
        if (days is < 1 or > DaysMax)
            return Refuse.With(Refusals.FieldInvalid, "days");
        var from = Day.Of(Minute.Of(time.GetUtcNow())).Plus(1 - (days ?? DaysDefault)).Value;
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var counts = await context.DailyCounts.AsNoTracking().Where(row => row.Day >= from)
            .OrderByDescending(row => row.Day).ThenBy(row => row.Kind).ThenBy(row => row.Source).ToListAsync(cancellation);
        var lag = await follower.LagAsync(cancellation);
        return Results.Json(
            new DailyStatistics(lag.BatchesBehind, lag.CaughtUpAt, [.. counts.Select(StateOf)]), ApiJson.Wire.DailyStatistics);
    }

    private static DailyCountState StateOf(DailyCount row) => new(
        new Day(row.Day).ToDateOnly(), Spelling.Of((EvidenceKind)row.Kind), Spelling.Of((Source)row.Source), row.Count < CountMin ? null : row.Count);
}

/// <summary>Leads the readers along the journal, every two seconds. Of several nodes one does it at a time.</summary>
internal sealed partial class Following(RegionStores stores, JournalFollower follower, TimeProvider time, ILogger<Following> log) : BackgroundService
{
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var turn = new PeriodicTimer(Every, time);
        while (await turn.NextAsync(stoppingToken))
        {
            try
            {
                await CatchUpAsync(stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                // A view is behind, and says so; nobody's code waits for it.
                Stopped(log, follower.Name, failure);
            }
        }
    }

    public Task CatchUpAsync(CancellationToken cancellation) => stores.AloneAsync(
        $"reader {follower.Name}", alone => follower.CatchUpAsync(time.GetUtcNow(), alone), cancellation);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Reader {Reader} could not read on; it tries again")]
    private static partial void Stopped(ILogger log, string reader, Exception failure);
}
