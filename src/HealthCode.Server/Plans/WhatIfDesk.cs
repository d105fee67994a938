using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Areas;
using HealthCode.Server.Hosting;
using HealthCode.Server.People;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Plans;

/// <summary>The region's one trial at a time, in the background. It ends with the process; nothing is lost by that but its time.</summary>
internal sealed partial class WhatIfDesk(
    EvidenceStore evidence, IDbContextFactory<BackOfficeContext> backOffice, RegionOptions region, PlanBoard board, PlanDrafts drafts, AreaDirectory areas, TimeProvider time,
    ILogger<WhatIfDesk> log) : BackgroundService
{
    /// <summary>Of the time it works, so much again it rests: displays come first.</summary>
    private const double RestShare = 0.5;

    private readonly Lock gate = new();
    private readonly SemaphoreSlim asked = new(0);
    private WhatIfState state = new("none", null, null, null, 0, region.Partitions, 0, null);
    private Trial? trial;

    private sealed record Trial(OpenDraft Draft, Policy Policy, Minute At, string By, CancellationTokenSource Cancelled);

    public WhatIfState State
    {
        get
        {
            lock (gate)
                return state;
        }
    }

    /// <returns>False while another runs.</returns>
    public bool TryStart(OpenDraft draft, Policy policy, Minute at, string by)
    {
        lock (gate)
        {
            if (trial is not null)
                return false;
            trial = new(draft, policy, at, by, new CancellationTokenSource());
            state = new("running", draft.Draft.Id.ToString(), by, time.GetUtcNow(), 0, region.Partitions, 0, null);
        }
        asked.Release();
        return true;
    }

    public void Cancel()
    {
        lock (gate)
            trial?.Cancelled.Cancel();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await asked.WaitAsync(stoppingToken);
                await RunAsync(trial!, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The region stops.
        }
    }

    public override void Dispose()
    {
        asked.Dispose();
        base.Dispose();
    }

    private async Task RunAsync(Trial running, CancellationToken stopping)
    {
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(stopping, running.Cancelled.Token);
        try
        {
            var progress = new Listener(done =>
            {
                lock (gate)
                    state = state with { PartitionsDone = done.PartitionsDone, People = done.People };
            });
            var against = board.Current.At(running.At).Policy;
            var whatIf = new WhatIf(evidence, backOffice, region.Partitions, time) { RestShare = RestShare };
            var outcome = await Task.Run(
                () => whatIf.RunAsync(new(against, running.Policy, running.At), progress, cancelled.Token), cancelled.Token);
            var answer = WhatIfWords.AnswerOf(outcome, areas);
            await drafts.MarkTriedAsync(
                running.Draft.Draft.Id, running.Draft.Text.Hash, JsonSerializer.Serialize(answer, ApiJson.Wire.WhatIfAnswer), running.By, stopping);
            End(state with { State = "done", Answer = answer });
        }
        catch (OperationCanceledException)
        {
            End(state with { State = "cancelled" });
        }
        catch (Exception failure)
        {
            Failed(log, failure);
            End(state with { State = "failed" });
        }
    }

    private void End(WhatIfState ended)
    {
        lock (gate)
        {
            state = ended;
            trial!.Cancelled.Dispose();
            trial = null;
        }
    }

    // Progress<T> posts to the pool, where a late report may overtake the end.
    private sealed class Listener(Action<WhatIfProgress> heard) : IProgress<WhatIfProgress>
    {
        public void Report(WhatIfProgress value) => heard(value);
    }

    [LoggerMessage(1, LogLevel.Error, "A trial of a draft failed.")]
    private static partial void Failed(ILogger log, Exception failure);
}
