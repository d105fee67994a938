namespace HealthCode.Domain;

/// <summary>A text in both languages of the interface. A page is the same bytes for everybody and chooses itself.</summary>
public sealed record Text(string Zh, string En);
