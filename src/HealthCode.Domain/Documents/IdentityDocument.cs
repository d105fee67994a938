using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace HealthCode.Domain;

/// <summary>One document's type and number, in the one form that all ways of typing it come to.</summary>
/// <remarks>
/// A personal field: it prints masked. The same person must come out of every feed, so the parts of a number that change
/// when a card is renewed are dropped. A passport's number does not say its state; two states may give out the same.
/// </remarks>
public sealed record IdentityDocument
{
    /// <summary>Nobody types more than this by accident; more is not even looked at.</summary>
    private const int TypedLengthMax = 64;

    private IdentityDocument(DocumentType type, string normalized, DateOnly? birthDate)
    {
        Type = type;
        Normalized = normalized;
        BirthDate = birthDate;
    }

    public DocumentType Type { get; }

    /// <summary>The whole number, for encryption and for nothing else.</summary>
    [JsonIgnore]
    public string Normalized { get; }

    /// <summary>Known from a citizen's or residence permit's number; from other documents it is not.</summary>
    [JsonIgnore]
    public DateOnly? BirthDate { get; }

    /// <summary>Known from the same documents as <see cref="BirthDate"/>.</summary>
    [JsonIgnore]
    public Sex Sex => BirthDate is null ? Sex.Unknown : (Normalized[16] - '0') % 2 == 1 ? Sex.Male : Sex.Female;

    /// <summary>
    /// The first two and last two characters, as Beijing published in 2020; of numbers under eight characters
    /// one and one, since four of five would leave little to hide.
    /// </summary>
    public string Masked
    {
        get
        {
            var shown = Normalized.Length < 8 ? 1 : 2;
            return string.Concat(Normalized.AsSpan(0, shown), new string('*', Normalized.Length - (2 * shown)),
                Normalized.AsSpan(Normalized.Length - shown));
        }
    }

    /// <summary>The same as <see cref="Masked"/>.</summary>
    public override string ToString() => Masked;

    /// <summary>Who this is in the region that keeps <paramref name="regionSecret"/>.</summary>
    /// <remarks>The first 16 bytes of HMAC-SHA256 over one byte of type and the number in ASCII. Never changes.</remarks>
    public PersonId PersonIn(ReadOnlySpan<byte> regionSecret)
    {
        Span<byte> named = stackalloc byte[1 + Normalized.Length];
        named[0] = (byte)Type;
        Encoding.ASCII.GetBytes(Normalized, named[1..]);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(regionSecret, named, hash);
        return PersonId.FromBytes(hash);
    }

    /// <summary>
    /// Reads a number as people type it: full-width or half-width, in any case, with spaces, hyphens and brackets.
    /// </summary>
    /// <param name="today">No birth date is later.</param>
    public static bool TryParse(
        DocumentType type,
        string? number,
        DateOnly today,
        [NotNullWhen(true)] out IdentityDocument? document,
        out DocumentRefusal refusal)
    {
        document = null;
        refusal = Read(type, number, today, out var normalized, out var birthDate);
        if (refusal != DocumentRefusal.None)
            return false;
        document = new IdentityDocument(type, normalized, birthDate);
        return true;
    }

    private static DocumentRefusal Read(
        DocumentType type, string? number, DateOnly today, out string normalized, out DateOnly? birthDate)
    {
        birthDate = null;
        normalized = "";
        if (string.IsNullOrWhiteSpace(number))
            return DocumentRefusal.NumberMissing;
        if (number.Length > TypedLengthMax)
            return DocumentRefusal.NumberTooLong;

        normalized = Typed.Compact(number);
        if (normalized.Length == 0)
            return DocumentRefusal.NumberMissing;
        if (normalized.Length > LengthMax(type))
            return DocumentRefusal.NumberTooLong;

        return type switch
        {
            DocumentType.CitizenId or DocumentType.ResidencePermit =>
                ReadCitizenForm(type, ref normalized, today, out birthDate),
            DocumentType.HongKongMacaoPermit => ReadHongKongMacao(ref normalized),
            DocumentType.TaiwanPermit => ReadTaiwan(ref normalized),
            DocumentType.ForeignPermanentResidentId => ReadForeignResident(normalized),
            DocumentType.Passport => ReadPassport(normalized),
            _ => DocumentRefusal.NumberMalformed,
        };
    }

    private static int LengthMax(DocumentType type) => type switch
    {
        DocumentType.Passport => 9,
        DocumentType.HongKongMacaoPermit or DocumentType.TaiwanPermit => 11,
        _ => CitizenNumber.Length,
    };

    private static DocumentRefusal ReadCitizenForm(
        DocumentType type, ref string number, DateOnly today, out DateOnly? birthDate)
    {
        birthDate = null;
        if (type == DocumentType.CitizenId && number.Length == CitizenNumber.OldLength && Typed.AllDigits(number))
            number = CitizenNumber.Lengthen(number);
        if (!CitizenNumber.IsShaped(number))
            return DocumentRefusal.NumberMalformed;
        if (CitizenNumber.IsResidencePermit(number) != (type == DocumentType.ResidencePermit))
            return DocumentRefusal.NumberOfAnotherType;
        if (!CitizenNumber.TryBirthDate(number, today, out var date))
            return DocumentRefusal.BirthDateImpossible;
        birthDate = date;
        return CitizenNumber.IsChecked(number) ? DocumentRefusal.None : DocumentRefusal.CheckDigitWrong;
    }

    // H or M and eight digits are the person's for life; the two that may follow count renewals.
    private static DocumentRefusal ReadHongKongMacao(ref string number)
    {
        if (number.Length is not (9 or 11) || number[0] is not ('H' or 'M') || !Typed.AllDigits(number.AsSpan(1)))
            return DocumentRefusal.NumberMalformed;
        number = number[..9];
        return DocumentRefusal.None;
    }

    // Eight digits for life; older ones go on with two digits that count issues, some with a letter in brackets after
    // them. Nine digits are a slip of the finger and are refused: cut to eight they might be another person.
    private static DocumentRefusal ReadTaiwan(ref string number)
    {
        var digits = number.Length == 11 && char.IsAsciiLetterUpper(number[10]) ? number.AsSpan(0, 10) : number;
        if (digits.Length is not (8 or 10) || !Typed.AllDigits(digits))
            return DocumentRefusal.NumberMalformed;
        number = number[..8];
        return DocumentRefusal.None;
    }

    private static DocumentRefusal ReadForeignResident(string number)
    {
        if (number.Length == 15 && Typed.AllLetters(number.AsSpan(0, 3)) && Typed.AllDigits(number.AsSpan(3)))
            return DocumentRefusal.None;
        if (number[0] != '9' || !CitizenNumber.IsShaped(number))
            return DocumentRefusal.NumberMalformed;
        return CitizenNumber.IsChecked(number) ? DocumentRefusal.None : DocumentRefusal.CheckDigitWrong;
    }

    // Machine-readable zones hold up to nine letters and digits, and states differ in all else. At least one digit is
    // asked for, so that a name typed into the wrong field is noticed.
    private static DocumentRefusal ReadPassport(string number)
    {
        if (number.Length < 5 || !number.AsSpan().ContainsAnyInRange('0', '9'))
            return DocumentRefusal.NumberMalformed;
        foreach (var c in number)
        {
            if (!char.IsAsciiDigit(c) && !char.IsAsciiLetterUpper(c))
                return DocumentRefusal.NumberMalformed;
        }
        return DocumentRefusal.None;
    }
}
