using HealthCode.Testing;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace HealthCode.Storage.Tests;

/// <summary>What a table of nodes promises, wherever it is kept.</summary>
public abstract class NodeTableContract : IAsyncLifetime
{
    protected static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongerThanALease = Lease + TimeSpan.FromSeconds(1);
    private static readonly Dictionary<string, long> Nothing = [];

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected INodeTable Table { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Table = await OpenAsync();

    public abstract ValueTask DisposeAsync();

    private protected abstract Task<INodeTable> OpenAsync();

    /// <summary>Lets the table's clock go on.</summary>
    private protected abstract Task PassAsync(TimeSpan time);

    [Fact]
    public async Task A_node_lives_from_its_joining_to_its_leaving_as_long_as_it_renews()
    {
        Assert.Empty(await Table.LiveAsync(Cancellation));
        await JoinAsync("b", "a");
        Assert.Equal(["a", "b"], await Table.LiveAsync(Cancellation));

        await PassAsync(Lease / 2);
        await RenewAsync("a");
        await PassAsync(Lease * 0.75);
        Assert.Equal(["a"], await Table.LiveAsync(Cancellation));

        await Table.LeaveAsync("a", Cancellation);
        Assert.Empty(await Table.LiveAsync(Cancellation));
    }

    [Fact]
    public async Task A_renewal_says_whether_the_lease_had_run_out()
    {
        await JoinAsync("a");
        Assert.True((await RenewAsync("a")).IsContinuous);
        await PassAsync(LongerThanALease);
        Assert.False((await RenewAsync("a")).IsContinuous);
        Assert.True((await RenewAsync("a")).IsContinuous);
        Assert.False((await RenewAsync("never joined")).IsContinuous);
    }

    [Fact]
    public async Task A_change_is_seen_by_all_when_every_living_node_has_said_so()
    {
        await JoinAsync("a", "b");
        await SeeAsync("a", "areas", 3);
        Assert.False(await Table.HaveAllSeenAsync("areas", 3, Cancellation));

        await SeeAsync("b", "areas", 2);
        Assert.False(await Table.HaveAllSeenAsync("areas", 3, Cancellation));
        await SeeAsync("b", "plans", 3);
        Assert.False(await Table.HaveAllSeenAsync("areas", 3, Cancellation));
        await SeeAsync("b", "areas", 4);
        Assert.True(await Table.HaveAllSeenAsync("areas", 3, Cancellation));
        Assert.False(await Table.HaveAllSeenAsync("plans", 3, Cancellation));
    }

    [Fact]
    public async Task What_was_seen_stays_seen_when_a_renewal_does_not_repeat_it()
    {
        await JoinAsync("a");
        await SeeAsync("a", "areas", 3);
        await SeeAsync("a", "plans", 1);
        Assert.True(await Table.HaveAllSeenAsync("areas", 3, Cancellation));
    }

    [Fact]
    public async Task A_change_waits_for_a_node_that_joined_and_has_not_loaded_yet()
    {
        await JoinAsync("a");
        await SeeAsync("a", "areas", 3);
        await JoinAsync("b");
        Assert.False(await Table.HaveAllSeenAsync("areas", 3, Cancellation));
        await SeeAsync("b", "areas", 3);
        Assert.True(await Table.HaveAllSeenAsync("areas", 3, Cancellation));
    }

    [Fact]
    public async Task A_change_waits_for_no_node_whose_lease_has_run_out_and_for_none_that_left()
    {
        await JoinAsync("a", "sleeper", "leaver");
        await Table.LeaveAsync("leaver", Cancellation);
        await PassAsync(LongerThanALease);
        await SeeAsync("a", "areas", 3);
        Assert.True(await Table.HaveAllSeenAsync("areas", 3, Cancellation));

        // It woke: from here on it is waited for again.
        await RenewAsync("sleeper");
        Assert.False(await Table.HaveAllSeenAsync("areas", 3, Cancellation));
    }

    [Fact]
    public async Task A_partition_that_nobody_has_is_taken_at_once()
    {
        await JoinAsync("a");
        Assert.Empty(await TakeAsync("a", 7));
        Assert.Equal([7], await Table.OwnedAsync("a", Cancellation));
        Assert.Empty(await TakeAsync("a", 7));
        Assert.Empty((await RenewAsync("a")).Lost);
    }

    [Fact]
    public async Task A_former_owner_learns_its_loss_by_renewing_and_is_waited_for_until_it_has_released()
    {
        await JoinAsync("a", "b");
        await TakeAsync("a", 7);
        await TakeAsync("a", 8);
        Assert.Equal(["a"], await TakeAsync("b", 7));

        Assert.Equal([7], (await RenewAsync("a")).Lost);
        // Knowing is not stepping down: it may be in the middle of an answer.
        Assert.Equal(["a"], (await FormerAsync("b", 7))!);
        await ReleaseAsync("a", 7);
        Assert.Empty((await FormerAsync("b", 7))!);
        Assert.Empty((await RenewAsync("a")).Lost);
        Assert.Equal([8], await Table.OwnedAsync("a", Cancellation));
        Assert.Equal([7], await Table.OwnedAsync("b", Cancellation));
    }

    [Fact]
    public async Task A_former_owner_whose_lease_runs_out_is_not_waited_for_and_finds_out_when_it_wakes()
    {
        await JoinAsync("a", "b");
        await TakeAsync("a", 7);
        Assert.Equal(["a"], await TakeAsync("b", 7));
        await PassAsync(LongerThanALease);
        await RenewAsync("b");
        Assert.Empty((await FormerAsync("b", 7))!);

        Assert.False((await RenewAsync("a")).IsContinuous);
        Assert.Empty(await Table.OwnedAsync("a", Cancellation));
        Assert.Empty((await FormerAsync("b", 7))!);
    }

    [Fact]
    public async Task A_former_owner_that_leaves_is_not_waited_for()
    {
        await JoinAsync("a", "b");
        await TakeAsync("a", 7);
        await TakeAsync("b", 7);
        await Table.LeaveAsync("a", Cancellation);
        Assert.Empty((await FormerAsync("b", 7))!);
    }

    [Fact]
    public async Task What_was_released_is_taken_without_waiting()
    {
        await JoinAsync("a", "b");
        await TakeAsync("a", 7);
        await ReleaseAsync("a", 7);
        Assert.Empty(await Table.OwnedAsync("a", Cancellation));
        Assert.Empty(await TakeAsync("b", 7));
    }

    [Fact]
    public async Task The_third_owner_waits_for_both_that_came_before()
    {
        await JoinAsync("a", "b", "c");
        await TakeAsync("a", 7);
        await TakeAsync("b", 7);
        Assert.Equal(["a", "b"], await TakeAsync("c", 7));
        Assert.Null(await FormerAsync("b", 7));

        await ReleaseAsync("b", 7);
        Assert.Equal(["a"], (await FormerAsync("c", 7))!);
        await ReleaseAsync("a", 7);
        Assert.Empty((await FormerAsync("c", 7))!);
    }

    [Fact]
    public async Task Whoever_takes_a_partition_back_does_not_wait_for_itself()
    {
        await JoinAsync("a", "b");
        await TakeAsync("a", 7);
        await TakeAsync("b", 7);
        Assert.Equal(["b"], await TakeAsync("a", 7));
        Assert.Empty((await RenewAsync("a")).Lost);
        Assert.Equal([7], (await RenewAsync("b")).Lost);
    }

    [Fact]
    public async Task A_release_by_somebody_who_has_nothing_changes_nothing()
    {
        await JoinAsync("a", "b");
        await TakeAsync("a", 7);
        await ReleaseAsync("b", 7, 9);
        Assert.Equal([7], await Table.OwnedAsync("a", Cancellation));
    }

    [Fact]
    public async Task Of_many_who_take_a_partition_at_once_one_has_it_and_knows_all_others()
    {
        string[] names = [.. Enumerable.Range(0, 8).Select(number => $"node-{number}")];
        await JoinAsync(names);
        await Task.WhenAll(names.Select(name => TakeAsync(name, 7)));

        var owners = new List<string>();
        foreach (var name in names)
        {
            if ((await Table.OwnedAsync(name, Cancellation)).Count > 0)
                owners.Add(name);
        }
        var owner = Assert.Single(owners);
        Assert.Equal(names.Except([owner]), (await FormerAsync(owner, 7))!);
    }

    private async Task JoinAsync(params string[] nodes)
    {
        foreach (var node in nodes)
            await Table.JoinAsync(node, Cancellation);
    }

    private Task<NodeRenewal> RenewAsync(string node) => Table.RenewAsync(node, Nothing, Cancellation);

    private Task SeeAsync(string node, string name, long revision) =>
        Table.RenewAsync(node, new Dictionary<string, long> { [name] = revision }, Cancellation);

    private Task<IReadOnlyList<string>> TakeAsync(string node, int partition) => Table.TakeAsync(node, partition, Cancellation);

    private Task<IReadOnlyList<string>?> FormerAsync(string node, int partition) => Table.FormerOwnersAsync(node, partition, Cancellation);

    private Task ReleaseAsync(string node, params int[] partitions) => Table.ReleaseAsync(node, partitions, Cancellation);
}

public sealed class MemoryNodeTableTests : NodeTableContract
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero));

    private protected override Task<INodeTable> OpenAsync() => Task.FromResult<INodeTable>(new MemoryNodeTable(time, Lease));

    private protected override Task PassAsync(TimeSpan passed)
    {
        time.Advance(passed);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

public sealed class PostgresNodeTableTests(PostgresFixture postgres) : NodeTableContract
{
    private NpgsqlDataSource database = null!;

    private protected override async Task<INodeTable> OpenAsync()
    {
        database = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync());
        await PostgresNodeTable.MigrateAsync(database, Cancellation);
        await PostgresNodeTable.MigrateAsync(database, Cancellation);
        return new PostgresNodeTable(database, Lease);
    }

    // The database's clock is nobody's to move; that all renewals were earlier is the same to everybody who asks.
    private protected override Task PassAsync(TimeSpan time) =>
        database.ExecuteAsync("UPDATE nodes SET renewed_at = renewed_at - $1::interval", [time], Cancellation);

    public override async ValueTask DisposeAsync() => await database.DisposeAsync();
}
