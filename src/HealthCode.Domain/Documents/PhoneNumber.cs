using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace HealthCode.Domain;

/// <summary>Why a phone number is not taken. Checked in this order.</summary>
public enum PhoneRefusal : byte
{
    None = 0,
    PhoneMissing,
    PhoneTooLong,

    /// <summary>Not a mainland mobile number: 1 and ten more digits. Messages can be sent to no other.</summary>
    PhoneNotMobile,
}

/// <summary>A mainland mobile number: 1 and ten more digits. A personal field: it prints masked.</summary>
public sealed record PhoneNumber
{
    private const int Length = 11;
    private const int TypedLengthMax = 40;

    private PhoneNumber(string normalized) => Normalized = normalized;

    /// <summary>The eleven digits, for encryption and for sending messages.</summary>
    [JsonIgnore]
    public string Normalized { get; }

    /// <summary>The first three and last three digits, as Beijing published in 2020: <c>138*****678</c>.</summary>
    public string Masked => string.Concat(Normalized.AsSpan(0, 3), "*****", Normalized.AsSpan(8));

    /// <summary>The same as <see cref="Masked"/>.</summary>
    public override string ToString() => Masked;

    /// <summary>Reads a number with or without +86, 0086 or 86, spaces, hyphens and full-width digits.</summary>
    public static bool TryParse(
        string? text, [NotNullWhen(true)] out PhoneNumber? phone, out PhoneRefusal refusal)
    {
        phone = null;
        refusal = Read(text, out var digits);
        if (refusal != PhoneRefusal.None)
            return false;
        phone = new PhoneNumber(digits);
        return true;
    }

    private static PhoneRefusal Read(string? text, out string digits)
    {
        digits = "";
        if (string.IsNullOrWhiteSpace(text))
            return PhoneRefusal.PhoneMissing;
        if (text.Length > TypedLengthMax)
            return PhoneRefusal.PhoneTooLong;
        digits = WithoutCountry(Typed.Compact(text));
        return digits.Length == Length && digits[0] == '1' && Typed.AllDigits(digits)
            ? PhoneRefusal.None
            : PhoneRefusal.PhoneNotMobile;
    }

    private static string WithoutCountry(string number)
    {
        foreach (var prefix in (ReadOnlySpan<string>)["+86", "0086", "86"])
        {
            if (number.Length == prefix.Length + Length && number.StartsWith(prefix, StringComparison.Ordinal))
                return number[prefix.Length..];
        }
        return number;
    }
}
