using HealthCode.Domain;
using HealthCode.Storage;
using Orleans.Concurrency;

namespace HealthCode.Server.People;

/// <summary>What one partition of people can be asked. Evidence travels as the journal's own bytes.</summary>
public interface IPersonPartitionGrain : IGrainWithIntegerKey
{
    /// <summary>Returns when the partition is loaded.</summary>
    Task Wake();

    /// <summary>Takes facts in; returns, in their order, when all are durable.</summary>
    Task<Acceptance[]> Accept(Immutable<byte[]> evidence);

    /// <summary>The code as it is now, signed, with the reasons that hold.</summary>
    Task<ShownCode> Show(PersonKey person);

    /// <summary>The decision with its reasons, unsigned.</summary>
    Task<Decided> Decide(PersonKey person);

    /// <summary>The decision with its reasons, unsigned, and all evidence that is kept.</summary>
    Task<ReadPerson> Read(PersonKey person);

    /// <summary>Destroys the person's key, and with it all that is known of them. Returns when it is; false when nothing was.</summary>
    Task<bool> Delete(PersonKey person);

    /// <summary>The same, unless a rule above green holds or a stay is asked about: then nothing is destroyed, and the answer is false.</summary>
    Task<bool> DeleteUnlessHeld(PersonKey person);

    /// <summary>Drops what the region keeps no longer, here and in the snapshot; how many facts. It does so by itself, too.</summary>
    Task<int> Forget();
}

[GenerateSerializer, Immutable]
public readonly record struct PersonKey([property: Id(0)] ulong High, [property: Id(1)] ulong Low)
{
    public static PersonKey Of(PersonId person) => new(person.High, person.Low);

    public PersonId ToPersonId() => new(High, Low);
}

/// <summary>One reason that holds, as it goes between nodes.</summary>
/// <param name="Evidence">What holds it, as the journal's bytes; empty for reports that were missed.</param>
/// <param name="EarliestEnd">The day on which it can end at the earliest; null when it waits for somebody else.</param>
/// <param name="Endings">How far each of the rule's endings has come, in its order.</param>
[GenerateSerializer, Immutable]
public sealed record HeldRule(
    [property: Id(0)] string Rule, [property: Id(1)] byte[] Evidence, [property: Id(2)] int Since, [property: Id(3)] int Until,
    [property: Id(4)] int? EarliestEnd, [property: Id(5)] HeldEnding[] Endings);

/// <summary>How far one way to end has come, as it goes between nodes.</summary>
[GenerateSerializer, Immutable]
public readonly record struct HeldEnding(
    [property: Id(0)] int DaysEnd, [property: Id(1)] int ReportsDone, [property: Id(2)] int TestsDone, [property: Id(3)] bool Released,
    [property: Id(4)] bool Diagnosed)
{
    internal static HeldEnding Of(EndingProgress progress) =>
        new(progress.DaysEnd.Value, progress.ReportsDone, progress.TestsDone, progress.Released, progress.Diagnosed);

    internal EndingProgress For(Ending ending) => new(ending, new(DaysEnd))
    {
        ReportsDone = ReportsDone, TestsDone = TestsDone, Released = Released, Diagnosed = Diagnosed,
    };
}

/// <summary>A doubtful stay that the person is asked about, as it goes between nodes.</summary>
/// <param name="Stay">As the journal's bytes.</param>
/// <param name="Rule">The rule that it would hold, the severest of several.</param>
[GenerateSerializer, Immutable]
public sealed record AskedStay([property: Id(0)] byte[] Stay, [property: Id(1)] string Rule, [property: Id(2)] int Until);

/// <param name="Edition">The edition that decided: what is spelled out afterwards is spelled out by it.</param>
/// <param name="AsOf">
/// Null when all that was acknowledged is in it; else the last moment of which the node knows that, because its store or the
/// other nodes do not answer.
/// </param>
/// <param name="PassUntil">First minute after a running pass that every rule that holds allows; 0 for none.</param>
[GenerateSerializer, Immutable]
public sealed record Decided(
    [property: Id(0)] Colour Colour, [property: Id(1)] int NextChange, [property: Id(2)] int At, [property: Id(3)] HeldRule[] Reasons,
    [property: Id(4)] AskedStay[] Questions, [property: Id(5)] int PassUntil, [property: Id(6)] string Edition,
    [property: Id(7)] DateTimeOffset? AsOf);

/// <param name="Proof">The last test, the highest dose and the running pass, as far as there are any, as the journal's bytes; empty for none.</param>
[GenerateSerializer, Immutable]
public sealed record ShownCode(
    [property: Id(0)] Decided Decided, [property: Id(1)] string Code, [property: Id(2)] DateTimeOffset IssuedAt,
    [property: Id(3)] DateTimeOffset ExpiresAt, [property: Id(4)] bool ReportedToday, [property: Id(5)] byte[] Proof);

[GenerateSerializer, Immutable]
public sealed record ReadPerson([property: Id(0)] Decided Decided, [property: Id(1)] byte[] Evidence);
