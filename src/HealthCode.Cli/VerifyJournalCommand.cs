using System.CommandLine;
using HealthCode.Storage;

namespace HealthCode.Cli;

/// <summary><c>healthcode verify journal</c>: whether all that was ever written is there, as it was written, and can be opened.</summary>
internal static class VerifyJournalCommand
{
    public static Command Create()
    {
        var command = new Command("journal", "Check every batch of the journal: gaps, flipped bits, moved rows, and that its keys open it");
        command.SetAction((parsed, cancellation) => RunAsync(Commands.PathsOf(parsed), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(RegionPaths paths, CancellationToken cancellation)
    {
        await using var stores = paths.StoresForReading();
        if (!await stores.ExistsAsync(cancellation))
        {
            await Console.Error.WriteLineAsync($"There is no journal in {paths.Where}. {Commands.StartOrName}");
            return 2;
        }
        var verified = await VerifiedJournal.ReadAsync(stores, paths.EvidenceOf(stores), cancellation);
        foreach (var finding in verified.Findings)
            Console.WriteLine($"WRONG     {finding}");
        Console.WriteLine($"streams   {verified.Streams:N0}");
        Console.WriteLine($"batches   {verified.Batches:N0}, {verified.Erased:N0} of them erased by retention, {verified.Bytes:N0} bytes");
        Console.WriteLine($"facts     {verified.Facts:N0} can be read, {verified.Closed:N0} are of deleted people, {verified.Unknown:N0} of kinds that this program does not know");
        Console.WriteLine(verified.Findings.Count == 0
            ? "FINE      all is there, as it was written, and opens" : $"DAMAGED   {verified.Findings.Count:N0} finding(s)");
        return verified.Findings.Count == 0 ? 0 : 1;
    }
}

/// <summary>What a reading of a whole journal found.</summary>
internal sealed record VerifiedJournal(
    int Streams, long Batches, long Erased, long Bytes, long Facts, long Closed, long Unknown, IReadOnlyList<JournalFinding> Findings)
{
    /// <summary>Reads all of it; says on standard error how far it is.</summary>
    public static async Task<VerifiedJournal> ReadAsync(RegionStores stores, EvidenceStore evidence, CancellationToken cancellation)
    {
        var (progress, inspection, findings) = (new Progress(), new JournalInspection(evidence), new List<JournalFinding>());
        var (streams, batches, erased, bytes, read) = (0, 0L, 0L, 0L, 0L);
        await foreach (var stream in JournalVerification.VerifyAsync(stores.Journal, null, InspectAsync, cancellation))
        {
            streams++;
            (batches, erased, bytes) = (batches + stream.Batches, erased + stream.Erased, bytes + stream.Bytes);
            findings.AddRange(stream.Findings);
        }
        return new(streams, batches, erased, bytes, inspection.Facts, inspection.Closed, inspection.Unknown, findings);

        ValueTask<string?> InspectAsync(JournalBatch batch)
        {
            read++;
            progress.Say($"{batch.Stream} {batch.Sequence}: {read:N0} batches read, {findings.Count:N0} finding(s)");
            return inspection.ProblemOfAsync(batch, cancellation);
        }
    }
}
