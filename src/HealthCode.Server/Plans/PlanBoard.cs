using HealthCode.Domain;
using HealthCode.Server.Cluster;
using HealthCode.Storage;

namespace HealthCode.Server.Plans;

/// <summary>The editions as every partition on this node sees them. Replaced whole, never changed.</summary>
internal sealed class PlanBoard(IJournal journal) : INodeView
{
    private readonly Lock gate = new();
    private volatile PlanHistory current = PlanHistory.Empty;
    private long nextSequence;

    public string Name => JournalStreams.Plans;

    public PlanHistory Current => current;

    /// <summary>The sequence that the next fact must be appended with.</summary>
    public long NextSequence => Interlocked.Read(ref nextSequence);

    public long Seen => NextSequence;

    public async Task CatchUpAsync(CancellationToken cancellation)
    {
        await foreach (var batch in journal.ReadStreamAsync(Name, NextSequence, cancellation))
            Publish(batch.Sequence, PlanCodec.Decode(batch));
    }

    /// <summary>Shows what one append made durable.</summary>
    /// <param name="sequence">The append's.</param>
    public void Publish(long sequence, IEnumerable<PlanFact> facts)
    {
        // The append's author and whoever catches up may both bring the same: it is shown once.
        lock (gate)
        {
            if (sequence != nextSequence)
                return;
            current = facts.Aggregate(current, (history, fact) => history.With(fact));
            Interlocked.Exchange(ref nextSequence, sequence + 1);
        }
    }

    /// <summary>A region that has no edition yet begins with this one. Afterwards only an approval changes what is in force.</summary>
    public async Task BeginAsync(string edition, Minute now, CancellationToken cancellation)
    {
        if (!current.IsEmpty)
            return;
        var text = EditionLibrary.Find(edition, Folder)
            ?? throw new EditionFileException([$"{Path.Combine(Folder, edition + ".yaml")}: there is no such file"]);
        var findings = new EditionLibrary(current, Folder).Check(text);
        if (findings.Edition is null)
            throw new EditionFileException([.. findings.Problems.Select(problem => $"{edition}.yaml:{problem.Line}:{problem.Column}: {problem.Message}")]);
        var first = new EditionApproved
        {
            Edition = findings.Edition.Id, By = Start, Author = Start, At = now, InForceFrom = now, Reason = "首次启动 · The region's first start",
            Text = text.Text, Base = findings.Base, Cases = text.Cases,
        };
        await journal.AppendAsync(Name, 0, PlanCodec.Encode(first), cancellation);
        Publish(0, [first]);
    }

    /// <summary>Where the editions lie that came with the program.</summary>
    public static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "editions");

    private const string Start = "start";
}
