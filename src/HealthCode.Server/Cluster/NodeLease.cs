using System.Collections.Concurrent;
using HealthCode.Storage;

namespace HealthCode.Server.Cluster;

/// <summary>Keeps this node's lease: renews it, learns what others changed, and steps down from partitions that others took.</summary>
/// <remarks>
/// One turn after another, twice a second:
/// <code>
///   renew ──► step down from what was lost, release it ──► catch up with every view ──► held until (start of the renewal + lease)
///     ▲                                                            │
///     └──────────── at once, when something was learnt ◄───────────┘   so that whoever changed it need not wait for us
/// </code>
/// The lease counts from before the renewal was sent, by this machine's own monotonic clock, so it ends here before it ends
/// in the table. Between the two nobody acknowledges a change that is not shown here. After an interruption others may have
/// acknowledged without us; therefore it is held again only once the views have caught up <em>after</em> the renewal,
/// from which on everybody waits for us again.
/// <para>A node that cannot catch up stops renewing: else it would hold up every change for as long as it lives.</para>
/// </remarks>
internal sealed partial class NodeLease(
    INodeTable table, string node, IEnumerable<INodeView> views, TimeProvider time, ILogger<NodeLease> log, TimeSpan? length = null)
    : IHostedService, INodeLease, IPartitionOwnership, IDisposable
{
    public static readonly TimeSpan LengthDefault = TimeSpan.FromSeconds(3);

    /// <summary>Renewals in one lease: of so many in a row one must get through.</summary>
    private const int RenewalsInLease = 6;

    /// <summary>How often it is asked whether others have seen a change, or stepped down.</summary>
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(50);

    private readonly INodeView[] views = [.. views];
    private readonly ConcurrentDictionary<int, CancellationTokenSource> taken = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly SemaphoreSlim asked = new(0, 1);
    private readonly Lock gate = new();
    private readonly TimeSpan length = length ?? LengthDefault;
    private Task renewing = Task.CompletedTask;
    private bool cannotCatchUp;
    private bool hasJoined;
    private (long Began, DateTimeOffset At)? held;

    public string Node => node;

    /// <summary>The partitions that this node answers for.</summary>
    public IEnumerable<int> Taken => taken.Keys;

    public bool IsHeld
    {
        get
        {
            // A little less than the lease: two clocks do not run at quite the same rate.
            lock (gate)
                return held is { } since && time.GetElapsedTime(since.Began) < length * 0.95;
        }
    }

    public DateTimeOffset AsOf
    {
        get
        {
            var isHeld = IsHeld;
            lock (gate)
                return isHeld ? time.GetUtcNow() : held?.At ?? DateTimeOffset.UnixEpoch;
        }
    }

    /// <summary>Joins, and keeps the lease from then on. Call it before anything is loaded: from then on every change waits for this node.</summary>
    public async Task JoinAsync(CancellationToken cancellation)
    {
        await table.JoinAsync(node, cancellation);
        hasJoined = true;
        renewing = Task.Run(RenewAlwaysAsync, CancellationToken.None);
    }

    public Task StartAsync(CancellationToken cancellationToken) => hasJoined ? Task.CompletedTask : JoinAsync(cancellationToken);

    /// <summary>Leaves, so that nobody waits for this node.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync();
        await renewing;
        lock (gate)
            held = null;
        foreach (var partition in taken.Keys)
            Lose(partition);
        await TryAsync(() => table.LeaveAsync(node, cancellationToken));
    }

    public async Task ShownEverywhereAsync(string view, long revision, CancellationToken cancellation)
    {
        RenewSoon();
        while (!await table.HaveAllSeenAsync(view, revision, cancellation))
            await Task.Delay(AskEvery, time, cancellation);
    }

    public async Task<OwnershipTaken> TakeAsync(int partition, CancellationToken cancellation)
    {
        // Listed before it is taken, so that a loss in between finds it. An earlier life of the partition here ends.
        var source = new CancellationTokenSource();
        Lose(partition);
        taken[partition] = source;
        try
        {
            var former = await table.TakeAsync(node, partition, cancellation);
            return new(ConfirmAsync(partition, former, source.Token), source.Token);
        }
        catch
        {
            taken.TryRemove(new(partition, source));
            throw;
        }
    }

    public Task ReleaseAsync(int partition)
    {
        Lose(partition);
        return TryAsync(() => table.ReleaseAsync(node, [partition], CancellationToken.None));
    }

    public void Dispose()
    {
        // A process that is not stopped, only dropped, must not go on renewing.
        if (!stopping.IsCancellationRequested)
            stopping.Cancel();
        stopping.Dispose();
        asked.Dispose();
    }

    private async Task ConfirmAsync(int partition, IReadOnlyList<string> former, CancellationToken lost)
    {
        while (former.Count > 0)
        {
            await Task.Delay(AskEvery, time, lost);
            await TryAsync(async () =>
            {
                if (await table.FormerOwnersAsync(node, partition, lost) is { } waitedFor)
                    former = waitedFor;
                else
                    Lose(partition);
            });
        }
        lost.ThrowIfCancellationRequested();
    }

    private async Task RenewAlwaysAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            await TryAsync(() => RenewAsync(stopping.Token));
            await TryAsync(() => WaitAsync(stopping.Token));
        }
    }

    /// <summary>One turn. Seen by tests, which take the turns themselves.</summary>
    internal async Task RenewAsync(CancellationToken cancellation)
    {
        if (cannotCatchUp)
            await CatchUpAsync(cancellation);
        bool hasLearnt;
        do
        {
            var (began, at) = (time.GetTimestamp(), time.GetUtcNow());
            var renewal = await table.RenewAsync(node, SeenNow(), cancellation);
            await StepDownAsync(renewal, cancellation);
            hasLearnt = await CatchUpAsync(cancellation);
            lock (gate)
                held = (began, at);
        }
        while (hasLearnt);
    }

    private async Task<bool> CatchUpAsync(CancellationToken cancellation)
    {
        cannotCatchUp = true;
        var before = SeenNow();
        foreach (var view in views)
            await view.CatchUpAsync(cancellation);
        cannotCatchUp = false;
        return views.Any(view => view.Seen != before[view.Name]);
    }

    private Dictionary<string, long> SeenNow() => views.ToDictionary(view => view.Name, view => view.Seen);

    private async Task StepDownAsync(NodeRenewal renewal, CancellationToken cancellation)
    {
        foreach (var partition in renewal.Lost)
            Lose(partition);
        if (renewal.Lost.Count > 0)
            await table.ReleaseAsync(node, renewal.Lost, cancellation);
        if (renewal.IsContinuous)
            return;
        // While the lease had run out, others took what they liked and waited for nobody.
        var here = taken.Keys.ToList();
        foreach (var partition in here.Except(await table.OwnedAsync(node, cancellation)))
            Lose(partition);
    }

    // What was registered on the token runs before this returns, so whoever is let in next comes after it.
    private void Lose(int partition)
    {
        if (taken.TryRemove(partition, out var source))
            source.Cancel();
    }

    private void RenewSoon()
    {
        try
        {
            asked.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody asked already.
        }
    }

    private async Task WaitAsync(CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(asked.WaitAsync(either.Token), Task.Delay(length / RenewalsInLease, time, either.Token));
        await either.CancelAsync();
    }

    private async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            // It stops, or was lost.
        }
        catch (Exception failure)
        {
            // Told, and tried again: the lease runs out by itself, and then nothing is claimed any more.
            Failed(log, failure.GetType().Name, failure.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The node's lease: {Failure}: {Message}")]
    private static partial void Failed(ILogger log, string failure, string message);
}
