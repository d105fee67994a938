using HealthCode.Domain;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Server.Plans;

/// <summary>A draft at one version.</summary>
internal sealed record OpenDraft(PlanDraft Draft, EditionText Text)
{
    public bool IsTried => Draft.TriedHash == Text.Hash;
}

/// <summary>The drafts that officers write, each version of them kept.</summary>
internal sealed class PlanDrafts(IDbContextFactory<BackOfficeContext> backOffice, PlanBoard board, TimeProvider time)
{
    public const string Open = "draft";
    public const string Approved = "approved";
    public const string Discarded = "discarded";

    /// <summary>Drafts that are listed, the latest changed first.</summary>
    private const int ListedMax = 200;

    /// <summary>Reads texts with what is approved here and what came with the program.</summary>
    public EditionFindings Check(EditionText text) => new EditionLibrary(board.Current, PlanBoard.Folder).Check(text);

    /// <summary>All drafts, each with whether it was tried as it is now.</summary>
    public async Task<IReadOnlyList<OpenDraft>> AllAsync(CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var rows = await context.PlanDrafts.AsNoTracking().OrderByDescending(draft => draft.ChangedAt).Take(ListedMax)
            .Join(context.PlanDraftVersions, draft => new { DraftId = draft.Id, draft.Version }, version => new { version.DraftId, version.Version },
                (draft, version) => new { draft, version.Text, version.Cases })
            .ToListAsync(cancellation);
        return [.. rows.OrderByDescending(row => row.draft.ChangedAt).Select(row => new OpenDraft(row.draft, new(row.Text, row.Cases)))];
    }

    public async Task<OpenDraft?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        if (await context.PlanDrafts.AsNoTracking().SingleOrDefaultAsync(draft => draft.Id == id, cancellation) is not { } draft)
            return null;
        var version = await context.PlanDraftVersions.AsNoTracking()
            .SingleAsync(version => version.DraftId == id && version.Version == draft.Version, cancellation);
        return new(draft, new(version.Text, version.Cases));
    }

    /// <summary>The same id again gives the draft that is there already.</summary>
    public async Task<OpenDraft> AddAsync(Guid id, EditionText text, string by, CancellationToken cancellation)
    {
        if (await FindAsync(id, cancellation) is { } known)
            return known;
        var now = time.GetUtcNow();
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var draft = new PlanDraft { Id = id, State = Open, Author = by, CreatedAt = now };
        context.PlanDrafts.Add(draft);
        Change(context, draft, text, by, now);
        await context.SaveChangesAsync(cancellation);
        return new(draft, text);
    }

    /// <returns>Null when somebody saved since <paramref name="read"/>, or closed the draft.</returns>
    public async Task<OpenDraft?> SaveAsync(OpenDraft read, EditionText text, string by, CancellationToken cancellation)
    {
        if (read.Text == text)
            return read;
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        var draft = await context.PlanDrafts.SingleAsync(draft => draft.Id == read.Draft.Id, cancellation);
        if (draft.Version != read.Draft.Version || draft.State != Open)
            return null;
        Change(context, draft, text, by, time.GetUtcNow());
        try
        {
            await context.SaveChangesAsync(cancellation);
        }
        catch (DbUpdateException)
        {
            // Two saved the same version at once: the database took the other one.
            return null;
        }
        return new(draft, text);
    }

    /// <returns>False when somebody saved or closed it since.</returns>
    public async Task<bool> DiscardAsync(OpenDraft read, CancellationToken cancellation)
    {
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        return await context.PlanDrafts
            .Where(draft => draft.Id == read.Draft.Id && draft.State == Open && draft.Version == read.Draft.Version)
            .ExecuteUpdateAsync(row => row.SetProperty(draft => draft.State, Discarded), cancellation) == 1;
    }

    public async Task MarkApprovedAsync(Guid id, string by, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        await context.PlanDrafts.Where(draft => draft.Id == id).ExecuteUpdateAsync(
            row => row.SetProperty(draft => draft.State, Approved).SetProperty(draft => draft.ApprovedBy, by).SetProperty(draft => draft.ApprovedAt, now),
            cancellation);
    }

    public async Task MarkTriedAsync(Guid id, string hash, string answer, string by, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await using var context = await backOffice.CreateDbContextAsync(cancellation);
        await context.PlanDrafts.Where(draft => draft.Id == id && draft.State == Open).ExecuteUpdateAsync(
            row => row.SetProperty(draft => draft.TriedHash, hash).SetProperty(draft => draft.TriedAnswer, answer)
                .SetProperty(draft => draft.TriedBy, by).SetProperty(draft => draft.TriedAt, now),
            cancellation);
    }

    private void Change(BackOfficeContext context, PlanDraft draft, EditionText text, string by, DateTimeOffset now)
    {
        draft.Version++;
        (draft.ChangedBy, draft.ChangedAt) = (by, now);
        draft.Edition = Check(text with { Cases = "" }).Edition?.Id ?? draft.Edition;
        context.PlanDraftVersions.Add(new PlanDraftVersion
        {
            DraftId = draft.Id, Version = draft.Version, Text = text.Text, Cases = text.Cases, By = by, At = now,
        });
    }
}
