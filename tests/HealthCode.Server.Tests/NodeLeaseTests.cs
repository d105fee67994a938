using HealthCode.Server.Cluster;
using HealthCode.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace HealthCode.Server.Tests;

/// <summary>Several nodes in one process, on a clock that the test moves; each takes its turns when the test says so.</summary>
public sealed class NodeLeaseTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero));
    private readonly MemoryNodeTable table;
    private readonly List<int> journal = [];

    public NodeLeaseTests() => table = new(time, Lease);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>What a node keeps of the "journal" of this test.</summary>
    private sealed class View(List<int> journal) : INodeView
    {
        public string Name => "numbers";
        public long Seen { get; private set; }
        public bool IsBroken { get; set; }

        public Task CatchUpAsync(CancellationToken cancellation)
        {
            if (IsBroken)
                throw new JournalUnavailableException("the test says so");
            Seen = journal.Count;
            return Task.CompletedTask;
        }
    }

    private async Task<(NodeLease Lease, View View)> NodeAsync(string name)
    {
        var view = new View(journal);
        var lease = new NodeLease(table, name, [view], time, NullLogger<NodeLease>.Instance, Lease);
        await table.JoinAsync(name, Cancellation);
        await lease.RenewAsync(Cancellation);
        return (lease, view);
    }

    [Fact]
    public async Task A_lease_is_held_from_its_first_renewal_until_it_runs_out()
    {
        var view = new View(journal);
        using var lease = new NodeLease(table, "a", [view], time, NullLogger<NodeLease>.Instance, Lease);
        Assert.False(lease.IsHeld);
        await table.JoinAsync("a", Cancellation);
        await lease.RenewAsync(Cancellation);
        Assert.True(lease.IsHeld);
        Assert.Equal(time.GetUtcNow(), lease.AsOf);

        var renewed = time.GetUtcNow();
        time.Advance(Lease);
        Assert.False(lease.IsHeld);
        Assert.Equal(renewed, lease.AsOf);
        await lease.RenewAsync(Cancellation);
        Assert.True(lease.IsHeld);
    }

    /// <summary>Here it must end before the table thinks that it has ended: in between nobody may have gone on without us.</summary>
    [Fact]
    public async Task A_lease_ends_here_before_it_ends_for_the_others()
    {
        var (lease, _) = await NodeAsync("a");
        while (lease.IsHeld)
            time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Equal(["a"], await table.LiveAsync(Cancellation));
        lease.Dispose();
    }

    [Fact]
    public async Task A_change_is_acknowledged_when_the_slower_node_shows_it()
    {
        var (a, viewOfA) = await NodeAsync("a");
        var (b, viewOfB) = await NodeAsync("b");
        journal.Add(1);
        await viewOfA.CatchUpAsync(Cancellation);
        await a.RenewAsync(Cancellation);

        var acknowledged = a.ShownEverywhereAsync("numbers", 1, Cancellation);
        Assert.False(acknowledged.IsCompleted);
        Assert.Equal(0, viewOfB.Seen);
        // One turn of the other both learns it and says so.
        await b.RenewAsync(Cancellation);
        await UntilAsync(acknowledged);
        Assert.Equal(1, viewOfB.Seen);
        a.Dispose();
        b.Dispose();
    }

    [Fact]
    public async Task A_sleeping_node_holds_a_change_up_until_its_lease_runs_out_and_says_as_of_when_it_answers()
    {
        var (a, viewOfA) = await NodeAsync("a");
        var (sleeper, viewOfSleeper) = await NodeAsync("sleeper");
        var slept = time.GetUtcNow();
        journal.Add(1);
        await viewOfA.CatchUpAsync(Cancellation);
        var acknowledged = a.ShownEverywhereAsync("numbers", 1, Cancellation);
        while (!acknowledged.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await a.RenewAsync(Cancellation);
            await Task.Yield();
        }
        // As long as the sleeper would have answered without saying as of when, nobody has acknowledged what it does not show.
        Assert.False(sleeper.IsHeld);
        Assert.Equal(slept, sleeper.AsOf);
        Assert.Equal(0, viewOfSleeper.Seen);

        await sleeper.RenewAsync(Cancellation);
        Assert.True(sleeper.IsHeld);
        Assert.Equal(1, viewOfSleeper.Seen);
        a.Dispose();
        sleeper.Dispose();
    }

    [Fact]
    public async Task A_node_that_cannot_catch_up_does_not_hold_up_the_others_for_ever()
    {
        var (a, viewOfA) = await NodeAsync("a");
        var (broken, viewOfBroken) = await NodeAsync("broken");
        viewOfBroken.IsBroken = true;
        journal.Add(1);
        await viewOfA.CatchUpAsync(Cancellation);
        for (var turn = 0; turn < 14; turn++)
        {
            time.Advance(TimeSpan.FromMilliseconds(250));
            await a.RenewAsync(Cancellation);
            await Assert.ThrowsAsync<JournalUnavailableException>(() => broken.RenewAsync(Cancellation));
        }

        Assert.True(await table.HaveAllSeenAsync("numbers", 1, Cancellation));
        Assert.False(broken.IsHeld);
        viewOfBroken.IsBroken = false;
        await broken.RenewAsync(Cancellation);
        Assert.True(broken.IsHeld);
        a.Dispose();
        broken.Dispose();
    }

    [Fact]
    public async Task A_former_owner_has_stepped_down_before_the_next_one_is_confirmed()
    {
        var (a, _) = await NodeAsync("a");
        var (b, _) = await NodeAsync("b");
        var first = await a.TakeAsync(7, Cancellation);
        await first.Confirmed;
        var steppedDown = false;
        await using var registration = first.Lost.Register(() => steppedDown = true);

        var second = await b.TakeAsync(7, Cancellation);
        Assert.False(second.Confirmed.IsCompleted);
        Assert.False(steppedDown);
        await a.RenewAsync(Cancellation);
        Assert.True(steppedDown);
        await UntilAsync(second.Confirmed);
        Assert.False(second.Lost.IsCancellationRequested);
        a.Dispose();
        b.Dispose();
    }

    [Fact]
    public async Task An_owner_that_slept_finds_out_what_was_taken_and_keeps_the_rest()
    {
        var (a, _) = await NodeAsync("a");
        var (b, _) = await NodeAsync("b");
        var (taken, kept) = (await a.TakeAsync(7, Cancellation), await a.TakeAsync(8, Cancellation));
        var next = await b.TakeAsync(7, Cancellation);
        time.Advance(Lease);
        await b.RenewAsync(Cancellation);
        await UntilAsync(next.Confirmed);
        Assert.False(taken.Lost.IsCancellationRequested);

        await a.RenewAsync(Cancellation);
        Assert.True(taken.Lost.IsCancellationRequested);
        Assert.False(kept.Lost.IsCancellationRequested);
        a.Dispose();
        b.Dispose();
    }

    [Fact]
    public async Task What_was_released_is_confirmed_at_once_for_the_next()
    {
        var (a, _) = await NodeAsync("a");
        var (b, _) = await NodeAsync("b");
        var first = await a.TakeAsync(7, Cancellation);
        await a.ReleaseAsync(7);
        Assert.True(first.Lost.IsCancellationRequested);
        Assert.True((await b.TakeAsync(7, Cancellation)).Confirmed.IsCompletedSuccessfully);
        a.Dispose();
        b.Dispose();
    }

    [Fact]
    public async Task Ownership_that_is_lost_before_it_was_confirmed_is_never_confirmed()
    {
        var (a, _) = await NodeAsync("a");
        var (b, _) = await NodeAsync("b");
        var (c, _) = await NodeAsync("c");
        await a.TakeAsync(7, Cancellation);
        var second = await b.TakeAsync(7, Cancellation);
        var third = await c.TakeAsync(7, Cancellation);
        await b.RenewAsync(Cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => UntilAsync(second.Confirmed));
        Assert.False(third.Confirmed.IsCompleted);
        await a.RenewAsync(Cancellation);
        await UntilAsync(third.Confirmed);
        foreach (var lease in (NodeLease[])[a, b, c])
            lease.Dispose();
    }

    [Fact]
    public async Task The_same_node_takes_a_partition_anew_and_its_earlier_life_ends()
    {
        var (a, _) = await NodeAsync("a");
        var first = await a.TakeAsync(7, Cancellation);
        var second = await a.TakeAsync(7, Cancellation);
        Assert.True(first.Lost.IsCancellationRequested);
        Assert.True(second.Confirmed.IsCompletedSuccessfully);
        a.Dispose();
    }

    [Fact]
    public async Task Whoever_leaves_is_waited_for_by_nobody()
    {
        var (a, viewOfA) = await NodeAsync("a");
        var (leaver, _) = await NodeAsync("leaver");
        var owned = await leaver.TakeAsync(7, Cancellation);
        await leaver.StopAsync(Cancellation);

        Assert.True(owned.Lost.IsCancellationRequested);
        Assert.False(leaver.IsHeld);
        Assert.True((await a.TakeAsync(7, Cancellation)).Confirmed.IsCompletedSuccessfully);
        journal.Add(1);
        await viewOfA.CatchUpAsync(Cancellation);
        await a.RenewAsync(Cancellation);
        await a.ShownEverywhereAsync("numbers", 1, Cancellation);
        a.Dispose();
        leaver.Dispose();
    }

    [Fact]
    public async Task By_itself_it_joins_renews_and_leaves()
    {
        using var lease = new NodeLease(table, "a", [new View(journal)], time, NullLogger<NodeLease>.Instance, Lease);
        await lease.JoinAsync(Cancellation);
        await lease.StartAsync(Cancellation);
        for (var step = 0; step < 40; step++)
        {
            time.Advance(TimeSpan.FromMilliseconds(250));
            // Its turn runs on another thread; it is over when the lease is fresh again.
            await UntilAsync(() => lease.IsHeld);
            Assert.Equal(["a"], await table.LiveAsync(Cancellation));
        }
        await lease.StopAsync(Cancellation);
        Assert.Empty(await table.LiveAsync(Cancellation));
    }

    // A task that only waits for the clock: it is moved until the task is over.
    private async Task UntilAsync(Task task)
    {
        for (var step = 0; step < 1_000 && !task.IsCompleted; step++)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Yield();
        }
        await task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Yield();
        Assert.True(condition());
    }
}
