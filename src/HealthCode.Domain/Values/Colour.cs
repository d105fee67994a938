namespace HealthCode.Domain;

/// <summary>What a code shows, in order of severity: the worse of two is the greater.</summary>
public enum Colour : byte
{
    /// <summary>Not decided: nobody with this identity has applied here.</summary>
    Unknown = 0,
    Green = 1,
    Yellow = 2,
    Red = 3,
}

public static class Colours
{
    public static Colour Worse(Colour a, Colour b) => a > b ? a : b;

    /// <summary>The national level code: <c>00</c> green, <c>01</c> yellow, <c>10</c> red (GB/T 38962-2020, as provincial clients use it).</summary>
    /// <remarks>
    /// <c>20</c> is what a deployed client sets when the level is missing; the standard's own value is not public.
    /// </remarks>
    public static string ToLevel(this Colour colour) => colour switch
    {
        Colour.Green => "00",
        Colour.Yellow => "01",
        Colour.Red => "10",
        _ => "20",
    };
}
