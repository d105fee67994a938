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
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PersonProfile))]
internal sealed partial class ProfileJson : JsonSerializerContext;
