namespace HealthCode.Domain;

/// <summary>What an edition says in its structure, in words: for the rule book, for a reason's card, for the command line.</summary>
/// <remarks>The officer's own words explain; these are the very thing that decides, so the two can be compared.</remarks>
public static class PlanText
{
    private static readonly Dictionary<DiagnosisStatus, Text> Statuses = new()
    {
        [DiagnosisStatus.Suspected] = new("疑似病例", "suspected case"), [DiagnosisStatus.Confirmed] = new("确诊病例", "confirmed case"),
        [DiagnosisStatus.Asymptomatic] = new("无症状感染者", "asymptomatic infection"), [DiagnosisStatus.Recovered] = new("治愈出院", "recovered"),
        [DiagnosisStatus.Excluded] = new("已排除", "excluded"),
    };

    private static readonly Dictionary<ContactKind, Text> Contacts = new()
    {
        [ContactKind.Close] = new("密切接触者", "close contact"), [ContactKind.Secondary] = new("密接的密接", "contact of a close contact"),
        [ContactKind.SameVehicle] = new("同乘人员", "same vehicle as a case"), [ContactKind.TimeSpace] = new("时空伴随", "same time and place as a case"),
        [ContactKind.General] = new("一般接触者", "general contact"),
    };

    private static readonly Dictionary<OrderKind, Text> Orders = new()
    {
        [OrderKind.CentralIsolation] = new("集中隔离", "central isolation"), [OrderKind.HomeIsolation] = new("居家隔离", "home isolation"),
        [OrderKind.Monitoring] = new("健康监测", "health monitoring"), [OrderKind.Health] = new("卫健部门确认健康", "confirmation of health by the authority"),
    };

    private static readonly Dictionary<RiskLevel, Text> Levels = new()
    {
        [RiskLevel.Low] = new("低风险", "low risk"), [RiskLevel.Medium] = new("中风险", "medium risk"), [RiskLevel.High] = new("高风险", "high risk"),
    };

    private static readonly Dictionary<TestResult, Text> Results = new()
    {
        [TestResult.Negative] = new("阴性", "negative"), [TestResult.Positive] = new("阳性", "positive"), [TestResult.Inconclusive] = new("待复核", "not yet certain"),
    };

    private static readonly Dictionary<Colour, Text> ColourNames = new()
    {
        [Colour.Green] = new("绿码", "green"), [Colour.Yellow] = new("黄码", "yellow"), [Colour.Red] = new("红码", "red"),
    };

    public static Text Of(DiagnosisStatus status) => Statuses[status];

    public static Text Of(ContactKind degree) => Contacts[degree];

    public static Text Of(OrderKind kind) => Orders[kind];

    public static Text Of(RiskLevel level) => Levels[level];

    public static Text Of(TestResult result) => Results[result];

    public static Text Of(Colour colour) => ColourNames.GetValueOrDefault(colour) ?? new("未知", "unknown");

    /// <summary>What holds a rule.</summary>
    public static Text Of(Condition condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        var main = condition.Kind switch
        {
            ConditionKind.Diagnosis => Join(Statuses, condition.Details, "最新诊断：", "latest diagnosis: "),
            ConditionKind.StayAtRisk => StayText(condition),
            ConditionKind.StayIn => Confidence(condition, new(
                "停留过：" + string.Join("、", condition.Areas.Select(Divisions.BuiltIn.NameOf)),
                "a stay in " + string.Join(" or ", condition.Areas.Select(Divisions.BuiltIn.EnglishNameOf)))),
            ConditionKind.DeclaredSymptoms => new("申报有症状或发热", "declared symptoms or a fever"),
            ConditionKind.DeclaredContact => new("申报接触过病例", "declared contact with a case"),
            ConditionKind.Contact => Join(Contacts, condition.Details, "", ""),
            ConditionKind.Order => Join(Orders, condition.Details, "尚未解除的：", "not yet released: "),
            ConditionKind.Test => Join(Results, condition.Details, "核酸检测：", "nucleic acid test: "),
            ConditionKind.Arrival => new("从境外入境", "arrival from abroad"),
            ConditionKind.JourneyFromOutside => new("乘交通工具从本地区以外到达", "a journey into the region from outside"),
            ConditionKind.JourneyFromRisk => Join(Levels, condition.Details, "乘交通工具来自：", "a journey from an area of "),
            ConditionKind.Recognition => Join(ColourNames, condition.Details, "其他地区认定：", "another region says: "),
            _ => new($"连续 {condition.Days} 天未健康打卡", $"no health report for {condition.Days} days"),
        };
        if (condition.WithinDays > 0)
            main = new($"{main.Zh}（{condition.WithinDays} 天内）", $"{main.En}, within {condition.WithinDays} days");
        return condition.FewerDosesThan == 0 ? main
            : new($"{main.Zh}（接种少于 {condition.FewerDosesThan} 剂者）", $"{main.En}, for people with fewer than {condition.FewerDosesThan} doses of vaccine");
    }

    /// <summary>What ends a rule.</summary>
    public static Text Of(Ending ending)
    {
        ArgumentNullException.ThrowIfNull(ending);
        return Together(Parts(ending));
    }

    /// <summary>What ends a rule, each part with how far it has come.</summary>
    public static Text Of(EndingProgress progress)
    {
        var ending = progress.Ending;
        var parts = Parts(ending).ToList();
        var index = 0;
        if (ending.Days > 0)
            parts[index++] = With(parts[0], $"至 {Moment(progress.DaysEnd)}", $"on {Moment(progress.DaysEnd)}");
        if (ending.Reports > 0)
            parts[index] = With(parts[index++], $"已完成 {progress.ReportsDone} 天", $"{progress.ReportsDone} done");
        if (ending.Tests is not null)
            parts[index] = With(parts[index++], $"已完成 {progress.TestsDone} 次", $"{progress.TestsDone} done");
        if (ending.Releases != 0 && progress.Released)
            parts[index] = With(parts[index], "已解除", "done");
        if (ending.Statuses != 0 && progress.Diagnosed)
            parts[^1] = With(parts[^1], "已确认", "done");
        return Together(parts);
    }

    private static IEnumerable<Text> Parts(Ending ending)
    {
        if (ending.Days > 0)
            yield return new($"满 {ending.Days} 天", $"{ending.Days} days have passed");
        if (ending.Reports > 0)
            yield return new($"连续 {ending.Reports} 天健康打卡正常", $"{ending.Reports} normal daily reports in a row");
        if (ending.Tests is { } tests)
            yield return TestsText(tests);
        if (ending.Releases != 0)
            yield return Join(Orders, ending.Releases, "解除：", "release from ");
        if (ending.Statuses != 0)
            yield return Join(Statuses, ending.Statuses, "诊断为：", "diagnosis: ");
    }

    private static Text TestsText(TestsNeeded tests)
    {
        if (tests.OnDays.Length > 0)
        {
            var days = string.Join(", ", tests.OnDays);
            return new($"第 {days.Replace(", ", "、", StringComparison.Ordinal)} 天核酸检测阴性", $"negative tests on days {days}");
        }
        var (zh, en) = ($"{tests.Count} 次核酸检测阴性", tests.Count == 1 ? "a negative test" : $"{tests.Count} negative tests");
        if (tests.WithinDays > 0)
            (zh, en) = ($"{tests.WithinDays} 天内 {zh}", $"{en} within {tests.WithinDays} days");
        if (tests.ApartHours > 0)
            (zh, en) = ($"{zh}，每次间隔 {tests.ApartHours} 小时以上", $"{en}, at least {tests.ApartHours} hours apart");
        if (tests.FromDay > 0)
            (zh, en) = ($"{zh}，第 {tests.FromDay} 天起采样", $"{en}, sampled from day {tests.FromDay} on");
        return new(zh, en);
    }

    private static Text StayText(Condition condition)
    {
        var levels = Join(Levels, condition.Details, "", "");
        return Confidence(condition, condition.LevelNow
            ? new($"停留过的地区现为{levels.Zh}地区", $"a stay in an area that is now at {levels.En}")
            : new($"停留期间该地区为{levels.Zh}地区", $"a stay in an area while it was at {levels.En}"));
    }

    private static Text Confidence(Condition condition, Text main)
    {
        var (zh, en) = ($"{main.Zh}；数据可信度 {condition.ConfidenceMin}% 以上", $"{main.En}; the source at least {condition.ConfidenceMin} % sure");
        if (condition.SourcesMin > 0)
            (zh, en) = ($"{zh}，或 {condition.SourcesMin} 个来源一致", $"{en}, or {condition.SourcesMin} sources that agree");
        if (condition.MinutesMin > 1)
            (zh, en) = ($"{zh}；停留 {condition.MinutesMin} 分钟以上", $"{en}; for at least {condition.MinutesMin} minutes");
        return new(zh, en);
    }

    private static Text Join<T>(Dictionary<T, Text> names, uint bits, string zh, string en) where T : struct, Enum, IConvertible
    {
        var named = names.Where(pair => (bits & (1u << pair.Key.ToInt32(null))) != 0).Select(pair => pair.Value).ToList();
        return new(zh + string.Join("、", named.Select(name => name.Zh)), en + string.Join(" or ", named.Select(name => name.En)));
    }

    private static Text With(Text part, string zh, string en) => new($"{part.Zh}（{zh}）", $"{part.En} ({en})");

    private static Text Together(IEnumerable<Text> parts)
    {
        var all = parts.ToList();
        return new(string.Join("，且", all.Select(part => part.Zh)), string.Join(", and ", all.Select(part => part.En)));
    }

    // China keeps UTC+8.
    private static string Moment(Minute minute) =>
        minute.ToDateTimeOffset().ToOffset(TimeSpan.FromHours(8)).ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture);
}
