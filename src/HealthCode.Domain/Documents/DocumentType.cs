namespace HealthCode.Domain;

/// <summary>The kinds of identity document a person can be known by. The value goes into <see cref="PersonId"/>.</summary>
/// <remarks>
/// 1, 3, 6 and 7 follow the health data code table CV02.01.101 of WS 364.3, as implementations use it (the paid text was not checked).
/// 8 and 9 are our own: that table has no member for them. A number once used is never given to another type.
/// </remarks>
public enum DocumentType : byte
{
    /// <summary>居民身份证: the citizen number of GB 11643-1999, with its older form of 15 digits.</summary>
    CitizenId = 1,

    /// <summary>护照, of any state. It is renewed under another number, so staff link old and new.</summary>
    Passport = 3,

    /// <summary>港澳居民来往内地通行证: H or M, eight lifelong digits, and on old cards two renewal digits.</summary>
    HongKongMacaoPermit = 6,

    /// <summary>台湾居民来往大陆通行证: eight lifelong digits, and on old ones the count of issues.</summary>
    TaiwanPermit = 7,

    /// <summary>外国人永久居留身份证: 15 characters (2017 edition) or 18 digits (2023 edition); both are valid.</summary>
    ForeignPermanentResidentId = 8,

    /// <summary>港澳台居民居住证: 18 digits like a citizen number, of address 810000, 820000 or 830000.</summary>
    ResidencePermit = 9,
}
