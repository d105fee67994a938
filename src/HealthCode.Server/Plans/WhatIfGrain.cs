using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using Orleans.Concurrency;
using Orleans.Placement;

namespace HealthCode.Server.Plans;

/// <summary>The region's one trial at a time, wherever it is asked for.</summary>
internal interface IWhatIfGrain : IGrainWithIntegerKey
{
    /// <param name="version">Of the draft, as the officer read it.</param>
    /// <returns>False while another runs, or when the draft was changed meanwhile.</returns>
    Task<bool> TryStart(Guid draft, int version, int at, string by);

    Task Cancel();

    /// <returns>A <see cref="WhatIfState"/>, as the interface gives it.</returns>
    Task<byte[]> State();
}

/// <summary>The shell around the desk of the node that the trial runs on; it stays there, since the trial does.</summary>
[KeepAlive, Immovable, Reentrant]
internal sealed class WhatIfGrain(WhatIfDesk desk, PlanDrafts drafts) : Grain, IWhatIfGrain
{
    public async Task<bool> TryStart(Guid draft, int version, int at, string by) =>
        await drafts.FindAsync(draft, CancellationToken.None) is { } known && known.Draft.Version == version
        && drafts.Check(known.Text with { Cases = "" }).Policy is { } policy && desk.TryStart(known, policy, new Minute(at), by);

    public Task Cancel()
    {
        desk.Cancel();
        return Task.CompletedTask;
    }

    public Task<byte[]> State() => Task.FromResult(JsonSerializer.SerializeToUtf8Bytes(desk.State, ApiJson.Wire.WhatIfState));
}
