using System.Net;
using HealthCode.Api;

namespace HealthCode.Server.Tests;

/// <summary>A time-limited pass, in a region whose plan allows one for those who declared symptoms.</summary>
public sealed class PassTests
{
    [Fact]
    public async Task A_pass_is_given_once_in_seven_days_while_every_rule_that_holds_allows_it()
    {
        await using var region = new TestRegion
        {
            Edition = edition => edition with { Rules = [.. edition.Rules.Select(rule => rule with { Pass = rule.Number == "Y2" })] },
        };
        await region.InitializeAsync();
        var (session, resident) = await region.AppliedAsync();
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        PassEntry PassOf(int hours) => new()
        {
            DocumentType = "citizen-id", DocumentNumber = resident.Document.Normalized, Happened = region.Time.GetUtcNow(), Hours = hours, Purpose = "透析",
        };
        async Task<string> RefusedAsync(EvidenceEntry entry, string? key = null)
        {
            using var answer = await worker.PostAsync(Routes.Evidence, entry, key);
            return await TestSession.RefusalOf(answer);
        }

        Assert.Equal("pass-not-needed", await RefusedAsync(PassOf(4)));
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], null, "no"));
        Assert.Equal("pass-hours-impossible", await RefusedAsync(PassOf(0)));
        Assert.Equal("pass-hours-impossible", await RefusedAsync(PassOf(25)));
        Assert.Equal("pass-hours-impossible", await RefusedAsync(PassOf(2) with { Happened = region.Time.GetUtcNow().AddHours(-3) }));
        Assert.Equal("reason-missing", await RefusedAsync(PassOf(4) with { Purpose = "" }));
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
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

        // What allows none beside what does: the pass is void, and no new one is given.
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest([], null, "yes"));
        Assert.Null((await session.GetAsync<CodeState>(Routes.MyCode)).Proof.Pass);
        region.Time.Move(TimeSpan.FromDays(7.1));
        using var later = await region.StaffAsync(Roles.CommunityWorker);
        using var void_ = await later.PostAsync<EvidenceEntry>(Routes.Evidence, PassOf(4));
        Assert.Equal("pass-not-needed", await TestSession.RefusalOf(void_));
    }
}
