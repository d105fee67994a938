using HealthCode.Domain;

namespace HealthCode.Api;

/// <summary>A named cause for which a request is refused: its type on the wire, its HTTP status, what happened, what to do.</summary>
/// <param name="Name">Stable; the problem's <c>type</c> is <c>urn:healthcode:problem:NAME</c>.</param>
public sealed record Refusal(string Name, int Status, Text Title, Text WhatToDo)
{
    public string Type => Refusals.TypePrefix + Name;
}

/// <summary>The body of every refusal, <c>application/problem+json</c> (RFC 9457).</summary>
/// <param name="Field">The field that was wrong, as a JSON path, when one was.</param>
/// <param name="RetryAfterSeconds">With 429 and 503: when to come back.</param>
/// <param name="Problems">With <c>edition-invalid</c> and <c>cases-failed</c>: where in the text, all of them.</param>
public sealed record Problem(
    string Type, string Title, int Status, Text Message, Text WhatToDo, string? Field = null, string? Detail = null,
    int? RetryAfterSeconds = null, string? TraceId = null, IReadOnlyList<ProblemAt>? Problems = null);

/// <summary>Every refusal there is. <c>docs/reference/refusals.md</c> lists them, and a test compares the two.</summary>
public static class Refusals
{
    public const string TypePrefix = "urn:healthcode:problem:";

    public static readonly Refusal BodyMalformed = new("body-malformed", 400,
        new("请求内容不是有效的 JSON", "The body is not valid JSON"), new("请检查请求格式后重试", "Check the request and send it again"));

    public static readonly Refusal BodyTooLarge = new("body-too-large", 413,
        new("内容过大", "What was sent is too large"), new("请拆分后分次提交", "Split it and send the parts"));

    public static readonly Refusal FieldUnknown = new("field-unknown", 400,
        new("请求中有未知字段", "The request has a field that is not known here"), new("删除未知字段，或检查字段名的拼写", "Remove it, or check its spelling"));

    public static readonly Refusal FieldMissing = new("field-missing", 400,
        new("缺少必填字段", "A required field is missing"), new("请填写该字段", "Fill it in"));

    public static readonly Refusal FieldInvalid = new("field-invalid", 400,
        new("字段内容无效", "A field has a value that cannot be read"), new("请检查该字段的格式", "Check its format"));

    public static readonly Refusal TextTooLong = new("text-too-long", 400,
        new("文字过长", "A text is too long"), new("请缩短后重试", "Shorten it"));

    public static readonly Refusal IdempotencyKeyMissing = new("idempotency-key-missing", 400,
        new("缺少 Idempotency-Key 请求头", "The Idempotency-Key header is missing"), new("为每次提交生成一个键，重试时使用同一个键", "Make one key for each submission and send the same one when you try again"));

    public static readonly Refusal IdempotencyKeyReused = new("idempotency-key-reused", 409,
        new("该提交键已用于另一内容", "This submission key was used for something else"), new("请重新提交，使用新的键", "Submit again with a new key"));

    public static readonly Refusal RequestHeaderMissing = new("request-header-missing", 400,
        new("缺少 X-Requested-With 请求头", "The X-Requested-With header is missing"), new("由网页登录后的写请求须带 X-Requested-With: HealthCode", "Send X-Requested-With: HealthCode with every request that changes something"));

    public static readonly Refusal SignInRequired = new("sign-in-required", 401,
        new("请先登录", "Sign in first"), new("登录后重试", "Sign in and try again"));

    public static readonly Refusal NotAllowed = new("not-allowed", 403,
        new("您没有此项权限", "You may not do this"), new("如工作需要，请联系管理员", "If your work needs it, ask your administrator"));

    public static readonly Refusal NotFound = new("not-found", 404,
        new("没有找到", "Not found"), new("请检查地址", "Check the address"));

    public static readonly Refusal TooManyRequests = new("too-many-requests", 429,
        new("请求过于频繁", "Too many requests"), new("请稍后再试", "Wait and try again"));

    public static readonly Refusal PhoneInvalid = new("phone-invalid", 400,
        new("手机号格式不正确", "This is not a mobile number"), new("请输入 11 位手机号", "Enter the 11 digits of a mobile number"));

    public static readonly Refusal SignInCodeWrong = new("sign-in-code-wrong", 422,
        new("验证码不正确或已过期", "The code is wrong or has expired"), new("请检查短信，或重新获取验证码", "Check the message, or ask for a new code"));

    public static readonly Refusal MessagesUnavailable = new("messages-unavailable", 503,
        new("短信服务暂不可用", "Messages cannot be sent at the moment"), new("请稍后再试，或到社区办理", "Try again later, or go to your community office"));

    public static readonly Refusal StaffSignInWrong = new("staff-sign-in-wrong", 422,
        new("用户名或密码不正确", "User name or password is wrong"), new("请检查后重试；多次失败后账号会暂时锁定", "Check and try again; after several failures the account is locked for a while"));

    public static readonly Refusal NameInvalid = new("name-invalid", 400,
        new("姓名格式不正确", "This cannot be a name"), new("请按证件填写姓名，1 至 50 个字", "Enter the name as on the document, 1 to 50 characters"));

    public static readonly Refusal DocumentTypeUnknown = new("document-type-unknown", 400,
        new("证件类型未知", "This type of document is not known"), new("请从列表中选择", "Choose one from the list"));

    public static readonly Refusal DocumentTypeWrong = new("document-type-wrong", 400,
        new("这个号码属于另一种证件", "This number belongs to another type of document"), new("请对照证件选择类型", "Choose the type that your document has"));

    public static readonly Refusal DocumentNumberMalformed = new("document-number-malformed", 400,
        new("证件号码格式不正确", "The number does not have the form of this type of document"), new("请对照证件检查号码和证件类型", "Compare number and type with your document"));

    public static readonly Refusal DocumentBirthDateImpossible = new("document-birth-date-impossible", 400,
        new("证件号码中的出生日期不存在", "The date of birth in the number cannot be"), new("请对照证件检查号码", "Compare the number with your document"));

    public static readonly Refusal DocumentCheckDigitWrong = new("document-check-digit-wrong", 400,
        new("证件号码校验位不正确", "The number's check digit does not match"), new("请对照证件检查每一位数字", "Compare each digit with your document"));

    public static readonly Refusal AreaUnknown = new("area-unknown", 400,
        new("没有这个行政区划", "There is no such division"), new("请从列表中选择", "Choose one from the list"));

    public static readonly Refusal AreaNotDivided = new("area-not-divided", 422,
        new("这里不能添加小区或楼栋", "Nothing can be added below this area"), new("小区添加在社区（12 位代码）之下，楼栋添加在小区之下", "Compounds are added below a residents' committee (12 digits), buildings below a compound"));

    public static readonly Refusal AreaNameTaken = new("area-name-taken", 409,
        new("该名称已用于同一区域内的另一处", "Another area in the same place has this name"), new("请核对两种语言的名称", "Check the names in both languages"));

    public static readonly Refusal AreaFull = new("area-full", 409,
        new("编号已用完（最多 999 个）", "All 999 numbers below this area are taken"), new("请添加在另一社区或小区之下", "Add it below another committee or compound"));

    public static readonly Refusal DateImpossible = new("date-impossible", 400,
        new("日期不合理", "These dates cannot be"), new("结束不得早于开始，开始不得晚于今天，且不早于 2020 年", "The end may not be before the start, the start not after today, and nothing before 2020"));

    public static readonly Refusal StayInTheFuture = new("stay-in-the-future", 400,
        new("停留日期在未来", "The stay lies in the future"), new("只能申报已经开始的停留", "Report a stay once it has begun"));

    public static readonly Refusal DiagnosisInTheFuture = new("diagnosis-in-the-future", 400,
        new("诊断时间在未来", "The diagnosis lies in the future"), new("请检查诊断时间", "Check the moment of the diagnosis"));

    public static readonly Refusal SymptomUnknown = new("symptom-unknown", 400,
        new("症状代码未知", "This symptom is not known"), new("请使用参考页列出的代码", "Use the codes of the reference page"));

    public static readonly Refusal ContactUnknown = new("contact-unknown", 400,
        new("接触史的值未知", "This answer about contact is not known"), new("请填 no、yes 或 unsure", "Answer no, yes or unsure"));

    public static readonly Refusal TemperatureImpossible = new("temperature-impossible", 400,
        new("体温不合理", "This body temperature cannot be"), new("体温须在 34.0 至 43.0 ℃ 之间", "Give 34.0 to 43.0 °C"));

    public static readonly Refusal ConsentMissing = new("consent-missing", 422,
        new("未同意当前版本的知情同意书", "The consent text in force has not been agreed to"), new("请阅读并同意后提交；也可到社区书面办理", "Read it and agree, or apply on paper at your community office"));

    public static readonly Refusal IdentityNotConfirmed = new("identity-not-confirmed", 422,
        new("无法核实身份信息", "We could not confirm these details"), new("请检查姓名、证件和手机号；如已更换手机号，可请社区工作人员确认", "Check name, document and phone; if your phone has changed, ask a community worker to confirm it"));

    public static readonly Refusal RegisterUnavailable = new("register-unavailable", 503,
        new("实名核验服务暂不可用", "The real-name register cannot be reached"), new("请稍后再试，您填写的内容没有丢失", "Try again later; nothing you filled in is lost"));

    public static readonly Refusal NotApplied = new("not-applied", 409,
        new("您还没有申领健康码", "You have not applied for a code yet"), new("请先申领", "Apply first"));

    public static readonly Refusal PhoneChangeAnswered = new("phone-change-answered", 409,
        new("该申请已处理", "This request was answered already"), new("请刷新列表", "Reload the list"));

    public static readonly Refusal PhoneChangeNotInRegister = new("phone-change-not-in-register", 422,
        new("登记库中没有对应的身份", "Name and number do not belong together in the register"), new("只能拒绝；请申请人携带证件到场办理", "It can only be refused; ask the person to come with the document"));

    public static readonly Refusal ReasonMissing = new("reason-missing", 400,
        new("请写明理由", "Give a reason"), new("理由会记录，当事人可以看到", "It is kept, and the person concerned can read it"));

    public static readonly Refusal PlaceUnknown = new("place-unknown", 404,
        new("没有这个场所", "There is no such place"), new("请从列表中选择场所", "Choose a place from the list"));

    public static readonly Refusal PlaceExists = new("place-exists", 409,
        new("场所编号已被使用", "This place id is taken"), new("请换一个编号", "Choose another id"));

    public static readonly Refusal PlaceNotYours = new("place-not-yours", 403,
        new("您没有被分配到这个场所", "You do not work at this place"), new("请联系管理员分配", "Ask your administrator to assign you"));

    public static readonly Refusal TemperatureNeeded = new("temperature-needed", 422,
        new("本场所须测量体温", "This place asks for a temperature"), new("请测量并填写体温", "Take it and enter it"));

    public static readonly Refusal CodeNotOurs = new("code-not-a-code", 422,
        new("这不是健康码", "This is not a health code"), new("请对方打开健康码页面", "Ask the person to open their health code"));

    public static readonly Refusal CodeDamaged = new("code-damaged", 422,
        new("健康码不完整或已损坏", "The code is damaged or incomplete"), new("请重新扫描；屏幕调亮、码放平整", "Scan again, with a bright and even screen"));

    public static readonly Refusal CodeForeign = new("code-foreign", 422,
        new("这是其他地区的健康码", "This code was issued by another region"), new("请对方使用本地健康码，或由工作人员人工登记", "Ask for this region's code, or enter the person by hand"));

    public static readonly Refusal CodeKeyUnknown = new("code-key-unknown", 422,
        new("健康码的签名密钥未知", "The key of this code is not known"), new("请对方刷新健康码", "Ask the person to refresh the code"));

    public static readonly Refusal CodeForged = new("code-forged", 422,
        new("健康码是伪造的", "This code is forged"), new("不予通行，请按规定处理", "Do not let pass; follow your instructions"));

    public static readonly Refusal CodeNotYetValid = new("code-not-yet-valid", 422,
        new("健康码时间在未来", "The code is dated in the future"), new("请检查设备时间", "Check the clocks of both devices"));

    public static readonly Refusal CodeExpired = new("code-expired", 422,
        new("健康码已过期（可能是截图）", "The code has expired; it may be a picture"), new("请对方打开健康码页面，码会自动更新", "Ask the person to open the page; the code renews itself"));

    public static readonly Refusal StatusUnknown = new("status-unknown", 400,
        new("病例状态未知", "This state of a case is not known"), new("请使用 suspected、confirmed、asymptomatic、recovered 或 excluded", "Use suspected, confirmed, asymptomatic, recovered or excluded"));

    public static readonly Refusal LevelUnknown = new("level-unknown", 400,
        new("风险等级未知", "This risk level is not known"), new("请使用 low、medium 或 high", "Use low, medium or high"));

    public static readonly Refusal RiskUnknown = new("risk-unknown", 404,
        new("没有这条风险区记录", "There is no such risk period"), new("请刷新列表", "Reload the list"));

    public static readonly Refusal FileNotUtf8 = new("file-not-utf8", 400,
        new("文件不是 UTF-8 编码", "The file is not in UTF-8"), new("请另存为“CSV UTF-8”后重试", "Save it as \"CSV UTF-8\" and try again"));

    public static readonly Refusal ColumnsMissing = new("columns-missing", 400,
        new("文件缺少必需的列", "The file lacks columns"), new("第一行须有 area,level,from,until,reason", "The first line must name area,level,from,until,reason"));

    public static readonly Refusal RowsTooMany = new("rows-too-many", 413,
        new("行数过多", "The file has too many rows"), new("每个文件最多 10000 行，请拆分", "Split it into files of at most 10,000 rows"));

    public static readonly Refusal RowMalformed = new("row-malformed", 400,
        new("该行格式不正确", "This row cannot be read"), new("请检查引号和逗号；含逗号的内容须加引号", "Check quotes and commas; a text with a comma stands in quotes"));

    public static readonly Refusal RowRepeated = new("row-repeated", 409,
        new("前面已有同一地区、等级和开始时间的行", "An earlier row has the same area, level and beginning"), new("请只保留一行", "Keep one of them"));

    public static readonly Refusal EditionUnknown = new("edition-unknown", 404,
        new("没有这个方案版本", "There is no such edition"), new("请从列表中选择", "Choose one from the list"));

    public static readonly Refusal EditionInvalid = new("edition-invalid", 422,
        new("方案文本有错误", "The edition's text cannot be used"), new("请按所列行号逐一修正", "Mend each of the lines that are named"));

    public static readonly Refusal EditionExists = new("edition-exists", 409,
        new("已有同名的方案版本", "There is an edition with this id"), new("请为草案换一个 id；已批准的版本不可更改", "Give the draft another id; what was approved is not changed"));

    public static readonly Refusal EditionHasBegun = new("edition-has-begun", 409,
        new("该版本已经生效，不能撤回", "This edition is or was in force and cannot be withdrawn"), new("请起草并批准新的版本来取代它", "Draft and approve a new one to supersede it"));

    public static readonly Refusal CasesMissing = new("cases-missing", 422,
        new("草案没有案例", "The draft has no cases"), new("请至少写一个案例，说明逐日应有的颜色", "Write at least one: a history, day by day, with the expected colour"));

    public static readonly Refusal CasesFailed = new("cases-failed", 422,
        new("有案例未通过", "Some of its cases fail"), new("请修正方案或案例，再试一次", "Mend the rules or the cases, then try it again"));

    public static readonly Refusal NotTried = new("not-tried", 409,
        new("当前文本尚未试算", "It was not tried in exactly this text"), new("请先对全部人口试算", "Try it on the whole population first"));

    public static readonly Refusal SamePerson = new("same-person", 403,
        new("起草或最后修改的人不能批准", "Who wrote or last changed a draft may not approve it"), new("请另一位方案管理员批准", "Ask another plan officer"));

    public static readonly Refusal InForceInThePast = new("in-force-in-the-past", 422,
        new("生效时间在过去", "It would take force in the past"), new("请选择现在或以后的时间", "Choose now or a later moment"));

    public static readonly Refusal DraftUnknown = new("draft-unknown", 404,
        new("没有这个草案", "There is no such draft"), new("请刷新列表", "Reload the list"));

    public static readonly Refusal DraftChanged = new("draft-changed", 409,
        new("草案已被其他人保存", "Somebody saved this draft since you read it"), new("请重新打开草案，把您的修改并入", "Open it again and bring your changes in"));

    public static readonly Refusal DraftClosed = new("draft-closed", 409,
        new("草案已批准或作废", "This draft was approved or discarded"), new("请新建草案", "Begin a new one"));

    public static readonly Refusal WhatIfRunning = new("whatif-running", 409,
        new("正在进行另一次试算", "Another trial is running"), new("请等待其结束，或将其取消", "Wait for its end, or cancel it"));

    public static readonly Refusal PersonUnknown = new("person-unknown", 404,
        new("没有这个人的记录", "Nothing is known of this person"), new("请检查证件号码", "Check the document number"));

    public static readonly Refusal EvidenceUnknown = new("evidence-unknown", 404,
        new("没有这条记录", "There is no such evidence"), new("请刷新后重试", "Reload and try again"));

    public static readonly Refusal EvidenceNotCorrectable = new("evidence-not-correctable", 422,
        new("这条记录不能由您更正", "You may not correct this evidence"), new("参考页列出了谁可以更正哪类记录", "The reference page says who corrects what"));

    public static readonly Refusal KindUnknown = new("kind-unknown", 400,
        new("记录种类未知", "This kind of evidence cannot be entered here"), new("请使用参考页列出的种类", "Use one of the kinds of the reference page"));

    public static readonly Refusal SourceUnknown = new("source-unknown", 400,
        new("数据来源未知", "This source is not known"), new("请使用参考页列出的来源", "Use one of the sources of the reference page"));

    public static readonly Refusal SourceNotForKind = new("source-not-for-kind", 422,
        new("该来源不能上报这类记录", "This source does not report this kind of evidence"), new("请检查来源和种类", "Check source and kind"));

    public static readonly Refusal ChoiceUnknown = new("choice-unknown", 400,
        new("该字段的值未知", "This is none of the values of this field"), new("请使用参考页列出的值", "Use one of those on the reference page"));

    public static readonly Refusal MomentInTheFuture = new("moment-in-the-future", 400,
        new("时间在未来", "This moment lies in the future"), new("只能记录已经发生的事；请检查时间", "Only what has happened can be recorded; check the moment"));

    public static readonly Refusal ConfidenceImpossible = new("confidence-impossible", 400,
        new("可信度不合理", "This confidence cannot be"), new("可信度须为 1 至 100 的整数", "Give a whole number from 1 to 100"));

    public static readonly Refusal DoseImpossible = new("dose-impossible", 400,
        new("剂次不合理", "This dose cannot be"), new("剂次须为 1 至 9", "Give a whole number from 1 to 9"));

    public static readonly Refusal CountryUnknown = new("country-unknown", 400,
        new("国家或地区代码无效", "This is no code of a country abroad"), new("请使用三个大写字母的代码，例如 FRA", "Use three capital letters, as in FRA"));

    public static readonly Refusal PassHoursImpossible = new("pass-hours-impossible", 400,
        new("通行时长不合理", "A pass cannot be of this length"), new("须为 1 至 24 小时，且尚未结束", "Give 1 to 24 hours, not yet over"));

    public static readonly Refusal PassNotNeeded = new("pass-not-needed", 422,
        new("当前的规则不允许发放通行凭证", "The rules that hold allow no pass"), new("绿码无需凭证；有的规则不允许发放", "A green code needs none, and some rules allow none"));

    public static readonly Refusal PassGivenAlready = new("pass-given-already", 409,
        new("该人员 7 天内已有通行凭证", "This person was given a pass within 7 days"), new("凭证在 7 天内只能发放一次", "It can be given once in 7 days"));

    public static readonly Refusal LineTooLong = new("line-too-long", 400,
        new("该行过长", "This line is too long"), new("每行最多 4096 字节", "A line has at most 4,096 bytes"));

    public static readonly Refusal QuestionUnknown = new("question-unknown", 404,
        new("没有这个待核实的问题", "There is no such question for you"), new("请刷新页面", "Reload the page"));

    public static readonly Refusal QuestionAnswered = new("question-answered", 409,
        new("这个问题已经回答过了", "This question was answered already"), new("如答错，请联系社区工作人员更正", "If the answer was wrong, ask your community worker to correct it"));

    public static readonly Refusal DeletionHeld = new("deletion-held", 409,
        new("目前不能注销", "You cannot be deleted now"),
        new("黄码、红码的原因结束且待核实的问题回答之后方可注销；健康码页面写明了怎样结束", "First every reason for yellow or red must end, and every open question be answered; your code's page says how"));

    public static readonly Refusal StaffExists = new("staff-exists", 409,
        new("用户名已被使用", "This user name is taken"), new("请换一个用户名", "Choose another"));

    public static readonly Refusal PasswordWeak = new("password-weak", 422,
        new("密码太弱", "The password is too weak"), new("至少 12 个字符", "Use at least 12 characters"));

    public static readonly Refusal RoleUnknown = new("role-unknown", 400,
        new("角色未知", "This role is not known"), new("请使用参考页列出的角色", "Use the roles of the reference page"));

    public static readonly Refusal JournalUnavailable = new("journal-unavailable", 503,
        new("暂时无法保存，请稍后重试", "It cannot be kept at the moment"), new("请用同一提交键重试，不会重复", "Send it again with the same key; it will not count twice"));

    public static readonly Refusal Overloaded = new("overloaded", 503,
        new("当前使用人数过多，暂时无法办理", "Too many are asking at the moment"), new("请按提示的时间稍后重试，使用同一提交键", "Try again after the time that is given, with the same key"));

    public static readonly Refusal Failed = new("failed", 500,
        new("系统出错", "Something failed here"), new("请稍后重试；如反复出现，请提供追踪编号", "Try again later; if it happens again, give the trace id"));

    public static readonly IReadOnlyList<Refusal> All =
    [
        BodyMalformed, BodyTooLarge, FieldUnknown, FieldMissing, FieldInvalid, TextTooLong, IdempotencyKeyMissing,
        IdempotencyKeyReused, RequestHeaderMissing, SignInRequired, NotAllowed, NotFound, TooManyRequests, PhoneInvalid,
        SignInCodeWrong, MessagesUnavailable, StaffSignInWrong, NameInvalid, DocumentTypeUnknown, DocumentTypeWrong,
        DocumentNumberMalformed, DocumentBirthDateImpossible, DocumentCheckDigitWrong, AreaUnknown, AreaNotDivided,
        AreaNameTaken, AreaFull, DateImpossible, StayInTheFuture, DiagnosisInTheFuture, SymptomUnknown, ContactUnknown,
        TemperatureImpossible, ConsentMissing, IdentityNotConfirmed, RegisterUnavailable, NotApplied, PhoneChangeAnswered,
        PhoneChangeNotInRegister, ReasonMissing, PlaceUnknown, PlaceExists, PlaceNotYours, TemperatureNeeded, CodeNotOurs,
        CodeDamaged, CodeForeign, CodeKeyUnknown, CodeForged, CodeNotYetValid, CodeExpired, StatusUnknown, LevelUnknown,
        RiskUnknown, FileNotUtf8, ColumnsMissing, RowsTooMany, RowMalformed, RowRepeated,
        EditionUnknown, EditionInvalid, EditionExists, EditionHasBegun, CasesMissing, CasesFailed, NotTried, SamePerson,
        InForceInThePast, DraftUnknown, DraftChanged, DraftClosed, WhatIfRunning, PersonUnknown, EvidenceUnknown,
        EvidenceNotCorrectable, KindUnknown, SourceUnknown, SourceNotForKind, ChoiceUnknown, MomentInTheFuture,
        ConfidenceImpossible, DoseImpossible, CountryUnknown, PassHoursImpossible, PassNotNeeded, PassGivenAlready, LineTooLong,
        QuestionUnknown, QuestionAnswered, DeletionHeld, StaffExists, PasswordWeak, RoleUnknown, JournalUnavailable, Overloaded, Failed,
    ];
}
