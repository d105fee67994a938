using System.Globalization;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Places;
using HealthCode.Server.Plans;
using HealthCode.Storage;

namespace HealthCode.Server.People;

/// <summary>Turns decisions and evidence into what people read, in both languages.</summary>
internal sealed class Words(PlanBoard plans, Divisions divisions, PlaceDirectory places)
{
    private static readonly Dictionary<Symptoms, Text> SymptomNames = new()
    {
        [Symptoms.Fever] = new("发热", "fever"), [Symptoms.DryCough] = new("干咳", "dry cough"), [Symptoms.Fatigue] = new("乏力", "fatigue"),
        [Symptoms.Breathless] = new("呼吸困难", "shortness of breath"), [Symptoms.SoreThroat] = new("咽痛", "sore throat"),
        [Symptoms.Diarrhoea] = new("腹泻", "diarrhoea"), [Symptoms.Other] = new("其他症状", "another symptom"),
    };

    public EditionState EditionOf(Decided decided) => EditionOf(plans.Current.Find(decided.Edition)!);

    public static EditionState EditionOf(Enacted enacted) => new(
        enacted.Edition.Id, enacted.Edition.Title, enacted.Edition.Region, Moment(enacted.InForceFrom)!.Value, enacted.Edition.Source);

    private static readonly TimeSpan China = TimeSpan.FromHours(8);

    public IReadOnlyList<ReasonState> ReasonsOf(Decided decided)
    {
        var edition = plans.Current.Find(decided.Edition)!.Edition;
        return [.. decided.Reasons.Select(held => ReasonOf(held, edition))];
    }

    public static string ColourOf(Colour colour) => colour.ToString().ToLowerInvariant();

    public static DateTimeOffset? Moment(Minute minute) => minute.IsNever ? null : minute.ToDateTimeOffset().ToOffset(China);

    private ReasonState ReasonOf(HeldRule held, PlanEdition edition)
    {
        var rule = edition.Rules.First(rule => rule.Number == held.Rule);
        var earliest = held.EarliestEnd is { } day ? Moment(new Day(day).Start) : null;
        return new ReasonState(
            rule.Number, ColourOf(rule.Colour), rule.Title, rule.Explanation, rule.Owner, rule.Source,
            held.Evidence.Length > 0 ? Describe(EvidenceCodec.Decode(held.Evidence)[0]) : NothingReported(new(held.Since)),
            Moment(new(held.Since))!.Value, Moment(new(held.Until)), earliest, rule.End,
            [.. rule.Ends.Zip(held.Endings, (ending, progress) => PlanText.Of(progress.For(ending)))], rule.WhatToDo);
    }

    private static Text NothingReported(Minute since) =>
        new($"至 {Day.Of(since).Plus(-1)} 未健康打卡", $"No health report up to {Day.Of(since).Plus(-1)}");

    public EvidenceState StateOf(Evidence evidence, PersonRecord record)
    {
        var (title, detail) = TitleOf(evidence);
        return new EvidenceState(
            evidence.Id.ToString(), evidence.Kind.ToString().ToLowerInvariant(), Moment(evidence.Happened)!.Value,
            Moment(evidence.Received)!.Value, title, detail, SourceOf(evidence), record.IsWithdrawn(evidence.Id));
    }

    /// <summary>A sentence with the date: what held the rule.</summary>
    private Text Describe(Evidence evidence)
    {
        var (title, detail) = TitleOf(evidence);
        var when = Moment(evidence.Happened)!.Value.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        return detail is null ? new($"{when} {title.Zh}", $"{when} {title.En}")
            : new($"{when} {title.Zh}：{detail.Zh}", $"{when} {title.En}: {detail.En}");
    }

    private (Text Title, Text? Detail) TitleOf(Evidence evidence) => evidence switch
    {
        Declaration declaration => (new("健康申报", "Health report"), DetailOf(declaration)),
        Stay stay => (new("停留", "Stay"), DetailOf(stay)),
        Visit visit => (new("场所扫码", "Code checked"), DetailOf(visit)),
        Diagnosis diagnosis => (StatusName(diagnosis.Status), new(diagnosis.Institution, diagnosis.Institution)),
        Correction correction => (new("信息更正", "Correction"), new(correction.Reason, correction.Reason)),
        _ => (new("记录", "Record"), null),
    };

    private static Text DetailOf(Declaration declaration)
    {
        var names = SymptomNames.Where(pair => declaration.Symptoms.HasFlag(pair.Key)).Select(pair => pair.Value).ToList();
        var zh = names.Count == 0 ? "无症状" : string.Join("、", names.Select(name => name.Zh));
        var en = names.Count == 0 ? "no symptoms" : string.Join(", ", names.Select(name => name.En));
        if (declaration.TemperatureTenths > 0)
        {
            var degrees = Degrees(declaration.TemperatureTenths);
            (zh, en) = ($"{zh}，{degrees} ℃", $"{en}, {degrees} °C");
        }
        return declaration.Contact switch
        {
            DeclaredContact.Yes => new(zh + "，接触过病例", en + ", contact with a case"),
            DeclaredContact.Unsure => new(zh + "，不确定是否接触过病例", en + ", unsure about contact with a case"),
            _ => new(zh, en),
        };
    }

    private Text DetailOf(Stay stay)
    {
        var from = Day.Of(stay.Happened);
        var (zh, en) = (divisions.NameOf(stay.Area), divisions.EnglishNameOf(stay.Area));
        if (stay.Until.IsNever)
            return new($"{zh}，{from} 起", $"{en}, since {from}");
        var until = Day.Of(new Minute(stay.Until.Value - 1));
        return new($"{zh}，{from} 至 {until}", $"{en}, {from} to {until}");
    }

    private Text DetailOf(Visit visit)
    {
        var name = places.NameOf(visit.Place) ?? new(visit.Place, visit.Place);
        return visit.TemperatureTenths == 0 ? name
            : new($"{name.Zh}，体温 {Degrees(visit.TemperatureTenths)} ℃", $"{name.En}, {Degrees(visit.TemperatureTenths)} °C");
    }

    private static string Degrees(short tenths) => (tenths / 10m).ToString("0.0", CultureInfo.InvariantCulture);

    public static Text StatusName(DiagnosisStatus status) => status switch
    {
        DiagnosisStatus.Suspected => new("疑似病例", "Suspected case"),
        DiagnosisStatus.Confirmed => new("确诊病例", "Confirmed case"),
        DiagnosisStatus.Asymptomatic => new("无症状感染者", "Asymptomatic infection"),
        DiagnosisStatus.Recovered => new("治愈出院", "Recovered"),
        _ => new("已排除", "Excluded"),
    };

    private static Text SourceOf(Evidence evidence) => evidence.Source switch
    {
        Source.Resident => new("本人", "Yourself"),
        Source.Checkpoint => new("场所查验点", "Checkpoint"),
        Source.CommunityWorker => new("社区工作人员", "Community worker"),
        _ => new("疾控流调人员", "Disease control"),
    };
}
