using System.Security.Cryptography;
using System.Text;
using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Runtime.Placement;

namespace HealthCode.Server.Cluster;

/// <summary>Which node has which partition: of all nodes the one whose name, hashed together with the partition's number, is greatest.</summary>
/// <remarks>
/// So partitions are spread evenly, every node reckons the same without asking, and when a node goes or comes only its own
/// share moves. Placing them where they are first asked for would heap all of them up on the node that starts first.
/// </remarks>
internal sealed class PartitionPlacement : PlacementStrategy
{
    /// <param name="nodes">At least one.</param>
    public static SiloAddress NodeOf(long partition, IEnumerable<SiloAddress> nodes) => nodes.MaxBy(node => WeightOf(partition, node))!;

    private static UInt128 WeightOf(long partition, SiloAddress node) => System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(
        SHA256.HashData(Encoding.ASCII.GetBytes($"{partition}/{node.ToParsableString()}")));
}

[AttributeUsage(AttributeTargets.Class)]
internal sealed class PartitionPlacementAttribute() : PlacementAttribute(new PartitionPlacement());

internal sealed class PartitionPlacementDirector : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context) =>
        Task.FromResult(PartitionPlacement.NodeOf(target.GrainIdentity.GetIntegerKey(), context.GetCompatibleSilos(target)));
}
