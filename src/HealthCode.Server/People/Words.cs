using System.Globalization;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Areas;
using HealthCode.Server.Places;
using HealthCode.Server.Plans;
using HealthCode.Storage;

namespace HealthCode.Server.People;

/// <summary>Turns decisions and evidence into what people read, in both languages.</summary>
internal sealed class Words(PlanBoard plans, AreaDirectory areas, PlaceDirectory places)
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

    public IReadOnlyList<ReasonState> ReasonsOf(Decided decided) => [.. decided.Reasons.Select(held => ReasonOf(held, RuleOf(decided, held.Rule)))];

    /// <summary>A rule by its number in the edition that decided.</summary>
    public Rule RuleOf(Decided decided, string number) => plans.Current.Find(decided.Edition)!.Edition.Rules.First(rule => rule.Number == number);

    public static string ColourOf(Colour colour) => colour.ToString().ToLowerInvariant();

    public static DateTimeOffset? Moment(Minute minute) => minute.IsNever ? null : minute.ToDateTimeOffset().ToOffset(China);

    private ReasonState ReasonOf(HeldRule held, Rule rule)
    {
        var earliest = held.EarliestEnd is { } day ? Moment(new Day(day).Start) : null;
        return new ReasonState(
            rule.Number, ColourOf(rule.Colour), rule.Title, rule.Explanation, rule.Owner, rule.Source,
            held.Evidence.Length > 0 ? Describe(EvidenceCodec.Decode(held.Evidence)[0]) : NothingReported(new(held.Since)),
            Moment(new(held.Since))!.Value, Moment(new(held.Until)), earliest, rule.End,
            [.. rule.Ends.Zip(held.Endings, (ending, progress) => PlanText.Of(progress.For(ending)))], rule.WhatToDo);
    }

    public IReadOnlyList<QuestionState> QuestionsOf(Decided decided) => [.. decided.Questions.Select(asked => QuestionOf(asked, RuleOf(decided, asked.Rule)))];

    private QuestionState QuestionOf(AskedStay asked, Rule rule)
    {
        var stay = (Stay)EvidenceCodec.Decode(asked.Stay)[0];
        return new QuestionState(
            stay.Id.ToString(), areas.NameOf(stay.Area), Day.Of(stay.Happened).ToDateOnly(),
            stay.Until.IsNever ? null : LastDay(stay).ToDateOnly(), SourceOf(stay), stay.Confidence, rule.Number, rule.Title, ColourOf(rule.Colour),
            Moment(new(asked.Until))!.Value);
    }

    public static ProofState ProofOf(ShownCode shown)
    {
        var proof = shown.Proof.Length == 0 ? [] : EvidenceCodec.Decode(shown.Proof);
        return new ProofState(
            proof.OfType<Test>().Select(test => new TestState(
                test.Result.ToString().ToLowerInvariant(), Moment(test.Happened)!.Value, test.Institution)).SingleOrDefault(),
            proof.OfType<Vaccination>().Select(dose => new DoseState(dose.Dose, Moment(dose.Happened)!.Value)).SingleOrDefault(),
            proof.OfType<Pass>().Select(pass => new PassState(Moment(pass.Until)!.Value, pass.Purpose)).SingleOrDefault());
    }

    private static Text NothingReported(Minute since) =>
        new($"至 {Day.Of(since).Plus(-1)} 未健康打卡", $"No health report up to {Day.Of(since).Plus(-1)}");

    /// <param name="correctable">Whether the reader may withdraw it.</param>
    public EvidenceState StateOf(Evidence evidence, PersonRecord record, bool correctable = false)
    {
        var (title, detail) = TitleOf(evidence);
        var withdrawn = record.IsWithdrawn(evidence.Id);
        return new EvidenceState(
            evidence.Id.ToString(), evidence.Kind.ToString().ToLowerInvariant(), Moment(evidence.Happened)!.Value,
            Moment(evidence.Received)!.Value, title, detail, SourceOf(evidence), EnteredBy(evidence), withdrawn, correctable && !withdrawn);
    }

    /// <summary>A sentence with the date: what held the rule.</summary>
    private Text Describe(Evidence evidence)
    {
        var (title, detail) = TitleOf(evidence);
        var when = Clock(evidence.Happened);
        return detail is null ? new($"{when} {title.Zh}", $"{when} {title.En}")
            : new($"{when} {title.Zh}：{detail.Zh}", $"{when} {title.En}: {detail.En}");
    }

    private (Text Title, Text? Detail) TitleOf(Evidence evidence) => evidence switch
    {
        Declaration declaration => (new("健康申报", "Health report"), DetailOf(declaration)),
        Stay stay => (new("停留", "Stay"), DetailOf(stay)),
        Visit visit => (new("场所扫码", "Code checked"), DetailOf(visit)),
        Diagnosis diagnosis => (Title(PlanText.Of(diagnosis.Status)), new(diagnosis.Institution, diagnosis.Institution)),
        Correction correction => (new("信息更正", "Correction"), Same(correction.Reason)),
        Journey journey => (ModeName(journey.Mode), DetailOf(journey)),
        Test test => (new($"核酸检测{PlanText.Of(test.Result).Zh}", $"Test: {PlanText.Of(test.Result).En}"), Same(test.Institution)),
        Vaccination vaccination => (new($"接种新冠疫苗第 {vaccination.Dose} 剂", $"Vaccination, dose {vaccination.Dose}"), Same(vaccination.Vaccine)),
        Contact contact => (Title(PlanText.Of(contact.Degree)), Same(contact.Circumstance)),
        Order order => (Title(PlanText.Of(order.Ordered)), new($"{order.Institution}，依据：{order.Basis}", $"{order.Institution}, by {order.Basis}")),
        Release release => (ReleaseName(release.Released), Same(release.Institution)),
        Arrival arrival => (new("入境", "Arrival from abroad"), DetailOf(arrival)),
        Recognition recognition => (DetailOf(recognition.Issuer, recognition.Colour), Same(recognition.Reason)),
        Answer answer => (
            new("停留核实", "Answer about a stay"), answer.WasThere ? new("本人当时在该地", "I was there") : new("本人当时不在该地", "I was not there")),
        Pass pass => (new("限时通行凭证", "Time-limited pass"), DetailOf(pass)),
        _ => (new("记录", "Record"), null),
    };

    private static Text Same(string text) => new(text, text);

    // The words of the plan, where they begin a line.
    private static Text Title(Text text) => text with { En = char.ToUpperInvariant(text.En[0]) + text.En[1..] };

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

    // What is less than sure is said with how sure it is: a mast near a border is not presence.
    private Text DetailOf(Stay stay)
    {
        var from = Day.Of(stay.Happened);
        var (zh, en) = areas.NameOf(stay.Area);
        var (sureZh, sureEn) = stay.Confidence < 100 ? ($"（可信度 {stay.Confidence}%）", $" ({stay.Confidence} % sure)") : ("", "");
        if (stay.Until.IsNever)
            return new($"{zh}，{from} 起{sureZh}", $"{en}, since {from}{sureEn}");
        var until = LastDay(stay);
        return until == from ? new($"{zh}，{from}{sureZh}", $"{en}, {from}{sureEn}")
            : new($"{zh}，{from} 至 {until}{sureZh}", $"{en}, {from} to {until}{sureEn}");
    }

    private static Day LastDay(Stay stay) => Day.Of(new Minute(stay.Until.Value - 1));

    private Text DetailOf(Journey journey)
    {
        var (from, to) = (areas.NameOf(journey.From), areas.NameOf(journey.To));
        var (carriage, seat) = (journey.Carriage, journey.Seat);
        return new(
            $"{journey.Number}，{from.Zh} 至 {to.Zh}，{Clock(journey.Until)} 到达"
                + (carriage is null ? "" : $"，{carriage} 车厢") + (seat is null ? "" : $"，座位 {seat}"),
            $"{journey.Number}, {from.En} to {to.En}, arrived {Clock(journey.Until)}"
                + (carriage is null ? "" : $", carriage {carriage}") + (seat is null ? "" : $", seat {seat}"));
    }

    private Text DetailOf(Arrival arrival)
    {
        var port = areas.NameOf(arrival.Port);
        return new($"来自 {arrival.Country}，入境口岸：{port.Zh}", $"from {arrival.Country}, entered at {port.En}");
    }

    private Text DetailOf(AreaCode issuer, Colour colour)
    {
        var (region, says) = (areas.NameOf(issuer), PlanText.Of(colour));
        return new($"{region.Zh}认定为{says.Zh}", $"{region.En} says {says.En}");
    }

    private static Text DetailOf(Pass pass) => new(
        $"{pass.Purpose}，至 {Clock(pass.Until)}", $"{pass.Purpose}, until {Clock(pass.Until)}");

    private static string Clock(Minute minute) => Moment(minute)!.Value.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private Text DetailOf(Visit visit)
    {
        var name = places.NameOf(visit.Place) ?? new(visit.Place, visit.Place);
        return visit.TemperatureTenths == 0 ? name
            : new($"{name.Zh}，体温 {Degrees(visit.TemperatureTenths)} ℃", $"{name.En}, {Degrees(visit.TemperatureTenths)} °C");
    }

    private static string Degrees(short tenths) => (tenths / 10m).ToString("0.0", CultureInfo.InvariantCulture);

    public static Text KindName(EvidenceKind kind) => kind switch
    {
        EvidenceKind.Stay => new("停留", "stay"),
        EvidenceKind.Journey => new("行程", "journey"),
        EvidenceKind.Test => new("核酸检测", "test"),
        EvidenceKind.Vaccination => new("疫苗接种", "vaccination"),
        EvidenceKind.Contact => new("接触", "contact"),
        EvidenceKind.Order => new("隔离或监测", "order"),
        EvidenceKind.Release => new("解除", "release"),
        EvidenceKind.Arrival => new("入境", "arrival"),
        EvidenceKind.Recognition => new("其他地区认定", "another region's word"),
        EvidenceKind.Pass => new("限时通行凭证", "pass"),
        _ => new("记录", "record"),
    };

    private static Text ModeName(JourneyMode mode) => mode switch
    {
        JourneyMode.Train => new("乘坐火车", "Train"),
        JourneyMode.Flight => new("乘坐飞机", "Flight"),
        JourneyMode.Coach => new("乘坐长途汽车", "Coach"),
        _ => new("乘坐轮船", "Ship"),
    };

    private static Text ReleaseName(OrderKind kind) => kind == OrderKind.Health
        ? new("健康确认", "Confirmed to be healthy") : new($"解除{PlanText.Of(kind).Zh}", $"{Title(PlanText.Of(kind)).En} ended");

    /// <summary>Who reported it, in words.</summary>
    public static Text SourceOf(Evidence evidence) => evidence.Source switch
    {
        Source.Resident => new("本人", "The person"),
        Source.Checkpoint => new("场所查验点", "Checkpoint"),
        Source.CommunityWorker => new("社区工作人员", "Community worker"),
        Source.Telecom => new("电信运营商", "Telecom operator"),
        Source.Railway => new("铁路部门", "Railway"),
        Source.Airline => new("航空公司", "Airline"),
        Source.Coach => new("客运公司", "Coach operator"),
        Source.Laboratory => new("检测机构", "Laboratory"),
        Source.Hospital => new("医院", "Hospital"),
        Source.BorderControl => new("出入境边防", "Border control"),
        Source.Region => new("其他地区", "Another region"),
        Source.Tracing => new("密接追踪", "Contact tracing"),
        _ => new("疾控流调人员", "Disease control"),
    };

    // At a door the place is what matters to the person; whoever stood there is a colleague among many.
    private static string? EnteredBy(Evidence evidence) => evidence is Visit ? null : evidence.EnteredBy;
}
