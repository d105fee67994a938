using System.Net;
using HealthCode.Api;

namespace HealthCode.Server.Tests;

/// <summary>A region of its own: what is in force in it changes, and other tests count on theirs.</summary>
public sealed class PlanRegion : IAsyncLifetime
{
    public const string Second = "plan-officer-2";

    public const string Cases = """
        # Fever has this colour
        day  evidence        colour  reasons
        1    declares fever  red     Y2
        2    reports normal  red     Y2

        """;

    private const string Red = "red";

    private int drafts;

    public TestRegion Region { get; } = new();

    public ValueTask InitializeAsync() => Region.InitializeAsync();

    public ValueTask DisposeAsync() => Region.DisposeAsync();

    public static string Path(string route, object id) =>
        route.Replace("{draft}", id.ToString(), StringComparison.Ordinal).Replace("{edition}", id.ToString(), StringComparison.Ordinal);

    /// <summary>An id that no other test has.</summary>
    public string NextId() => $"test-{Interlocked.Increment(ref drafts)}";

    /// <summary>The first edition of the region, but that fever is red.</summary>
    public static async Task<string> FeverIsRedAsync(TestSession session, string id)
    {
        var text = (await session.GetAsync<EditionTextState>(Path(Routes.PlanText, "hangzhou-2020-02"))).Text;
        return text.Replace("id: hangzhou-2020-02", "id: " + id, StringComparison.Ordinal)
            .Replace("number: Y2\n    colour: yellow", "number: Y2\n    colour: red", StringComparison.Ordinal);
    }

    public static Task<DraftState> BeginAsync(TestSession officer) =>
        officer.MustAsync<DraftState>(HttpStatusCode.Created, Routes.Drafts, new DraftRequest("hangzhou-2020-02"));

    public static Task<DraftState> SaveAsync(TestSession officer, DraftState draft, string text, string cases) =>
        officer.MustAsync<DraftState>(HttpStatusCode.OK, Path(Routes.Draft, draft.Draft.Id), new DraftSave(draft.Draft.Version, text, cases));

    /// <summary>Tries the draft and waits for the end.</summary>
    public static async Task<WhatIfState> TryAsync(TestSession officer, DraftState draft, DateOnly? day = null)
    {
        await officer.MustAsync(HttpStatusCode.Accepted, Path(Routes.DraftWhatIf, draft.Draft.Id), new WhatIfRequest(draft.Draft.Version, day));
        while (true)
        {
            var state = await officer.GetAsync<WhatIfState>(Routes.WhatIf);
            if (state.State != "running")
                return state;
            await Task.Delay(20);
        }
    }

    /// <summary>A draft that can be approved by the second officer.</summary>
    public async Task<DraftState> TriedAsync(TestSession officer, string? id = null, string fever = Red)
    {
        var draft = await BeginAsync(officer);
        var text = (await FeverIsRedAsync(officer, id ?? NextId())).Replace("number: Y2\n    colour: red", $"number: Y2\n    colour: {fever}", StringComparison.Ordinal);
        draft = await SaveAsync(officer, draft, text, Cases.Replace("  red     ", $"  {fever,-8}", StringComparison.Ordinal));
        await TryAsync(officer, draft);
        return await officer.GetAsync<DraftState>(Path(Routes.Draft, draft.Draft.Id));
    }

    public static Task<DraftState> ApproveAsync(TestSession officer, DraftState draft, DateTimeOffset? from = null) =>
        officer.MustAsync<DraftState>(HttpStatusCode.OK, Path(Routes.DraftApproval, draft.Draft.Id), new DraftApproval(draft.Draft.Version, from, "tried and discussed"));
}

[CollectionDefinition("a region whose plan changes")]
public sealed class PlanRegionCollection : ICollectionFixture<PlanRegion>;
