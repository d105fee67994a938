using System.Runtime.InteropServices;

namespace HealthCode.Domain;

/// <summary>What rules may ask of one person's record, in flat memory: what a decision reads, and nothing else.</summary>
/// <remarks>
/// Three things are so frequent that they are kept apart from the entries: a normal daily report is one bit, a negative
/// test is its minute. What no rule speaks of, such as a visit, is not here at all.
/// </remarks>
public readonly ref struct RecordFacts
{
    public RecordFacts(ReadOnlySpan<RecordEntry> entries, ReadOnlySpan<Minute> negativeTests, ReportDays reports)
        : this(entries, negativeTests, reports, KindsOf(entries))
    {
    }

    /// <param name="kinds">As <see cref="Kinds"/> says, worked out before.</param>
    internal RecordFacts(ReadOnlySpan<RecordEntry> entries, ReadOnlySpan<Minute> negativeTests, ReportDays reports, uint kinds)
    {
        Entries = entries;
        NegativeTests = negativeTests;
        Reports = reports;
        Kinds = kinds;
    }

    /// <summary>By start; at the same minute by the evidence's id.</summary>
    public ReadOnlySpan<RecordEntry> Entries { get; }

    /// <summary>When negative tests were sampled, oldest first.</summary>
    public ReadOnlySpan<Minute> NegativeTests { get; }

    public ReportDays Reports { get; }

    /// <summary>Which kinds there are among the entries: one bit for each, <see cref="RecordEntry.Bit"/>.</summary>
    public uint Kinds { get; }

    private static uint KindsOf(ReadOnlySpan<RecordEntry> entries)
    {
        var kinds = 0u;
        foreach (ref readonly var entry in entries)
            kinds |= RecordEntry.Bit(entry.Kind);
        return kinds;
    }
}

/// <summary>One fact that a rule may speak of, in 20 bytes.</summary>
/// <remarks>
/// <code>
///   0 start   4 until   8 value   16 kind   17 detail   18 confidence   19 source
///
///   kind         detail                      value
///   Declaration  DeclaredContact             symptoms | tenths of a degree shifted by 16
///   Stay         what the person answered    area
///   Diagnosis    DiagnosisStatus             -
///   Test         TestResult, never negative  -
///   Contact      ContactKind                 -
///   Order        OrderKind                   -
///   Release      OrderKind                   -
///   Arrival      -                           -
///   Journey      0 where from, 1 where to    area; two entries, one after the other, make one journey
///   Recognition  Colour                      issuer
///   Vaccination  dose                        -
///   Pass         -                           -
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public readonly record struct RecordEntry(
    Minute Start, Minute Until, long Value, EvidenceKind Kind, byte Detail = 0, byte Confidence = 100, Source Source = default)
{
    public const byte NotAnswered = 0, WasThere = 1, WasNotThere = 2;

    public const byte JourneyFrom = 0, JourneyTo = 1;

    public AreaCode Area => new(Value);

    public Symptoms Symptoms => (Symptoms)(ushort)Value;

    public int TemperatureTenths => (int)(Value >> 16);

    /// <summary>Whether the bit of <see cref="Detail"/> is among <paramref name="details"/>.</summary>
    public bool IsOneOf(uint details) => (details & (1u << Detail)) != 0;

    public static uint Bit(EvidenceKind kind) => 1u << (int)kind;

    /// <summary>One fact makes at most so many entries: a journey two.</summary>
    internal const int OfOneFactMax = 2;

    /// <summary>Writes the entries that a fact makes while it stands, a stay's as if nobody had been asked about it.</summary>
    /// <returns>How many there are: none of a visit, a normal report, a negative test, an answer or a correction.</returns>
    internal static int Of(Evidence evidence, Span<RecordEntry> to)
    {
        RecordEntry Entry(byte detail, long value = 0, Minute? until = null, byte confidence = 100) =>
            new(evidence.Happened, until ?? evidence.Happened, value, evidence.Kind, detail, confidence, evidence.Source);

        switch (evidence)
        {
            case Declaration declaration when !IsNormalUnderEveryEdition(declaration):
                to[0] = Entry((byte)declaration.Contact, ValueOf(declaration.Symptoms, declaration.TemperatureTenths));
                return 1;
            case Stay stay:
                to[0] = Entry(NotAnswered, stay.Area.Value, stay.Until, stay.Confidence);
                return 1;
            case Diagnosis diagnosis:
                to[0] = Entry((byte)diagnosis.Status);
                return 1;
            case Test { Result: not TestResult.Negative } test:
                to[0] = Entry((byte)test.Result);
                return 1;
            case Contact contact:
                to[0] = Entry((byte)contact.Degree);
                return 1;
            case Order order:
                to[0] = Entry((byte)order.Ordered);
                return 1;
            case Release release:
                to[0] = Entry((byte)release.Released);
                return 1;
            case Arrival:
                to[0] = Entry(0);
                return 1;
            case Journey journey:
                to[0] = Entry(JourneyFrom, journey.From.Value, journey.Until);
                to[1] = Entry(JourneyTo, journey.To.Value, journey.Until);
                return 2;
            case Recognition recognition:
                to[0] = Entry((byte)recognition.Colour, recognition.Issuer.Value);
                return 1;
            case Vaccination vaccination:
                to[0] = Entry(vaccination.Dose);
                return 1;
            case Pass pass:
                to[0] = Entry(0, until: pass.Until);
                return 1;
            default:
                return 0;
        }
    }

    internal static bool IsNormalUnderEveryEdition(Declaration declaration) =>
        declaration is { Symptoms: Symptoms.None, Contact: not DeclaredContact.Yes, TemperatureTenths: < PersonRecord.FeverTenthsMin };

    public static long ValueOf(Symptoms symptoms, int temperatureTenths) => (long)symptoms | ((long)temperatureTenths << 16);
}

/// <summary>The days on which a person reported their health: the last of them, and which of the 64 up to it were normal.</summary>
/// <param name="Last">The last day with any report; the default for somebody who never reported.</param>
/// <param name="Normal">Bit n: n days before <paramref name="Last"/> there was a report that is normal under every edition.</param>
public readonly record struct ReportDays(Day Last, ulong Normal)
{
    /// <summary>Days that are kept.</summary>
    public const int Kept = 64;

    public bool Any => Last.Value > 0;

    public ReportDays With(Day day, bool isNormal)
    {
        if (day <= Last)
            return isNormal ? this with { Normal = Normal | BitOf(day) } : this;
        var shift = Any ? day.Value - Last.Value : Kept;
        return new ReportDays(day, (shift < Kept ? Normal << shift : 0) | (isNormal ? 1UL : 0));
    }

    /// <summary>The bit of a day; none for one that is not kept.</summary>
    public ulong BitOf(Day day) => Last.Value - day.Value is >= 0 and < Kept and var shift ? 1UL << shift : 0;

    /// <summary>The bits of all days after <paramref name="day"/>.</summary>
    public ulong After(Day day) => (Last.Value - day.Value) switch { <= 0 => 0, >= Kept => ulong.MaxValue, var days => (1UL << days) - 1 };
}
