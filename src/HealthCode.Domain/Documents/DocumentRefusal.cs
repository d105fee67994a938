namespace HealthCode.Domain;

/// <summary>Why a document number is not taken. Checked in this order; the first that applies is told.</summary>
public enum DocumentRefusal : byte
{
    None = 0,

    /// <summary>Nothing was typed, or only spaces and hyphens.</summary>
    NumberMissing,

    /// <summary>Longer than any number of this type.</summary>
    NumberTooLong,

    /// <summary>Not the digits and letters that this type is made of, or too few.</summary>
    NumberMalformed,

    /// <summary>
    /// A residence permit's number given as a citizen number, or the reverse. Taking it would give one person two codes.
    /// </summary>
    NumberOfAnotherType,

    /// <summary>The digits of the birth date are no day, or a day to come, or before 1880.</summary>
    BirthDateImpossible,

    /// <summary>A digit was mistyped: the last character does not follow from the others.</summary>
    CheckDigitWrong,
}
