using HealthCode.Domain;
using Microsoft.AspNetCore.Identity;

namespace HealthCode.Storage;

/// <summary>A staff account.</summary>
public sealed class StaffUser : IdentityUser;

/// <summary>A person's profile, encrypted. Kept until the person is deleted or the region ends.</summary>
public sealed class VaultProfile
{
    public PersonId Person { get; set; }

    /// <summary>The profile's own key under the region's; null once destroyed.</summary>
    public byte[]? WrappedKey { get; set; }

    public byte[] Sealed { get; set; } = [];

    /// <summary>16 bytes of an HMAC over the phone; null when the phone went to somebody else.</summary>
    public byte[]? PhoneIndex { get; set; }

    /// <summary>
    /// The decade of birth, e.g. 1950; null when the document does not say. In the clear, and no finer, so that a trial of a
    /// plan can count by age without opening anybody's profile.
    /// </summary>
    public short? BirthDecade { get; set; }
}

/// <summary>Where codes are checked.</summary>
public sealed class Place
{
    public string Id { get; set; } = "";
    public string NameZh { get; set; } = "";
    public string NameEn { get; set; } = "";
    public string Kind { get; set; } = "";

    /// <summary>An <see cref="AreaCode"/>'s value.</summary>
    public long Area { get; set; }

    public bool AsksTemperature { get; set; }
}

/// <summary>A compound or building that the region numbered itself, inside a residents' committee.</summary>
public sealed class FreeArea
{
    /// <summary>An <see cref="AreaCode"/>'s value.</summary>
    public long Code { get; set; }

    public string NameZh { get; set; } = "";
    public string NameEn { get; set; } = "";
    public string AddedBy { get; set; } = "";
    public DateTimeOffset AddedAt { get; set; }
}

/// <summary>Who guards which place.</summary>
public sealed class PlaceGuard
{
    public string PlaceId { get; set; } = "";
    public string UserName { get; set; } = "";
}

/// <summary>A person asks that another phone be theirs. Personal fields are sealed.</summary>
public sealed class PhoneChange
{
    public Guid Id { get; set; }
    public PersonId Person { get; set; }
    public byte[] Payload { get; set; } = [];

    /// <summary>Whether name and number belong together in the authority's register.</summary>
    public bool InRegister { get; set; }

    public string State { get; set; } = "";
    public DateTimeOffset AskedAt { get; set; }
    public string? AnsweredBy { get; set; }
    public DateTimeOffset? AnsweredAt { get; set; }
    public string? Reason { get; set; }
}

/// <summary>Somebody of the staff looked at a person. The person reads it.</summary>
public sealed class LookUp
{
    public Guid Id { get; set; }
    public PersonId Person { get; set; }
    public DateTimeOffset At { get; set; }
    public string By { get; set; } = "";
    public string Role { get; set; } = "";
    public string Purpose { get; set; } = "";
}

/// <summary>The file of a diagnosis; what it says about the colour is in the journal.</summary>
public sealed class CaseFile
{
    public Guid Id { get; set; }
    public PersonId Person { get; set; }
    public string MaskedNumber { get; set; } = "";
    public string Status { get; set; } = "";
    public DateTimeOffset Diagnosed { get; set; }
    public DateOnly? Onset { get; set; }
    public string Institution { get; set; } = "";
    public string RecordedBy { get; set; } = "";
    public DateTimeOffset RecordedAt { get; set; }
    public EvidenceId EvidenceId { get; set; }
    public string? WithdrawnBy { get; set; }
}

/// <summary>A person agreed to an edition of the consent text.</summary>
public sealed class Consent
{
    public long Id { get; set; }
    public PersonId Person { get; set; }
    public string Edition { get; set; } = "";
    public DateTimeOffset At { get; set; }
}

/// <summary>What was fixed when the region was created.</summary>
public sealed class RegionSetting
{
    public string Key { get; set; } = "";
    public string Value { get; set; } = "";
}

/// <summary>How often something was changed that every node keeps in memory. Raised in the transaction of the change.</summary>
public sealed class ViewRevision
{
    /// <summary>Compounds and buildings that the region numbered itself.</summary>
    public const string FreeAreas = "free-areas";

    /// <summary>Places, and who guards them.</summary>
    public const string Places = "places";

    public string Name { get; set; } = "";
    public long Value { get; set; }
}

/// <summary>An edition in the making. Once approved it stands in the journal, and this only says where it came from.</summary>
public sealed class PlanDraft
{
    public Guid Id { get; set; }

    /// <summary>draft, approved, or discarded.</summary>
    public string State { get; set; } = "";

    public string Author { get; set; } = "";
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>The latest of its versions, from 1. Whoever saves names the one they read; two cannot both be right.</summary>
    public int Version { get; set; }

    public string ChangedBy { get; set; } = "";
    public DateTimeOffset ChangedAt { get; set; }

    /// <summary>What its text calls itself, when it can be read.</summary>
    public string? Edition { get; set; }

    /// <summary>The hash of the text and cases that were tried last (<see cref="EditionText.Hash"/>); null before.</summary>
    public string? TriedHash { get; set; }

    public string? TriedBy { get; set; }
    public DateTimeOffset? TriedAt { get; set; }

    /// <summary>The answer of that trial, as the interface gives it.</summary>
    public string? TriedAnswer { get; set; }

    public string? ApprovedBy { get; set; }
    public DateTimeOffset? ApprovedAt { get; set; }
}

/// <summary>A draft as somebody saved it. Kept with the draft, so that nothing that was written is lost.</summary>
public sealed class PlanDraftVersion
{
    public Guid DraftId { get; set; }
    public int Version { get; set; }
    public string Text { get; set; } = "";
    public string Cases { get; set; } = "";
    public string By { get; set; } = "";
    public DateTimeOffset At { get; set; }
}
