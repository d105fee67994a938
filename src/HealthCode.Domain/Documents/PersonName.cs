using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;

namespace HealthCode.Domain;

/// <summary>Why a name is not taken. Checked in this order.</summary>
public enum NameRefusal : byte
{
    None = 0,
    NameMissing,
    NameTooLong,

    /// <summary>Holds digits, control characters or signs that no name has.</summary>
    NameMalformed,
}

/// <summary>What a person is called, in any script. A personal field: it prints masked.</summary>
/// <remarks>Up to 50 characters, counted as people count: a rare character outside the basic plane is one.</remarks>
public sealed record PersonName
{
    public const int LengthMax = 50;

    private const char MiddleDot = '·';
    private const int TypedLengthMax = 200;

    // Two-character surnames still met. A name of two characters that begins so is a surname of one character.
    private static readonly HashSet<string> CompoundSurnames = new(StringComparer.Ordinal)
    {
        "欧阳", "太史", "端木", "上官", "司马", "东方", "独孤", "南宫", "万俟", "闻人", "夏侯", "诸葛", "尉迟", "公羊",
        "赫连", "澹台", "皇甫", "宗政", "濮阳", "公冶", "太叔", "申屠", "公孙", "慕容", "仲孙", "钟离", "长孙", "宇文",
        "司徒", "鲜于", "司空", "闾丘", "子车", "亓官", "司寇", "巫马", "公西", "颛孙", "壤驷", "公良", "漆雕", "乐正",
        "宰父", "谷梁", "拓跋", "夹谷", "轩辕", "令狐", "段干", "百里", "呼延", "东郭", "南门", "羊舌", "微生", "公户",
        "梁丘", "左丘", "东门", "西门", "第五",
    };

    private PersonName(string full) => Full = full;

    /// <summary>The whole name, for encryption and for the person's own screen.</summary>
    [JsonIgnore]
    public string Full { get; }

    /// <summary>
    /// The surname and a star for each further character: <c>张**</c>, <c>欧阳*</c>. Names that do not begin with a
    /// Chinese surname (a name with a dot, other scripts) show their first letter: <c>J***</c>.
    /// </summary>
    public string Masked
    {
        get
        {
            var runes = Full.EnumerateRunes().ToArray();
            if (runes.Length == 1)
                return "*";
            if (!runes.All(IsHan))
                return $"{runes[0]}***";
            var surname = runes.Length > 2 && CompoundSurnames.Contains($"{runes[0]}{runes[1]}") ? 2 : 1;
            return string.Concat(runes.Take(surname)) + new string('*', runes.Length - surname);
        }
    }

    /// <summary>The same as <see cref="Masked"/>.</summary>
    public override string ToString() => Masked;

    /// <summary>
    /// Whether two ways of writing are one name: spaces, case and the dot of transcribed names (of whatever shape, or
    /// left out) do not count, since registers differ in them.
    /// </summary>
    public bool SameAs(PersonName other) => Key(Full) == Key(other.Full);

    public static bool TryParse(string? text, [NotNullWhen(true)] out PersonName? name, out NameRefusal refusal)
    {
        name = null;
        refusal = Read(text, out var full);
        if (refusal != NameRefusal.None)
            return false;
        name = new PersonName(full);
        return true;
    }

    private static NameRefusal Read(string? text, out string full)
    {
        full = "";
        if (string.IsNullOrWhiteSpace(text))
            return NameRefusal.NameMissing;
        if (text.Length > TypedLengthMax)
            return NameRefusal.NameTooLong;
        if (!IsWellFormed(text))
            return NameRefusal.NameMalformed;
        full = Tidy(text);
        if (full.EnumerateRunes().Count() > LengthMax)
            return NameRefusal.NameTooLong;
        return full.EnumerateRunes().All(IsOfNames) && full.EnumerateRunes().Any(Rune.IsLetter)
            ? NameRefusal.None
            : NameRefusal.NameMalformed;
    }

    // Half of a surrogate pair is no text, and cannot be normalised.
    private static bool IsWellFormed(string text) => !text.EnumerateRunes().Contains(Rune.ReplacementChar);

    // Compatibility forms, widths and dots of many shapes to one each; runs of spaces to one.
    private static string Tidy(string text)
    {
        var tidy = new StringBuilder(text.Length);
        foreach (var typed in text.Normalize(NormalizationForm.FormKC).Trim())
        {
            var c = IsDot(typed) ? MiddleDot : Typed.HalfWidth(typed);
            if (!char.IsWhiteSpace(c) || char.IsControl(c))
                tidy.Append(c);
            else if (tidy.Length > 0 && tidy[^1] != ' ')
                tidy.Append(' ');
        }
        return tidy.ToString();
    }

    private static bool IsDot(char c) =>
        c is MiddleDot or '•' or '‧' or '∙' or '⋅' or '・' or '･' or '●' or '\u0387' or '\uE5E5' or '．';

    private static bool IsOfNames(Rune rune) => rune.Value is ' ' or MiddleDot or '-' or '\'' or '’' or '.'
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter
            or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
        || rune.Value == '〇';

    private static bool IsHan(Rune rune) =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherLetter && rune.Value is (>= 0x3400 and <= 0x9FFF)
            or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x3FFFF)
        || rune.Value == '〇';

    private static string Key(string full)
    {
        var key = new StringBuilder(full.Length);
        foreach (var c in full)
        {
            if (c is not (' ' or MiddleDot or '.'))
                key.Append(char.ToUpperInvariant(c));
        }
        return key.ToString();
    }
}
