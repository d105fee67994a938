using System.Globalization;
using HealthCode.Api;
using HealthCode.Domain;

namespace HealthCode.Server.Security;

/// <summary>Reads the words of the wire into the domain's values; each returns the refusal, or null when all is well.</summary>
internal static class Fields
{
    /// <summary>Nothing that speaks of the region lies before this day.</summary>
    private static readonly DateOnly Earliest = new(2020, 1, 2);

    private static readonly string[] MomentsInChina =
        ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss"];

    private static readonly string[] MomentsWithOffset =
    [
        "yyyy-MM-dd'T'HH:mmzzz", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz",
        "yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'",
    ];

    public static Refused? Document(string? type, string? number, Day today, out IdentityDocument document)
    {
        document = null!;
        if (!Spelling.TryRead<DocumentType>(type, out var known))
            return Refuse.With(Refusals.DocumentTypeUnknown, "documentType");
        if (IdentityDocument.TryParse(known, number, today.ToDateOnly(), out var parsed, out var refusal))
        {
            document = parsed;
            return null;
        }
        return Refuse.With(
            refusal switch
            {
                DocumentRefusal.NumberOfAnotherType => Refusals.DocumentTypeWrong,
                DocumentRefusal.NumberMissing => Refusals.FieldMissing,
                DocumentRefusal.NumberTooLong => Refusals.TextTooLong,
                DocumentRefusal.BirthDateImpossible => Refusals.DocumentBirthDateImpossible,
                DocumentRefusal.CheckDigitWrong => Refusals.DocumentCheckDigitWrong,
                _ => Refusals.DocumentNumberMalformed,
            },
            "documentNumber");
    }

    public static Refused? Name(string? text, out PersonName name)
    {
        var fine = PersonName.TryParse(text, out var parsed, out _);
        name = parsed!;
        return fine ? null : Refuse.With(Refusals.NameInvalid, "name");
    }

    public static Refused? Phone(string? text, out PhoneNumber phone)
    {
        var fine = PhoneNumber.TryParse(text, out var parsed, out _);
        phone = parsed!;
        return fine ? null : Refuse.With(Refusals.PhoneInvalid, "phone");
    }

    public static Refused? SymptomsOf(IReadOnlyList<string>? codes, out Symptoms symptoms)
    {
        symptoms = Symptoms.None;
        // An empty list says that there are none; no list says nothing.
        if (codes is null)
            return Refuse.With(Refusals.FieldMissing, "symptoms");
        foreach (var code in codes)
        {
            if (!Spelling.TryRead<Symptoms>(code, out var symptom) || symptom == Symptoms.None)
                return Refuse.With(Refusals.SymptomUnknown, "symptoms");
            symptoms |= symptom;
        }
        return null;
    }

    public static Refused? ContactOf(string? text, out DeclaredContact contact)
    {
        var known = Spelling.TryRead(text, out contact);
        if (text is null)
            return Refuse.With(Refusals.FieldMissing, "contact");
        return known ? null : Refuse.With(Refusals.ContactUnknown, "contact");
    }

    /// <summary>34.0 to 43.0 °C into tenths; absent is 0.</summary>
    public static Refused? Temperature(decimal? degrees, out short tenths)
    {
        tenths = (short)Math.Round(Math.Clamp(degrees ?? 0, 0, 99) * 10);
        return degrees is null or (>= 34m and <= 43m) ? null : Refuse.With(Refusals.TemperatureImpossible, "temperature");
    }

    public static Refused? Level(string? text, out RiskLevel level) =>
        Spelling.TryRead(text, out level) ? null : Refuse.With(Refusals.LevelUnknown, "level");

    /// <param name="depthMin">Digits that must be given: 6 = a county.</param>
    public static Refused? Area(Divisions divisions, string? code, string field, int depthMin, out AreaCode area) =>
        AreaCode.TryParse(code, out area) && area.Depth >= depthMin && divisions.Exists(area)
            ? null
            : Refuse.With(Refusals.AreaUnknown, field);

    /// <summary>
    /// ISO 8601: a date is midnight in China, and so is a moment without offset China's; with a space for the T, as
    /// spreadsheets write it.
    /// </summary>
    public static Refused? Moment(string? text, string field, out Minute minute)
    {
        var fine = TryParseMoment(text?.Trim(), out var moment);
        minute = fine ? Minute.Of(moment) : default;
        return !fine ? Refuse.With(Refusals.FieldInvalid, field)
            : minute < Day.Of(Earliest).Start ? Refuse.With(Refusals.DateImpossible, field)
            : null;
    }

    private static bool TryParseMoment(string? text, out DateTimeOffset moment)
    {
        if (DateTimeOffset.TryParseExact(text, MomentsWithOffset, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out moment))
            return true;
        var fine = DateTime.TryParseExact(text, MomentsInChina, CultureInfo.InvariantCulture, DateTimeStyles.None, out var local);
        moment = fine ? new DateTimeOffset(local, TimeSpan.FromHours(8)) : default;
        return fine;
    }

    /// <summary>A span of days from the past up to today.</summary>
    public static Refused? Days(DateOnly from, DateOnly? until, Day today, string field)
    {
        if (from < Earliest || until < from || until > today.ToDateOnly())
            return Refuse.With(Refusals.DateImpossible, field);
        return from > today.ToDateOnly() ? Refuse.With(Refusals.StayInTheFuture, field) : null;
    }

    public static Refused? Text(string? text, string field, Refusal missing, int max = Evidence.TextLengthMax) =>
        string.IsNullOrWhiteSpace(text) ? Refuse.With(missing, field)
            : text.Length > max ? Refuse.With(Refusals.TextTooLong, field)
            : null;

    public static Refused? TextIfAny(string? text, string field, int max) =>
        text?.Length > max ? Refuse.With(Refusals.TextTooLong, field) : null;

    /// <summary>One of the words that a field may have: those of the type but for <paramref name="not"/>.</summary>
    public static Refused? Choice<T>(string? word, string field, out T value, T? not = null) where T : struct, Enum =>
        Spelling.TryRead(word, out value) && !value.Equals(not) ? null
            : Refuse.With(string.IsNullOrEmpty(word) ? Refusals.FieldMissing : Refusals.ChoiceUnknown, field);

    /// <summary>A moment from 2020 up to now; the sender's clock may be a minute ahead of ours.</summary>
    public static Refused? Moment(DateTimeOffset? moment, DateTimeOffset now, string field, out Minute minute)
    {
        minute = Minute.Of(moment ?? default);
        if (moment is null)
            return Refuse.With(Refusals.FieldMissing, field);
        if (moment > now.AddMinutes(1))
            return Refuse.With(Refusals.MomentInTheFuture, field);
        return Day.Of(minute).ToDateOnly() < Earliest ? Refuse.With(Refusals.DateImpossible, field) : null;
    }

    public static Refused? IdempotencyKey(HttpRequest request, out string key)
    {
        key = request.Headers[Routes.IdempotencyKey].ToString();
        return key.Length is >= 8 and <= 100 ? null : Refuse.With(Refusals.IdempotencyKeyMissing);
    }
}
