namespace HealthCode.Domain;

/// <summary>Sex as GB/T 2261.1 codes it. A citizen number says it: its sequence is odd for men, even for women.</summary>
public enum Sex : byte
{
    Unknown = 0,
    Male = 1,
    Female = 2,
}
