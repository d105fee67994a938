using System.Net;
using System.Text;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Server.Tests;

/// <summary>A resident deletes themself: what goes, what stays, and that nobody slips out of an isolation.</summary>
[Collection("one region, one clock")]
public sealed class DeletionTests(TestRegion region)
{
    private static readonly DeletionRequest Yes = new(true);

    [Fact]
    public async Task Who_deletes_themself_is_readable_nowhere_and_may_apply_again_and_start_anew()
    {
        var (session, resident) = await region.AppliedAsync();
        var person = resident.Document.PersonIn(region.Services.GetRequiredService<Tokens.KeyRing>().Secret("person-id"));
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest([], 36.4m, "no"));
        using var elsewhere = await region.ResidentAsync(resident.Phone.Normalized);
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        await worker.MustAsync(HttpStatusCode.OK, Routes.LookUps, new LookUpRequest("citizen-id", resident.Document.Normalized, "visit-before-deletion"));
        using var stranger = await region.ResidentAsync("12944440044");
        await stranger.MustAsync(HttpStatusCode.Accepted, Routes.PhoneChanges, new PhoneChangeRequest(resident.Name.Full, "citizen-id", resident.Document.Normalized));

        var key = Guid.NewGuid().ToString();
        await session.MustAsync(HttpStatusCode.NoContent, Routes.MyDeletion, Yes, key);

        Assert.False((await session.GetAsync<SessionState>(Routes.Session)).SignedIn);
        using (var stale = await elsewhere.Client.GetAsync(new Uri(Routes.MyCode, UriKind.Relative)))
            Assert.Equal("not-applied", await TestSession.RefusalOf(stale));
        Assert.Equal("not-applied", await elsewhere.RefusedAsync(Routes.MyReports, new ReportRequest([], 36.4m, "no")));
        // Sent again, it is the same.
        await elsewhere.MustAsync(HttpStatusCode.NoContent, Routes.MyDeletion, Yes, key);
        await NothingIsKeptAsync(person);
        var explained = await CommandLineTests.HealthcodeAsync("", "explain", $"{person}", "--data", region.Data, "--partitions", "16", "--at", region.Time.GetUtcNow().ToString("O"));
        Assert.Contains("Nothing is known of this person", explained.Errors, StringComparison.Ordinal);

        using var again = await region.ResidentAsync(resident.Phone.Normalized);
        Assert.False((await again.GetAsync<SessionState>(Routes.Session)).HasApplied);
        var applied = await again.MustAsync<ApplicationAccepted>(HttpStatusCode.Created, Routes.Applications, region.ApplicationOf(resident));
        Assert.False(applied.AlreadyHad);
        var history = await again.GetAsync<HistoryState>(Routes.MyHistory);
        Assert.DoesNotContain(history.Evidence, evidence => evidence.Detail?.En.Contains("36.4", StringComparison.Ordinal) == true);
        Assert.Empty(history.LookUps);
        Assert.Equal("green", (await again.GetAsync<CodeState>(Routes.MyCode)).Colour);
    }

    [Fact]
    public async Task Nobody_escapes_an_isolation_or_a_question_by_deletion()
    {
        var (session, _) = await region.AppliedAsync();
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.4m, "no"));
        Assert.Equal("deletion-held", await session.RefusedAsync(Routes.MyDeletion, Yes));
        Assert.Equal("yellow", (await session.GetAsync<CodeState>(Routes.MyCode)).Colour);

        var (asked, resident) = await region.AppliedAsync();
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        var now = region.Time.GetUtcNow();
        await epidemiologist.MustAsync(HttpStatusCode.Created, Routes.AreaRisks, new AreaRiskRequest("421202", "high", now.AddDays(-5), now.AddDays(-1), "聚集性疫情"));
        await epidemiologist.MustAsync<EvidenceEntry, EvidenceAccepted>(HttpStatusCode.Created, Routes.Evidence, new StayEntry
        {
            DocumentType = "citizen-id", DocumentNumber = resident.Document.Normalized, Happened = now.AddHours(-50), Until = now.AddHours(-48),
            Area = "421202", Confidence = 40,
        });
        Assert.Equal("deletion-held", await asked.RefusedAsync(Routes.MyDeletion, Yes));
        var question = Assert.Single(await asked.GetAsync<IReadOnlyList<QuestionState>>(Routes.MyQuestions));
        await asked.MustAsync(HttpStatusCode.Created, Routes.MyAnswer.Replace("{evidence}", question.Evidence, StringComparison.Ordinal), new QuestionAnswer(false));
        await asked.MustAsync(HttpStatusCode.NoContent, Routes.MyDeletion, Yes);
    }

    [Theory]
    [InlineData("{}", "field-missing")]
    [InlineData("""{"confirm":false}""", "field-invalid")]
    public async Task A_deletion_that_is_not_confirmed_is_none(string body, string refusal)
    {
        var (session, _) = await region.AppliedAsync();
        using var answer = await session.PostTextAsync(Routes.MyDeletion, body);
        Assert.Equal(refusal, await TestSession.RefusalOf(answer));
        Assert.Equal("green", (await session.GetAsync<CodeState>(Routes.MyCode)).Colour);
    }

    private async Task NothingIsKeptAsync(PersonId person)
    {
        var evidence = region.Services.GetRequiredService<EvidenceStore>();
        await foreach (var batch in evidence.ReadAsync(JournalStreams.Of(person, 16), 0, default))
            Assert.DoesNotContain(batch.Facts, fact => fact.Person == person);
        await using var context = await region.Services.GetRequiredService<RegionStores>().BackOffice.CreateDbContextAsync();
        foreach (var type in context.Model.GetEntityTypes())
        {
            // Whatever table ever names people, a deleted one is in none of them.
            if (type.GetProperties().FirstOrDefault(property => property.ClrType == typeof(PersonId)) is not { } column)
                continue;
            await using var count = context.Database.GetDbConnection().CreateCommand();
            count.CommandText = $"SELECT count(*) FROM \"{type.GetTableName()}\" WHERE \"{column.GetColumnName()}\" = x'{person}'";
            await context.Database.OpenConnectionAsync();
            Assert.Equal((type.GetTableName(), 0L), (type.GetTableName(), (long)(await count.ExecuteScalarAsync())!));
        }
        var secret = Encoding.UTF8.GetBytes("visit-before-deletion");
        foreach (var file in Directory.EnumerateFiles(region.Data, "*", SearchOption.AllDirectories))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            await stream.ReadExactlyAsync(bytes);
            Assert.True(bytes.AsSpan().IndexOf(secret) < 0, $"{file} still says why they were looked up");
        }
    }
}
