using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Areas;
using HealthCode.Server.People;
using HealthCode.Server.Security;

namespace HealthCode.Server.Sources;

/// <summary>Reads an entry, by hand or of a feed, into evidence; the first field that is wrong is refused by name.</summary>
/// <remarks>Checked in this order: the kind, the document, when it happened, then the kind's own fields as they stand in its entry.</remarks>
internal sealed class EntryReader(PeopleDirectory people, AreaDirectory areas)
{
    private const int InstitutionLengthMax = 100;
    private const int NumberLengthMax = 20;
    private const int SeatLengthMax = 10;

    /// <summary>A pass lasts so long at most: Guangxi, December 2021 (field notes 4.6).</summary>
    private const int PassHoursMax = 24;

    /// <summary>What every fact has: whose it is, when, and who says so.</summary>
    private readonly record struct Head(EvidenceId Id, PersonId Person, Minute Happened, Minute Received, Source Source, string EnteredBy);

    public static Refused? Parse(ReadOnlySpan<byte> json, out EvidenceEntry entry)
    {
        entry = null!;
        try
        {
            if (JsonSerializer.Deserialize(json, ApiJson.Wire.EvidenceEntry) is not { } read)
                return Refuse.With(Refusals.BodyMalformed);
            entry = read;
            return null;
        }
        catch (NotSupportedException)
        {
            // An entry without a kind could be any: the serializer does not know what to make.
            return Refuse.With(Refusals.KindUnknown, "kind");
        }
        catch (JsonException failure)
        {
            return failure.Message.Contains("type discriminator", StringComparison.Ordinal)
                ? Refuse.With(Refusals.KindUnknown, "kind") : Refuse.With(failure);
        }
    }

    public Refused? Read(EvidenceEntry entry, EvidenceId id, Source source, string enteredBy, DateTimeOffset now, out Evidence evidence)
    {
        evidence = null!;
        if (Fields.Document(entry.DocumentType, entry.DocumentNumber, Day.Of(Minute.Of(now)), out var document) is { } badDocument)
            return badDocument;
        if (Fields.Moment(entry.Happened, now, "happened", out var happened) is { } badMoment)
            return badMoment;
        var head = new Head(id, people.PersonOf(document), happened, Minute.Later(Minute.Of(now), happened), source, enteredBy);
        return entry switch
        {
            StayEntry stay => Read(stay, head, now, out evidence),
            JourneyEntry journey => Read(journey, head, now, out evidence),
            TestEntry test => Read(test, head, out evidence),
            VaccinationEntry vaccination => Read(vaccination, head, out evidence),
            ContactEntry contact => Read(contact, head, out evidence),
            OrderEntry order => Read(order, head, out evidence),
            ReleaseEntry release => Read(release, head, out evidence),
            ArrivalEntry arrival => Read(arrival, head, out evidence),
            RecognitionEntry recognition => Read(recognition, head, out evidence),
            PassEntry pass => Read(pass, head, out evidence),
            _ => Refuse.With(Refusals.KindUnknown, "kind"),
        };
    }

    private Refused? Read(StayEntry entry, Head head, DateTimeOffset now, out Evidence evidence)
    {
        evidence = null!;
        var until = Minute.Never;
        if (Fields.Area(areas.Current, entry.Area, "area", 4, out var area) is { } badArea)
            return badArea;
        if (entry.Until is not null && Fields.Moment(entry.Until, now, "until", out until) is { } badUntil)
            return badUntil;
        if (until <= head.Happened)
            return Refuse.With(Refusals.DateImpossible, "until");
        if (entry.Confidence is null)
            return Refuse.With(Refusals.FieldMissing, "confidence");
        if (entry.Confidence is not (>= 1 and <= 100))
            return Refuse.With(Refusals.ConfidenceImpossible, "confidence");
        evidence = new Stay
        {
            Id = head.Id, Person = head.Person, Happened = head.Happened, Received = head.Received, Source = head.Source, EnteredBy = head.EnteredBy,
            Area = area, Until = until, Confidence = (byte)entry.Confidence,
        };
        return null;
    }

    private Refused? Read(JourneyEntry entry, Head head, DateTimeOffset now, out Evidence evidence)
    {
        evidence = null!;
        if (Fields.Choice<JourneyMode>(entry.Mode, "mode", out var mode) is { } badMode)
            return badMode;
        if (Fields.Text(entry.Number, "number", Refusals.FieldMissing, NumberLengthMax) is { } badNumber)
            return badNumber;
        if (Fields.TextIfAny(entry.Carriage, "carriage", SeatLengthMax) is { } badCarriage)
            return badCarriage;
        if (Fields.TextIfAny(entry.Seat, "seat", SeatLengthMax) is { } badSeat)
            return badSeat;
        if (Fields.Area(areas.Current, entry.From, "from", 4, out var from) is { } badFrom)
            return badFrom;
        if (Fields.Area(areas.Current, entry.To, "to", 4, out var to) is { } badTo)
            return badTo;
        if (Fields.Moment(entry.Until, now, "until", out var until) is { } badUntil)
            return badUntil;
        if (until <= head.Happened)
            return Refuse.With(Refusals.DateImpossible, "until");
        evidence = new Journey
        {
            Id = head.Id, Person = head.Person, Happened = head.Happened, Received = head.Received, Source = head.Source, EnteredBy = head.EnteredBy,
            Mode = mode, Number = entry.Number!.Trim(), Carriage = NullIfBlank(entry.Carriage), Seat = NullIfBlank(entry.Seat),
            From = from, To = to, Until = until,
        };
        return null;
    }

    private static Refused? Read(TestEntry entry, Head head, out Evidence evidence)
    {
        evidence = null!;
        if (Fields.Choice<TestResult>(entry.Result, "result", out var result) is { } badResult)
            return badResult;
        if (Fields.Text(entry.Institution, "institution", Refusals.FieldMissing, InstitutionLengthMax) is { } badInstitution)
            return badInstitution;
        evidence = new Test
        {
            Id = head.Id, Person = head.Person, Happened = head.Happened, Received = head.Received, Source = head.Source, EnteredBy = head.EnteredBy,
            Result = result, Institution = entry.Institution!.Trim(),
        };
        return null;
    }

    private static Refused? Read(VaccinationEntry entry, Head head, out Evidence evidence)
    {
        evidence = null!;
        if (entry.Dose is null)
            return Refuse.With(Refusals.FieldMissing, "dose");
        if (entry.Dose is not (>= 1 and <= 9))
            return Refuse.With(Refusals.DoseImpossible, "dose");
        if (Fields.Text(entry.Vaccine, "vaccine", Refusals.FieldMissing) is { } badVaccine)
            return badVaccine;
        evidence = new Vaccination
        {
            Id = head.Id, Person = head.Person, Happened = head.Happened, Received = head.Received, Source = head.Source, EnteredBy = head.EnteredBy,
            Dose = (byte)entry.Dose, Vaccine = entry.Vaccine!.Trim(),
        };
        return null;
    }

    private static Refused? Read(ContactEntry entry, Head head, out Evidence evidence)
    {
        evidence = null!;
        if (Fields.Choice<ContactKind>(entry.Degree, "degree", out var degree) is { } badDegree)
            return badDegree;
        if (Fields.Text(entry.Circumstance, "circumstance", Refusals.FieldMissing) is { } badCircumstance)
            return badCircumstance;
        evidence = new Contact
        {
            Id = head.Id, Person = head.Person, Happened = head.Happened, Received = head.Received, Source = head.Source, EnteredBy = head.EnteredBy,
            Degree = degree, Circumstance = entry.Circumstance!.Trim(),
        };
        return null;
    }

    private static Refused? Read(OrderEntry entry, Head head, out Evidence evidence)
    {
        evidence = null!;
        if (Fields.Choice<OrderKind>(entry.Ordered, "ordered", out var ordered, not: OrderKind.Health) is { } badOrder)
            return badOrder;
        if (Fields.Text(entry.Institution, "institution", Refusals.FieldMissing, InstitutionLengthMax) is { } badInstitution)
            return badInstitution;
        if (Fields.Text(entry.Basis, "basis", Refusals.FieldMissing) is { } badBasis)
            return badBasis;
        evidence = new Order
        {
            Id = head.Id, Person = head.Person, Happened = head.Happened, Received = head.Received, Source = head.Source, EnteredBy = head.EnteredBy,
            Ordered = ordered, Institution = entry.Institution!.Trim(), Basis = entry.Basis!.Trim(),
        };
        return null;
    }

    private static Refused? Read(ReleaseEntry entry, Head head, out Evidence evidence)
    {
        evidence = null!;
        if (Fields.Choice<OrderKind>(entry.Released, "released", out var released) is { } badRelease)
            return badRelease;
        if (Fields.Text(entry.Institution, "institution", Refusals.FieldMissing, InstitutionLengthMax) is { } badInstitution)
            return badInstitution;
        evidence = new Release
        {
            Id = head.Id, Person = head.Person, Happened = head.Happened, Received = head.Received, Source = head.Source, EnteredBy = head.EnteredBy,
            Released = released, Institution = entry.Institution!.Trim(),
        };
        return null;
    }

    private Refused? Read(ArrivalEntry entry, Head head, out Evidence evidence)
    {
        evidence = null!;
        if (entry.Country is not { Length: 3 } country || !country.All(char.IsAsciiLetterUpper) || country == "CHN")
            return Refuse.With(Refusals.CountryUnknown, "country");
        if (Fields.Area(areas.Current, entry.Port, "port", 4, out var port) is { } badPort)
            return badPort;
        evidence = new Arrival
        {
            Id = head.Id, Person = head.Person, Happened = head.Happened, Received = head.Received, Source = head.Source, EnteredBy = head.EnteredBy,
            Country = country, Port = port,
        };
        return null;
    }

    private Refused? Read(RecognitionEntry entry, Head head, out Evidence evidence)
    {
        evidence = null!;
        if (Fields.Area(areas.Current, entry.Issuer, "issuer", 2, out var issuer) is { } badIssuer)
            return badIssuer;
        if (Fields.Choice<Colour>(entry.Colour, "colour", out var colour, not: Colour.Unknown) is { } badColour)
            return badColour;
        if (Fields.Text(entry.Reason, "reason", Refusals.ReasonMissing) is { } badReason)
            return badReason;
        evidence = new Recognition
        {
            Id = head.Id, Person = head.Person, Happened = head.Happened, Received = head.Received, Source = head.Source, EnteredBy = head.EnteredBy,
            Issuer = issuer, Colour = colour, Reason = entry.Reason!.Trim(),
        };
        return null;
    }

    private static Refused? Read(PassEntry entry, Head head, out Evidence evidence)
    {
        evidence = null!;
        var until = head.Happened.Plus(TimeSpan.FromHours(Math.Clamp(entry.Hours ?? 0, 0, PassHoursMax)));
        if (entry.Hours is not (>= 1 and <= PassHoursMax) || until <= head.Received)
            return Refuse.With(Refusals.PassHoursImpossible, "hours");
        if (Fields.Text(entry.Purpose, "purpose", Refusals.ReasonMissing) is { } badPurpose)
            return badPurpose;
        evidence = new Pass
        {
            Id = head.Id, Person = head.Person, Happened = head.Happened, Received = head.Received, Source = head.Source, EnteredBy = head.EnteredBy,
            Until = until, Purpose = entry.Purpose!.Trim(),
        };
        return null;
    }

    private static string? NullIfBlank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
