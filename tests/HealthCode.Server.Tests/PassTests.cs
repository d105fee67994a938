using System.Net;
using HealthCode.Api;

namespace HealthCode.Server.Tests;

/// <summary>A time-limited pass, as Guangxi gave it in 2021 to people with a yellow code.</summary>
public sealed class PassTests
{
    [Fact]
    public async Task A_pass_is_given_once_in_seven_days_while_every_rule_that_holds_allows_it()
    {
        await using var region = new TestRegion { Edition = "guangxi-2021" };
        await region.InitializeAsync();
        var (session, resident) = await region.AppliedAsync();
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        PassEntry PassOf(int hours) => new()
        {
            DocumentType = "citizen-id", DocumentNumber = resident.Document.Normalized, Happened = region.Time.GetUtcNow(), Hours = hours, Purpose = "透析",
        };
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        async Task ContactAsync(TestSession by, string degree) => await by.MustAsync<EvidenceEntry, EvidenceAccepted>(HttpStatusCode.Created, Routes.Evidence, new ContactEntry
        {
            DocumentType = "citizen-id", DocumentNumber = resident.Document.Normalized, Happened = region.Time.GetUtcNow(), Degree = degree, Circumstance = "D3912 次 4 车厢",
        });
        async Task<string> RefusedAsync(EvidenceEntry entry, string? key = null)
        {
            using var answer = await worker.PostAsync(Routes.Evidence, entry, key);
            return await TestSession.RefusalOf(answer);
        }

        Assert.Equal("pass-not-needed", await RefusedAsync(PassOf(4)));
        await ContactAsync(epidemiologist, "same-vehicle");
        Assert.Equal("pass-hours-impossible", await RefusedAsync(PassOf(0)));
        Assert.Equal("pass-hours-impossible", await RefusedAsync(PassOf(25)));
        Assert.Equal("pass-hours-impossible", await RefusedAsync(PassOf(2) with { Happened = region.Time.GetUtcNow().AddHours(-3) }));
        Assert.Equal("reason-missing", await RefusedAsync(PassOf(4) with { Purpose = "" }));
        using var notTheirs = await epidemiologist.PostAsync<EvidenceEntry>(Routes.Evidence, PassOf(4));
        Assert.Equal("not-allowed", await TestSession.RefusalOf(notTheirs));

        var (pass, key) = (PassOf(4), Guid.NewGuid().ToString());
        var accepted = await worker.MustAsync<EvidenceEntry, EvidenceAccepted>(HttpStatusCode.Created, Routes.Evidence, pass, key);
        Assert.Equal("yellow", accepted.Colour);
        await worker.MustAsync<EvidenceEntry, EvidenceAccepted>(HttpStatusCode.Created, Routes.Evidence, pass, key);
        var shown = (await session.GetAsync<CodeState>(Routes.MyCode)).Proof.Pass!;
        Assert.Equal("透析", shown.Purpose);
        Assert.InRange(shown.Until, region.Time.GetUtcNow().AddHours(3.9), region.Time.GetUtcNow().AddHours(4));
        Assert.Equal("pass-given-already", await RefusedAsync(PassOf(4)));

        // The door opens for it, and says so; a fever closes it.
        using var guard = await region.StaffAsync(Roles.Guard);
        async Task<ScanAnswer> ScanAsync(string place, decimal? temperature) => await guard.MustAsync<ScanAnswer>(
            HttpStatusCode.OK, Routes.Scans.Replace("{place}", place, StringComparison.Ordinal),
            new ScanRequest((await session.GetAsync<CodeState>(Routes.MyCode)).Code, temperature));
        var door = await ScanAsync(region.Place, null);
        Assert.Equal((true, "yellow", shown.Until), (door.Go, door.Colour, door.PassUntil!.Value));
        Assert.Equal("A pass, but fever", (await ScanAsync(region.WarmPlace, 38.2m)).StopReason!.En);

        // What allows none beside what does: the pass is void, and no new one is given.
        await ContactAsync(epidemiologist, "close");
        Assert.Null((await session.GetAsync<CodeState>(Routes.MyCode)).Proof.Pass);
        var closed = await ScanAsync(region.Place, null);
        Assert.Equal((false, "red", null), (closed.Go, closed.Colour, closed.PassUntil));
        region.Time.Move(TimeSpan.FromDays(7.1));
        using var later = await region.StaffAsync(Roles.CommunityWorker);
        using var void_ = await later.PostAsync<EvidenceEntry>(Routes.Evidence, PassOf(4));
        Assert.Equal("pass-not-needed", await TestSession.RefusalOf(void_));
    }
}
