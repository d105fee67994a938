namespace HealthCode.Storage;

/// <summary>Keys that evidence and snapshots are sealed with: the only things here that are ever destroyed.</summary>
/// <remarks>
/// A key belongs to a scope (a partition of people, the segments, the snapshots), to something in it (its id), and has a
/// generation, so that what was destroyed can begin anew. The bytes are wrapped by the region's master key before
/// they come here. Whoever destroys a key makes all that it sealed unreadable, in every copy, also in backups; therefore
/// keys are kept apart from the data and are in no backup of it.
/// </remarks>
public interface IKeyStore : IAsyncDisposable
{
    /// <summary>All keys of a scope, also the destroyed ones, in the order of their ids and generations.</summary>
    /// <exception cref="JournalUnavailableException">The store does not answer.</exception>
    Task<IReadOnlyList<StoredKey>> ReadAsync(string scope, CancellationToken cancellation);

    /// <summary>All generations of these ids, alive or destroyed, in the order of their ids and generations.</summary>
    /// <exception cref="JournalUnavailableException">The store does not answer.</exception>
    Task<IReadOnlyList<StoredKey>> FindAsync(string scope, IReadOnlyList<byte[]> ids, CancellationToken cancellation);

    /// <summary>Adds those that are not there yet, durably. What is there, alive or destroyed, stays as it is.</summary>
    /// <returns>What is there now for each, in the order of <paramref name="keys"/>; another node may have been first.</returns>
    /// <exception cref="JournalUnavailableException">They may or may not be there: add them again.</exception>
    Task<IReadOnlyList<StoredKey>> AddAsync(string scope, IReadOnlyList<StoredKey> keys, CancellationToken cancellation);

    /// <summary>
    /// Destroys these keys in one transaction, and durably: the bytes are gone, a tombstone with its moment stays. One that was
    /// destroyed before keeps its first moment; one that never was is skipped. A later generation stays alive, so that a
    /// destruction that comes late, or twice, hits only what it was meant for.
    /// </summary>
    /// <param name="at">Unix seconds.</param>
    /// <exception cref="JournalUnavailableException">They may or may not be destroyed: destroy them again.</exception>
    Task DestroyAsync(IReadOnlyList<KeyRange> keys, long at, CancellationToken cancellation);
}

/// <summary>A key of a scope in all its generations up to one.</summary>
public readonly record struct KeyRange(string Scope, byte[] Id, int UpTo);

/// <summary>A key as it is stored.</summary>
/// <param name="Wrapped">Under the region's master key; null when it was destroyed.</param>
/// <param name="DestroyedAt">Unix seconds; null while it lives.</param>
public sealed record StoredKey(byte[] Id, int Generation, byte[]? Wrapped, long? DestroyedAt = null)
{
    public bool IsDestroyed => Wrapped is null;

    // A key in a log would outlive its destruction.
    public override string ToString() => $"key {Convert.ToHexStringLower(Id)} {Generation}{(IsDestroyed ? " destroyed" : "")}";
}
