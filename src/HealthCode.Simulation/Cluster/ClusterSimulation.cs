using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Simulation;

/// <summary>What a simulated run did, and what its judge found.</summary>
/// <param name="SnapshotsDamaged">How many were read with a flipped bit in them.</param>
/// <param name="Wrong">Null when every promise was kept; else the first that was not, in words.</param>
public sealed record ClusterOutcome(
    int Seed, long Steps, TimeSpan VirtualTime, long Acknowledged, long Displays, int Kills, int Stops, int Takeovers, int Deletions,
    int SnapshotsDamaged, string? Wrong);

/// <summary>A cluster of processes on one set of stores, hit by everything that can happen to it, in virtual time.</summary>
/// <remarks>
/// The code under test is the region's own: <see cref="PersonPartition"/> with its seals, keys, snapshots and fences, over
/// stores that keep the contracts. Around it everything goes wrong: processes are killed between any two steps or stand
/// still past all patience; two of them believe to own the same partition; requests and answers are late, lost or come
/// twice; snapshots are damaged; people are deleted. <see cref="ClusterJudge"/> keeps nothing but a list of what was
/// acknowledged and works out each colour from it anew.
/// </remarks>
public sealed class ClusterSimulation : IAsyncDisposable
{
    private const int Processes = 3, Partitions = 2, People = 8;
    private static readonly TimeSpan Trouble = TimeSpan.FromSeconds(25), Rest = TimeSpan.FromSeconds(20);

    private readonly VirtualWorld world;
    private readonly SharedStores shared = new();
    private readonly ClusterJudge judge;
    private readonly EvidenceMaker maker;
    private readonly List<Node> nodes = [];
    private readonly Node?[] placed = new Node?[Partitions];
    private readonly PersonId[] people;
    private int lives, kills, stops, takeovers, deletions;

    /// <summary>One process, and the partitions that it believes to own.</summary>
    private sealed class Node(VirtualProcess process, EvidenceStore store)
    {
        public VirtualProcess Process => process;
        public EvidenceStore Store => store;
        public Dictionary<int, PersonPartition> Open { get; } = [];
    }

    private ClusterSimulation(int seed, Policy policy)
    {
        world = new VirtualWorld(seed);
        judge = new ClusterJudge(policy, world);
        people = [.. Enumerable.Range(0, People).Select(index => new PersonId((ulong)index, 1))];
        maker = new EvidenceMaker(world.Random, people);
    }

    /// <summary>Runs one history. The same seed and policy give the same outcome.</summary>
    public static ClusterOutcome Run(int seed, Policy policy)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        var simulation = new ClusterSimulation(seed, policy);
        try
        {
            return simulation.Run(seed);
        }
        finally
        {
            // The stores in memory close at once.
            simulation.DisposeAsync().AsTask().GetAwaiter().GetResult();
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private ClusterOutcome Run(int seed)
    {
        for (var index = 0; index < Processes; index++)
            StartNode();
        for (var partition = 0; partition < Partitions; partition++)
            Place(partition);
        for (var client = 0; client < 4; client++)
            world.After(world.Between(0, 500), Submit);
        world.After(world.Between(500, 2_000), Strike);
        world.After(world.Between(0, 50), Look);

        while (judge.Wrong is null && world.Step(Trouble))
        {
        }
        // No more trouble: what was sent is answered at last, and then everything must be there.
        shared.LossShare = 0;
        while (judge.Wrong is null && world.Step(Trouble + Rest))
        {
        }
        judge.JudgeJournal(shared);
        return new ClusterOutcome(
            seed, world.Steps, TimeSpan.FromMicroseconds(world.Now), judge.Acknowledged, judge.Displays, kills, stops, takeovers, deletions,
            shared.SnapshotsDamaged, judge.Wrong);
    }

    public ValueTask DisposeAsync() => shared.DisposeAsync();

    private bool IsOver => world.Now > (long)Trouble.TotalMicroseconds;

    private Node StartNode()
    {
        var process = new VirtualProcess(world, $"node {++lives}");
        var node = new Node(process, shared.Evidence(new VirtualStores(world, process, shared)));
        nodes.Add(node);
        return node;
    }

    // A placement by whoever keeps the directory: it may be wrong about who is alive, and then there are two owners.
    private void Place(int partition)
    {
        var node = nodes[world.Random.Next(nodes.Count)];
        placed[partition] = node;
        takeovers++;
        node.Process.Run(() => OpenAsync(node, partition));
    }

    private async Task OpenAsync(Node node, int partition)
    {
        if (node.Open.ContainsKey(partition))
            return;
        var opened = new PersonPartition(partition, node.Store);
        try
        {
            await opened.OpenAsync(fence: true, world.GetUtcNow(), CancellationToken.None);
            node.Open[partition] = opened;
        }
        catch (JournalUnavailableException)
        {
            world.After(world.Between(100, 500), () => node.Process.Run(() => OpenAsync(node, partition)));
        }
    }

    // What somebody sends they send until it is answered, to whom they believe to be in charge, and now and then twice.
    private void Submit()
    {
        if (IsOver)
            return;
        var facts = maker.Some();
        judge.Sent(facts);
        Send(facts);
        world.After(world.Between(20, 200), Submit);
    }

    private void Send(IReadOnlyList<Evidence> facts)
    {
        var partition = facts[0].Person.PartitionOf(Partitions);
        var node = world.Chance(0.1) ? nodes[world.Random.Next(nodes.Count)] : placed[partition]!;
        var answered = false;
        for (var copies = world.Chance(0.1) ? 2 : 1; copies > 0; copies--)
            Deliver(node, partition, facts, () => answered = true);
        world.After(TimeSpan.FromSeconds(2), () =>
        {
            if (answered)
                judge.Settled(facts);
            else
                Send(facts);
        });
    }

    private void Deliver(Node node, int partition, IReadOnlyList<Evidence> facts, Action answered)
    {
        judge.UnderWay(facts, 1);
        world.After(world.Delay(), () => node.Process.Run(async () =>
        {
            await TakeAsync(node, partition, facts, answered);
            judge.UnderWay(facts, -1);
        }));
    }

    private async Task TakeAsync(Node node, int partition, IReadOnlyList<Evidence> facts, Action answered)
    {
        if (!node.Open.TryGetValue(partition, out var owner))
            return;
        try
        {
            var answers = await owner.AcceptAsync(facts);
            judge.Acknowledge(facts, answers);
            if (!world.Chance(shared.LossShare))
                answered();
        }
        catch (Exception failure) when (failure is JournalUnavailableException or StaleWriterException)
        {
            StepDown(node, partition, owner);
        }
    }

    // As the grain does: a partition that is stale goes, and the next call opens it anew, here or elsewhere.
    private void StepDown(Node node, int partition, PersonPartition owner)
    {
        if (!owner.IsStale || node.Open.GetValueOrDefault(partition) != owner)
            return;
        node.Open.Remove(partition);
        if (placed[partition] == node)
            Place(partition);
    }

    private void Strike()
    {
        var node = nodes[world.Random.Next(nodes.Count)];
        switch (world.Random.Next(6))
        {
            case 0:
                Kill(node);
                break;
            case 1 when !node.Process.IsStopped:
                stops++;
                node.Process.Stop(world.Between(500, 8_000));
                // The others cannot tell it from a dead one.
                MoveFrom(node);
                break;
            case 2:
                Place(world.Random.Next(Partitions));
                break;
            case 3:
                Delete(people[world.Random.Next(People)]);
                break;
            default:
                foreach (var (_, partition) in node.Open)
                    node.Process.Run(() => SnapshotAsync(partition));
                break;
        }
        if (!IsOver)
            world.After(world.Between(200, 3_000), Strike);
    }

    private void Kill(Node node)
    {
        kills++;
        node.Process.Kill();
        nodes.Remove(node);
        world.After(world.Between(10, 2_000), () => StartNode());
        if (nodes.Count == 0)
            StartNode();
        MoveFrom(node);
    }

    private void MoveFrom(Node node)
    {
        for (var partition = 0; partition < Partitions; partition++)
        {
            var moved = partition;
            if (placed[partition] == node)
                world.After(world.Between(0, 100), () => Place(moved));
        }
    }

    private static async Task SnapshotAsync(PersonPartition partition)
    {
        try
        {
            await partition.WriteSnapshotAsync(CancellationToken.None);
        }
        catch (JournalUnavailableException)
        {
            // The next start reads more.
        }
    }

    private void Delete(PersonId person)
    {
        var partition = person.PartitionOf(Partitions);
        if (placed[partition] is not { } node || !node.Open.TryGetValue(partition, out var owner))
            return;
        deletions++;
        node.Process.Run(async () =>
        {
            var deletion = judge.BeginDeletion(person);
            try
            {
                await owner.DeleteAsync(person, world.GetUtcNow());
                ClusterJudge.EndDeletion(deletion);
            }
            catch (Exception failure) when (failure is JournalUnavailableException or StaleWriterException)
            {
                // It may be done or not; whoever asked asks again.
                StepDown(node, partition, owner);
            }
        });
    }

    // A display: asked of the one who has put up their fence last.
    private void Look()
    {
        var person = people[world.Random.Next(People)];
        var partition = person.PartitionOf(Partitions);
        if (placed[partition] is { Process: { IsAlive: true, IsStopped: false } } node && node.Open.TryGetValue(partition, out var owner)
            && !owner.IsStale && owner.NextSequence == shared.NextSequence(JournalStreams.Of(partition)))
            judge.JudgeDisplay(person, owner.Records);
        if (world.Now < (long)(Trouble + Rest).TotalMicroseconds)
            world.After(world.Between(10, 80), Look);
    }
}
