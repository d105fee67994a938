using HealthCode.Domain;
using HealthCode.Server.Hosting;
using HealthCode.Server.People;
using HealthCode.Simulation;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace HealthCode.Server.Demo;

/// <summary>Prints how to try the demo, fills the city, then lets it live at a modest pace.</summary>
internal sealed partial class DemoLife(
    DemoSeed seed, City city, PeopleDirectory people, RegionOptions region, IServer server, IHostApplicationLifetime lifetime,
    TimeProvider time, ILogger<DemoLife> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await StartedAsync(stoppingToken);
        await seed.PrepareAsync(stoppingToken);
        await PrintAsync(stoppingToken);
        await FillAsync(stoppingToken);
        if (region.DemoPace > 0)
            await LiveAsync(stoppingToken);
    }

    private async Task StartedAsync(CancellationToken cancellation)
    {
        var started = new TaskCompletionSource();
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(cancellation);
    }

    private async Task PrintAsync(CancellationToken cancellation)
    {
        var address = server.Features.Get<IServerAddressesFeature>()!.Addresses.First().Replace("[::]", "localhost", StringComparison.Ordinal);
        var signIns = await seed.SignInsAsync(cancellation);
        var newcomer = city.Resident(0);
        var resident = city.Resident(DemoSeed.NotYetApplied);
        var blank = new string(' ', address.Length + 10);
        // A demo's people do not exist, so their numbers may stand on the operator's own screen.
        Console.WriteLine($"""

              HealthCode demo: a synthetic city of {city.Residents:N0} people who do not exist

              Resident    {address}/
                apply as    name {newcomer.Name.Full}   document {newcomer.Document.Normalized}   phone {newcomer.Phone.Normalized}
                or show the code of phone {resident.Phone.Normalized}   (the one-time code appears on the screen)
              Guard       {address}/check    user guard             password {signIns.Password}
              Staff       {address}/staff    user community-worker  password {signIns.Password}
              {blank}            user epidemiologist    password {signIns.Password}
              {blank}            user plan-officer      password {signIns.Password}
              {blank}            user plan-officer-2    password {signIns.Password}
              {blank}            user administrator     password {signIns.Password}
              API         {address}/reference

            """);
    }

    private async Task FillAsync(CancellationToken cancellation)
    {
        var percent = -1;
        await seed.FillAsync(new Progress(done =>
        {
            var now = (int)(100L * done / city.Residents);
            if (now / 10 != percent / 10 || percent < 0)
                Console.WriteLine($"  filling the city: {now} %  ({done:N0} of {city.Residents:N0} residents)");
            percent = now;
        }), cancellation);
    }

    private sealed class Progress(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }

    // Each tick some residents catch up with their own day: what the city says they did until now, and no more. Facts
    // that are there already are recognised by their ids.
    private async Task LiveAsync(CancellationToken cancellation)
    {
        var chance = new Random(region.DemoSeed);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / Math.Min(region.DemoPace, 50)), time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            var index = chance.Next(DemoSeed.NotYetApplied, city.Residents);
            var now = Minute.Of(time.GetUtcNow());
            try
            {
                await people.AcceptAsync(seed.DayOf(index, Day.Of(now), now));
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                LogMissed(log, failure.GetType().Name);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The demo city missed a beat: {Failure}")]
    private static partial void LogMissed(ILogger log, string failure);
}
