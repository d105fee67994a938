using System.Text.Json;
using System.Text.Json.Serialization;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Who a person is: personal fields, kept encrypted, never printed.</summary>
/// <param name="HouseholdDivision">Household registration, 6 digits.</param>
public sealed record PersonProfile(
    string Name, DocumentType DocumentType, string DocumentNumber, string Phone, string? HouseholdDivision, string? Address)
{
    public override string ToString() => "***";

    /// <summary>The decade of birth, e.g. 1950; null when the document does not say.</summary>
    [JsonIgnore]
    public short? BirthDecade => IdentityDocument.TryParse(DocumentType, DocumentNumber, DateOnly.MaxValue, out var document, out _)
        && document.BirthDate is { } birth ? (short)(birth.Year / 10 * 10) : null;
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PersonProfile))]
internal sealed partial class ProfileJson : JsonSerializerContext;
