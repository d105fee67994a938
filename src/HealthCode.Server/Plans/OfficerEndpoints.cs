using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Cluster;
using HealthCode.Server.People;
using HealthCode.Server.Security;
using HealthCode.Storage;
using Orleans.Concurrency;

namespace HealthCode.Server.Plans;

/// <summary>What plan officers ask for. Checked in the order of docs/reference/plans.md.</summary>
internal static class OfficerEndpoints
{
    public static IResult GetHistory(PlanBoard board) => Results.Json(
        (IReadOnlyList<PlanFactState>)[.. board.Current.Facts.Reverse().Select(StateOf)], ApiJson.Wire.IReadOnlyListPlanFactState);

    public static IResult Check(EditionCheckRequest request, PlanDrafts drafts) =>
        TextOf(request.Text, request.Cases, out var text)
        ?? Results.Json(StateOf(drafts.Check(text)), ApiJson.Wire.EditionCheck);

    public static async Task<IResult> GetDrafts(PlanDrafts drafts, CancellationToken cancellation) => Results.Json(
        (IReadOnlyList<DraftSummary>)[.. (await drafts.AllAsync(cancellation)).Select(SummaryOf)], ApiJson.Wire.IReadOnlyListDraftSummary);

    public static async Task<IResult> AddDraft(
        DraftRequest request, HttpContext http, PlanDrafts drafts, PlanBoard board, CancellationToken cancellation)
    {
        if (Fields.IdempotencyKey(http.Request, out var key) is { } missing)
            return missing;
        var text = request.From is null ? new EditionText("", "") : board.Current.Find(request.From)?.Approval is { } approval
            ? new(approval.Text, approval.Cases) : EditionLibrary.Find(request.From, PlanBoard.Folder);
        if (text is null)
            return Refuse.With(Refusals.EditionUnknown, "from");
        // The same submission begins one draft, however often it is sent.
        var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"draft\n{http.User.StaffName()}\n{key}")).AsSpan(0, 16));
        return Draft(await drafts.AddAsync(id, text, http.User.StaffName(), cancellation), drafts, StatusCodes.Status201Created);
    }

    public static async Task<IResult> GetDraft(Guid draft, PlanDrafts drafts, CancellationToken cancellation) =>
        await drafts.FindAsync(draft, cancellation) is { } known ? Draft(known, drafts) : Refuse.With(Refusals.DraftUnknown);

    public static async Task<IResult> SaveDraft(
        Guid draft, DraftSave request, HttpContext http, PlanDrafts drafts, CancellationToken cancellation)
    {
        if (TextOf(request.Text, request.Cases, out var text) is { } badText)
            return badText;
        var (known, refusal) = await OpenAsync(draft, request.Version, drafts, cancellation);
        if (refusal is not null)
            return refusal;
        return await drafts.SaveAsync(known!, text, http.User.StaffName(), cancellation) is { } saved
            ? Draft(saved, drafts) : Refuse.With(Refusals.DraftChanged);
    }

    public static async Task<IResult> Discard(Guid draft, DraftDiscard request, PlanDrafts drafts, CancellationToken cancellation)
    {
        var (known, refusal) = await OpenAsync(draft, request.Version, drafts, cancellation);
        if (refusal is not null)
            return refusal;
        return await drafts.DiscardAsync(known!, cancellation) ? Results.NoContent() : Refuse.With(Refusals.DraftChanged);
    }

    public static async Task<IResult> StartWhatIf(
        Guid draft, WhatIfRequest request, HttpContext http, PlanDrafts drafts, IGrainFactory grains, TimeProvider time, CancellationToken cancellation)
    {
        var (known, refusal) = await OpenAsync(draft, request.Version, drafts, cancellation);
        if (refusal is not null)
            return refusal;
        if (MomentOf(request.Day, time, out var at) is { } badDay)
            return badDay;
        var findings = drafts.Check(known!.Text with { Cases = "" });
        if (findings.Policy is null)
            return Invalid(findings);
        return await DeskOf(grains).TryStart(draft, request.Version, at.Value, http.User.StaffName())
            ? await WhatIfStateAsync(grains, StatusCodes.Status202Accepted)
            : Refuse.With(Refusals.WhatIfRunning);
    }

    public static Task<IResult> GetWhatIf(IGrainFactory grains) => WhatIfStateAsync(grains);

    public static async Task<IResult> CancelWhatIf(IGrainFactory grains)
    {
        await DeskOf(grains).Cancel();
        return await WhatIfStateAsync(grains);
    }

    private static IWhatIfGrain DeskOf(IGrainFactory grains) => grains.GetGrain<IWhatIfGrain>(0);

    private static async Task<IResult> WhatIfStateAsync(IGrainFactory grains, int status = StatusCodes.Status200OK) => Results.Json(
        JsonSerializer.Deserialize(await DeskOf(grains).State(), ApiJson.Wire.WhatIfState), ApiJson.Wire.WhatIfState, statusCode: status);

    public static async Task<IResult> Approve(
        Guid draft, DraftApproval request, HttpContext http, PlanDrafts drafts, PlanBoard board, IGrainFactory grains, INodeLease lease,
        TimeProvider time, CancellationToken cancellation)
    {
        var by = http.User.StaffName();
        if (await drafts.FindAsync(draft, cancellation) is { } read && WasApproved(read, board, by))
        {
            await lease.ShownEverywhereAsync(board.Name, board.Seen, cancellation);
            return await ApprovedAsync(read, drafts, by, cancellation);
        }
        var (known, refusal) = await OpenAsync(draft, request.Version, drafts, cancellation);
        if (refusal is not null)
            return refusal;
        if (Wrote(known!, by))
            return Refuse.With(Refusals.SamePerson);
        if (Fields.Text(request.Reason, "reason", Refusals.ReasonMissing) is { } badReason)
            return badReason;
        var findings = drafts.Check(known!.Text);
        if (FailureOf(findings) is { } failure)
            return failure;
        if (!known.IsTried)
            return Refuse.With(Refusals.NotTried);

        var fact = new EditionApproved
        {
            Edition = findings.Edition!.Id, Text = known.Text.Text, Base = findings.Base, Cases = known.Text.Cases,
            Author = string.Join(", ", new[] { known.Draft.Author, known.Draft.ChangedBy }.Distinct()), By = by, Reason = request.Reason.Trim(),
            At = default, InForceFrom = default,
        };
        return await TakeAsync(fact, request.From, grains, lease, time, cancellation) switch
        {
            PlanAnswer.Exists => Refuse.With(Refusals.EditionExists),
            PlanAnswer.InThePast => Refuse.With(Refusals.InForceInThePast, "from"),
            _ => await ApprovedAsync(known, drafts, by, cancellation),
        };
    }

    public static async Task<IResult> Withdraw(
        string edition, EditionWithdrawal request, HttpContext http, PlanBoard board, IGrainFactory grains, INodeLease lease, TimeProvider time,
        CancellationToken cancellation)
    {
        if (Fields.Text(request.Reason, "reason", Refusals.ReasonMissing) is { } badReason)
            return badReason;
        var fact = new EditionWithdrawn
        {
            Edition = edition, By = http.User.StaffName(), At = Minute.Of(time.GetUtcNow()), Reason = request.Reason.Trim(),
        };
        return await TakeAsync(fact, grains, lease, cancellation) switch
        {
            PlanAnswer.Unknown => Refuse.With(Refusals.EditionUnknown),
            PlanAnswer.HasBegun => Refuse.With(Refusals.EditionHasBegun),
            _ => GetHistory(board),
        };
    }

    // "Now" is the minute in which the writer's turn comes: a minute that ended on the way there is asked for anew.
    private static async Task<PlanAnswer> TakeAsync(
        EditionApproved fact, DateTimeOffset? from, IGrainFactory grains, INodeLease lease, TimeProvider time, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var now = Minute.Of(time.GetUtcNow());
            var dated = fact with { At = now, InForceFrom = from is { } moment ? Minute.Of(moment) : now };
            var answer = await TakeAsync(dated, grains, lease, cancellation);
            if (answer != PlanAnswer.InThePast || from is not null || attempt == 3)
                return answer;
        }
    }

    // What the officer is told, every node decides by.
    private static async Task<PlanAnswer> TakeAsync(PlanFact fact, IGrainFactory grains, INodeLease lease, CancellationToken cancellation)
    {
        var taken = await grains.GetGrain<IPlanGrain>(0).Take(PlanCodec.Encode(fact).AsImmutable());
        await lease.ShownEverywhereAsync(JournalStreams.Plans, taken.Revision, cancellation);
        return taken.Answer;
    }

    // An approval whose answer was lost is sent again: the journal has it, and the draft may not know yet.
    private static bool WasApproved(OpenDraft read, PlanBoard board, string by) => !Wrote(read, by) && board.Current.Editions.Any(
        edition => edition.Approval.By == by && edition.Approval.Text == read.Text.Text && edition.Approval.Cases == read.Text.Cases);

    private static bool Wrote(OpenDraft draft, string by) => by == draft.Draft.Author || by == draft.Draft.ChangedBy;

    private static async Task<IResult> ApprovedAsync(OpenDraft known, PlanDrafts drafts, string by, CancellationToken cancellation)
    {
        await drafts.MarkApprovedAsync(known.Draft.Id, by, cancellation);
        return Draft((await drafts.FindAsync(known.Draft.Id, cancellation))!, drafts);
    }

    private static async Task<(OpenDraft? Draft, Refused? Refusal)> OpenAsync(Guid id, int version, PlanDrafts drafts, CancellationToken cancellation)
    {
        var known = await drafts.FindAsync(id, cancellation);
        return known switch
        {
            null => (null, Refuse.With(Refusals.DraftUnknown)),
            { Draft.State: not PlanDrafts.Open } => (null, Refuse.With(Refusals.DraftClosed)),
            _ when known.Draft.Version != version => (null, Refuse.With(Refusals.DraftChanged, "version")),
            _ => (known, null),
        };
    }

    private static Refused? FailureOf(EditionFindings findings) =>
        findings.Edition is null ? Invalid(findings)
        : findings.Cases.Count == 0 ? Refuse.With(Refusals.CasesMissing, "cases")
        : findings.Failing.Any() ? new Refused(
            Refusals.CasesFailed, "cases", problems: [.. findings.Failing.Select(result => new ProblemAt(result.Line, 1, $"{result.Title}: {result.Problem}"))])
        : null;

    private static Refused Invalid(EditionFindings findings) => new(Refusals.EditionInvalid, "text", problems: ProblemsOf(findings));

    private static Refused? TextOf(string? text, string? cases, out EditionText read)
    {
        read = new(text ?? "", cases ?? "");
        return read.Text.Length > EditionText.LengthMax ? Refuse.With(Refusals.TextTooLong, "text")
            : read.Cases.Length > EditionText.LengthMax ? Refuse.With(Refusals.TextTooLong, "cases")
            : null;
    }

    /// <summary>The last minute of a day; now for today, and when no day is named.</summary>
    private static Refused? MomentOf(DateOnly? day, TimeProvider time, out Minute at)
    {
        var now = Minute.Of(time.GetUtcNow());
        at = now;
        if (day is not { } date)
            return null;
        if (date.Year < 2020 || Day.Of(date) > Day.Of(now))
            return Refuse.With(Refusals.DateImpossible, "day");
        at = WhatIf.MomentOf(Day.Of(date), now);
        return null;
    }

    private static IResult Draft(OpenDraft known, PlanDrafts drafts, int status = StatusCodes.Status200OK) => Results.Json(
        new DraftState(
            SummaryOf(known), known.Text.Text, known.Text.Cases, StateOf(drafts.Check(known.Text)),
            known.Draft.TriedAnswer is { } answer ? JsonSerializer.Deserialize(answer, ApiJson.Wire.WhatIfAnswer) : null),
        ApiJson.Wire.DraftState, statusCode: status);

    private static DraftSummary SummaryOf(OpenDraft known) => new(
        known.Draft.Id.ToString(), known.Draft.Edition, known.Draft.State, known.Draft.Author, known.Draft.CreatedAt, known.Draft.Version,
        known.Draft.ChangedBy, known.Draft.ChangedAt, known.IsTried, known.Draft.ApprovedBy);

    private static EditionCheck StateOf(EditionFindings findings) => new(
        findings.Edition?.Id, findings.Edition?.Title, ProblemsOf(findings),
        [.. findings.Cases.Select(result => new CaseCheck(result.Title, result.Line, result.Problem))]);

    private static IReadOnlyList<ProblemAt> ProblemsOf(EditionFindings findings) =>
        [.. findings.Problems.Select(problem => new ProblemAt(problem.Line, problem.Column, problem.Message))];

    private static PlanFactState StateOf(PlanFact fact) => new(
        fact.Edition, fact is EditionApproved ? "approved" : "withdrawn", fact.By, Words.Moment(fact.At)!.Value, fact.Reason,
        (fact as EditionApproved)?.Author, fact is EditionApproved approved ? Words.Moment(approved.InForceFrom) : null);
}
