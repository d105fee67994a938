namespace HealthCode.Storage;

/// <summary>Which partitions this process answers for.</summary>
public interface IPartitionOwnership
{
    /// <summary>Takes a partition over from whoever has it. Call it before the partition reads its stream.</summary>
    /// <exception cref="JournalUnavailableException">It may or may not be taken: take it again.</exception>
    Task<OwnershipTaken> TakeAsync(int partition, CancellationToken cancellation);

    /// <summary>Gives a partition up that answers no more, so that the next owner need not wait. Does not throw: an owner that
    /// could not say so is waited for until its lease runs out.</summary>
    Task ReleaseAsync(int partition);
}

/// <summary>A partition that this process owns.</summary>
/// <param name="Confirmed">
/// Completes when no former owner can answer any more: acknowledge nothing before. Is cancelled when ownership is lost first.
/// </param>
/// <param name="Lost">Cancelled when another node has taken the partition: answer nothing and acknowledge nothing any more.</param>
public sealed record OwnershipTaken(Task Confirmed, CancellationToken Lost);

/// <summary>The ownership of a process that is alone: everything is its own, always.</summary>
public sealed class SoleOwnership : IPartitionOwnership
{
    private static readonly Task<OwnershipTaken> Taken = Task.FromResult(new OwnershipTaken(Task.CompletedTask, CancellationToken.None));

    public Task<OwnershipTaken> TakeAsync(int partition, CancellationToken cancellation) => Taken;

    public Task ReleaseAsync(int partition) => Task.CompletedTask;
}
