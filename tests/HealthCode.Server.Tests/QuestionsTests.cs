using System.Net;
using HealthCode.Api;

namespace HealthCode.Server.Tests;

/// <summary>Stays that nobody is sure of: they ask, and only the answer counts.</summary>
[Collection("one region, one clock")]
public sealed class QuestionsTests(TestRegion region)
{
    private const string Border = "420113";

    private static string Answer(string evidence) => Routes.MyAnswer.Replace("{evidence}", evidence, StringComparison.Ordinal);

    /// <summary>A resident of whom somebody is 40 % sure that they stayed in an area at high risk.</summary>
    private async Task<(TestSession Session, string Number, QuestionState Question)> AskedAsync()
    {
        var (session, resident) = await region.AppliedAsync();
        using var epidemiologist = await region.StaffAsync(Roles.Epidemiologist);
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        var now = region.Time.GetUtcNow();
        await epidemiologist.MustAsync(HttpStatusCode.Created, Routes.AreaRisks, new AreaRiskRequest(Border, "high", now.AddDays(-5), now.AddDays(-1), "聚集性疫情"));
        var accepted = await worker.MustAsync<EvidenceEntry, EvidenceAccepted>(HttpStatusCode.Created, Routes.Evidence, new StayEntry
        {
            DocumentType = "citizen-id", DocumentNumber = resident.Document.Normalized, Happened = now.AddHours(-50), Until = now.AddHours(-48),
            Area = Border, Confidence = 40,
        });
        Assert.Equal("green", accepted.Colour);
        return (session, resident.Document.Normalized, Assert.Single(await session.GetAsync<IReadOnlyList<QuestionState>>(Routes.MyQuestions)));
    }

    [Fact]
    public async Task A_question_says_what_was_reported_by_whom_how_sure_under_which_rule_and_until_when()
    {
        var (session, _, question) = await AskedAsync();
        Assert.Contains("湖北省武汉市", question.Area.Zh, StringComparison.Ordinal);
        Assert.Equal(("Community worker", 40, "R3", "red"), (question.Source.En, question.Confidence, question.Rule, question.RuleColour));
        Assert.InRange(question.AskedUntil, region.Time.GetUtcNow().AddDays(4.9), region.Time.GetUtcNow().AddDays(5.1));

        var code = await session.GetAsync<CodeState>(Routes.MyCode);
        Assert.Equal(("green", question), (code.Colour, Assert.Single(code.Questions)));
    }

    [Fact]
    public async Task Who_was_there_is_as_sure_as_their_own_word_and_answers_once()
    {
        var (session, _, question) = await AskedAsync();
        var key = Guid.NewGuid().ToString();
        var accepted = await session.MustAsync<ReportAccepted>(HttpStatusCode.Created, Answer(question.Evidence), new QuestionAnswer(true), key);
        Assert.Equal("red", accepted.Colour);
        await session.MustAsync(HttpStatusCode.Created, Answer(question.Evidence), new QuestionAnswer(true), key);
        Assert.Equal("idempotency-key-reused", await session.RefusedAsync(Answer(question.Evidence), new QuestionAnswer(false), key));
        Assert.Equal("question-answered", await session.RefusedAsync(Answer(question.Evidence), new QuestionAnswer(false)));

        var code = await session.GetAsync<CodeState>(Routes.MyCode);
        Assert.Equal("R3", Assert.Single(code.Reasons).Rule);
        Assert.Empty(code.Questions);
        var history = await session.GetAsync<HistoryState>(Routes.MyHistory);
        Assert.Equal("I was there", Assert.Single(history.Evidence, evidence => evidence.Kind == "answer").Detail!.En);
    }

    [Fact]
    public async Task Who_was_not_there_stays_green_and_a_wrong_answer_is_taken_back_by_the_community()
    {
        var (session, number, question) = await AskedAsync();
        var accepted = await session.MustAsync<ReportAccepted>(HttpStatusCode.Created, Answer(question.Evidence), new QuestionAnswer(false));
        Assert.Equal("green", accepted.Colour);
        Assert.Empty(await session.GetAsync<IReadOnlyList<QuestionState>>(Routes.MyQuestions));

        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        var person = await worker.MustAsync<PersonState>(HttpStatusCode.OK, Routes.LookUps, new LookUpRequest("citizen-id", number, "本人要求更正"));
        var answer = Assert.Single(person.Evidence, evidence => evidence is { Kind: "answer", Correctable: true });
        await worker.MustAsync(HttpStatusCode.Created, Routes.Corrections, new CorrectionRequest(person.Person, answer.Id, "按错了"));
        await session.MustAsync<ReportAccepted>(HttpStatusCode.Created, Answer(question.Evidence), new QuestionAnswer(true));
        Assert.Equal("red", (await session.GetAsync<CodeState>(Routes.MyCode)).Colour);
    }

    [Fact]
    public async Task Nobody_answers_for_another_nor_what_is_not_asked()
    {
        var (session, _, question) = await AskedAsync();
        var (other, _) = await region.AppliedAsync();
        Assert.Equal("question-unknown", await other.RefusedAsync(Answer(question.Evidence), new QuestionAnswer(true)));
        Assert.Equal("question-unknown", await session.RefusedAsync(Answer("0123456789abcdef"), new QuestionAnswer(true)));
        Assert.Equal("question-unknown", await session.RefusedAsync(Answer("nonsense"), new QuestionAnswer(true)));
        Assert.Equal("field-missing", await session.RefusedAsync(Answer(question.Evidence), new QuestionAnswer(null)));
        var home = (await session.GetAsync<HistoryState>(Routes.MyHistory)).Evidence.First(evidence => evidence.Kind == "stay" && evidence.EnteredBy is null);
        Assert.Equal("question-unknown", await session.RefusedAsync(Answer(home.Id), new QuestionAnswer(false)));
    }

    [Fact]
    public async Task The_code_says_the_last_test_and_the_doses()
    {
        var (session, resident) = await region.AppliedAsync();
        Assert.Equal(new ProofState(null, null, null), (await session.GetAsync<CodeState>(Routes.MyCode)).Proof);
        using var worker = await region.StaffAsync(Roles.CommunityWorker);
        var now = region.Time.GetUtcNow();
        foreach (var (hours, result) in new[] { (30, "negative"), (5, "inconclusive"), (80, "positive") })
        {
            await worker.MustAsync<EvidenceEntry, EvidenceAccepted>(HttpStatusCode.Created, Routes.Evidence, new TestEntry
            {
                DocumentType = "citizen-id", DocumentNumber = resident.Document.Normalized, Happened = now.AddHours(-hours), Result = result, Institution = "示例市第一医院",
            });
        }
        foreach (var dose in new[] { 2, 1 })
        {
            await worker.MustAsync<EvidenceEntry, EvidenceAccepted>(HttpStatusCode.Created, Routes.Evidence, new VaccinationEntry
            {
                DocumentType = "citizen-id", DocumentNumber = resident.Document.Normalized, Happened = now.AddDays(-40 + dose), Dose = dose, Vaccine = "灭活疫苗",
            });
        }

        var proof = (await session.GetAsync<CodeState>(Routes.MyCode)).Proof;
        Assert.Equal("inconclusive", proof.Test!.Result);
        Assert.InRange(proof.Test.Sampled, now.AddHours(-5.1), now.AddHours(-4.9));
        Assert.Equal(2, proof.Vaccination!.Doses);
        Assert.Null(proof.Pass);
    }
}
