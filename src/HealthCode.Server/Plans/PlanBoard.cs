using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Server.Plans;

/// <summary>The editions as every partition on this node sees them. Replaced whole, never changed.</summary>
internal sealed class PlanBoard
{
    private volatile PlanHistory current = PlanHistory.Empty;

    public PlanHistory Current => current;

    /// <summary>The sequence that the next fact must be appended with.</summary>
    public long NextSequence { get; private set; }

    public async Task LoadAsync(IJournal journal, CancellationToken cancellation) =>
        (current, NextSequence) = await PlanHistory.LoadAsync(journal, Minute.Never, cancellation);

    public void Publish(PlanFact fact)
    {
        current = current.With(fact);
        NextSequence++;
    }

    /// <summary>A region that has no edition yet begins with this one. Afterwards only an approval changes what is in force.</summary>
    public async Task BeginAsync(IJournal journal, string edition, Minute now, CancellationToken cancellation)
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
        await journal.AppendAsync(JournalStreams.Plans, NextSequence, PlanCodec.Encode(first), cancellation);
        Publish(first);
    }

    /// <summary>Where the editions lie that came with the program.</summary>
    public static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "editions");

    private const string Start = "start";
}
