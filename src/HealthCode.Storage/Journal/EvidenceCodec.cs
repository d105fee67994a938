using System.Formats.Cbor;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>Evidence and area risks as the journal's bytes, and as what travels between nodes.</summary>
/// <remarks>
/// CBOR (RFC 8949): <c>[format, [fact, …]]</c>, each fact a map with small integer keys. A key that is not known here is
/// skipped, so that an older node can read what a newer one wrote; a number, once given a meaning, keeps it.
///
/// <code>
///   1 kind   2 id (8 bytes)   3 person (16 bytes)   4 happened   5 received   6 source   7 entered by
///   10 symptoms   11 temperature   12 contact                          declaration
///   20 area   21 until (absent: lasts)   22 confidence                 stay
///   30 place   20 area   11 temperature                                visit
///   40 status   41 onset (day)   42 institution                        diagnosis
///   50 corrects (8 bytes)   51 reason                                  correction
///   60 mode   61 number   62 carriage   63 seat   64 from   65 to   21 until     journey
///   70 result   42 institution                                         test
///   80 dose   81 vaccine                                               vaccination
///   90 degree   91 circumstance                                        contact
///   100 what   42 institution   101 basis                              order
///   100 what   42 institution                                          release
///   110 country   111 port                                             arrival
///   120 issuer   121 colour   51 reason                                recognition
///   130 question (8 bytes)   131 was there (0, 1)                      answer
///   21 until   140 purpose                                             pass
/// </code>
/// </remarks>
public static class EvidenceCodec
{
    private const int Format = 1;

    [ThreadStatic]
    private static CborWriter? factWriter;

    public static byte[] Encode(IReadOnlyList<Evidence> batch)
    {
        var writer = Begin(batch.Count);
        foreach (var evidence in batch)
            Write(writer, evidence);
        return End(writer);
    }

    /// <exception cref="JournalDamagedException">The bytes are no batch of evidence.</exception>
    /// <returns>Nothing when retention has erased the batch.</returns>
    public static IReadOnlyList<Evidence> Decode(JournalBatch batch) => batch.IsErased ? [] : Decode(batch.Bytes, batch.Stream, batch.Sequence);

    /// <summary>Reads what came over the wire; see <see cref="Decode(JournalBatch)"/>.</summary>
    public static IReadOnlyList<Evidence> Decode(ReadOnlyMemory<byte> bytes) => Decode(bytes, "message", 0);

    /// <summary>One fact alone, without its person and its id: what is sealed under the person's key.</summary>
    public static byte[] EncodeFact(Evidence evidence)
    {
        var writer = factWriter ??= new CborWriter(CborConformanceMode.Canonical, convertIndefiniteLengthEncodings: true);
        writer.Reset();
        writer.WriteStartMap(null);
        WriteStatement(writer, evidence);
        writer.WriteEndMap();
        return writer.Encode();
    }

    /// <returns>Null for a kind that only a newer program knows.</returns>
    /// <exception cref="JournalDamagedException">The bytes are no fact.</exception>
    public static Evidence? DecodeFact(PersonId person, EvidenceId id, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return ReadEvidence(Fields.Read(new CborReader(bytes, CborConformanceMode.Lax)), id, person);
        }
        catch (Exception failure) when (IsMalformed(failure))
        {
            throw new JournalDamagedException("message", 0, "it cannot be read: " + failure.Message);
        }
    }

    /// <summary>Reads what is to be taken in: none of it may be passed over, or it would be acknowledged and lost.</summary>
    /// <exception cref="JournalUnavailableException">
    /// Some of it is of a kind that only a newer program knows: during an upgrade a newer node sent it to this older one.
    /// </exception>
    public static IReadOnlyList<Evidence> DecodeToTakeIn(ReadOnlyMemory<byte> bytes) =>
        Read(bytes, "message", 0, fields => ReadEvidence(fields) ?? throw new JournalUnavailableException(
            "This node is of a version that does not know this kind of evidence: it can be taken in when the upgrade is done."));

    public static byte[] EncodeRisks(IReadOnlyList<AreaRisk> risks)
    {
        var writer = Begin(risks.Count);
        foreach (var risk in risks)
            Write(writer, risk);
        return End(writer);
    }

    /// <exception cref="JournalDamagedException">The bytes are no batch of area risks.</exception>
    public static IReadOnlyList<AreaRisk> DecodeRisks(JournalBatch batch) => Read(batch.Bytes, batch.Stream, batch.Sequence, ReadRisk);

    public static IReadOnlyList<AreaRisk> DecodeRisks(ReadOnlyMemory<byte> bytes) => Read(bytes, "message", 0, ReadRisk);

    private static IReadOnlyList<Evidence> Decode(ReadOnlyMemory<byte> bytes, string stream, long sequence) =>
        Read(bytes, stream, sequence, ReadEvidence);

    private static CborWriter Begin(int count)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical, convertIndefiniteLengthEncodings: true);
        writer.WriteStartArray(2);
        writer.WriteInt32(Format);
        writer.WriteStartArray(count);
        return writer;
    }

    private static byte[] End(CborWriter writer)
    {
        writer.WriteEndArray();
        writer.WriteEndArray();
        return writer.Encode();
    }

    private static List<T> Read<T>(ReadOnlyMemory<byte> bytes, string stream, long sequence, Func<Fields, T?> read) where T : class
    {
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Lax);
            reader.ReadStartArray();
            if (reader.ReadInt32() is var format && format != Format)
                throw new JournalDamagedException(stream, sequence, $"its format is {format}, and only {Format} is known");
            var items = new List<T>(reader.ReadStartArray() ?? 0);
            while (reader.PeekState() != CborReaderState.EndArray)
            {
                // A kind that a newer node wrote is not lost: it stays in the journal, and this node decides without it.
                if (read(Fields.Read(reader)) is { } item)
                    items.Add(item);
            }
            reader.ReadEndArray();
            reader.ReadEndArray();
            return items;
        }
        catch (Exception failure) when (IsMalformed(failure))
        {
            throw new JournalDamagedException(stream, sequence, "it cannot be read: " + failure.Message);
        }
    }

    private static bool IsMalformed(Exception failure) =>
        failure is CborContentException or InvalidOperationException or OverflowException or ArgumentException or KeyNotFoundException;

    private static void Write(CborWriter writer, Evidence evidence)
    {
        writer.WriteStartMap(null);
        Number(writer, 1, (int)evidence.Kind);
        Bytes8(writer, 2, evidence.Id.Value);
        writer.WriteInt32(3);
        Span<byte> person = stackalloc byte[PersonId.Size];
        evidence.Person.WriteTo(person);
        writer.WriteByteString(person);
        WriteStatement(writer, evidence, withKind: false);
        writer.WriteEndMap();
    }

    private static void WriteStatement(CborWriter writer, Evidence evidence, bool withKind = true)
    {
        if (withKind)
            Number(writer, 1, (int)evidence.Kind);
        Number(writer, 4, evidence.Happened.Value);
        Number(writer, 5, evidence.Received.Value);
        Number(writer, 6, (int)evidence.Source);
        TextIfAny(writer, 7, evidence.EnteredBy);
        WriteFields(writer, evidence);
    }

    private static void WriteFields(CborWriter writer, Evidence evidence)
    {
        switch (evidence)
        {
            case Declaration declaration:
                NumberIfAny(writer, 10, (int)declaration.Symptoms);
                NumberIfAny(writer, 11, declaration.TemperatureTenths);
                NumberIfAny(writer, 12, (int)declaration.Contact);
                break;
            case Stay stay:
                Number(writer, 20, stay.Area.Value);
                if (!stay.Until.IsNever)
                    Number(writer, 21, stay.Until.Value);
                Number(writer, 22, stay.Confidence);
                break;
            case Visit visit:
                NumberIfAny(writer, 11, visit.TemperatureTenths);
                Number(writer, 20, visit.Area.Value);
                TextIfAny(writer, 30, visit.Place);
                break;
            case Diagnosis diagnosis:
                Number(writer, 40, (int)diagnosis.Status);
                if (diagnosis.Onset is { } onset)
                    Number(writer, 41, onset.Value);
                TextIfAny(writer, 42, diagnosis.Institution);
                break;
            case Correction correction:
                Bytes8(writer, 50, correction.Corrects.Value);
                TextIfAny(writer, 51, correction.Reason);
                break;
            case Journey journey:
                Number(writer, 21, journey.Until.Value);
                Number(writer, 60, (int)journey.Mode);
                TextIfAny(writer, 61, journey.Number);
                TextIfAny(writer, 62, journey.Carriage);
                TextIfAny(writer, 63, journey.Seat);
                Number(writer, 64, journey.From.Value);
                Number(writer, 65, journey.To.Value);
                break;
            case Test test:
                TextIfAny(writer, 42, test.Institution);
                Number(writer, 70, (int)test.Result);
                break;
            case Vaccination vaccination:
                Number(writer, 80, vaccination.Dose);
                TextIfAny(writer, 81, vaccination.Vaccine);
                break;
            case Contact contact:
                Number(writer, 90, (int)contact.Degree);
                TextIfAny(writer, 91, contact.Circumstance);
                break;
            case Order order:
                TextIfAny(writer, 42, order.Institution);
                Number(writer, 100, (int)order.Ordered);
                TextIfAny(writer, 101, order.Basis);
                break;
            case Release release:
                TextIfAny(writer, 42, release.Institution);
                Number(writer, 100, (int)release.Released);
                break;
            case Arrival arrival:
                TextIfAny(writer, 110, arrival.Country);
                Number(writer, 111, arrival.Port.Value);
                break;
            case Recognition recognition:
                TextIfAny(writer, 51, recognition.Reason);
                Number(writer, 120, recognition.Issuer.Value);
                Number(writer, 121, (int)recognition.Colour);
                break;
            case Answer answer:
                Bytes8(writer, 130, answer.Question.Value);
                Number(writer, 131, answer.WasThere ? 1 : 0);
                break;
            case Pass pass:
                Number(writer, 21, pass.Until.Value);
                TextIfAny(writer, 140, pass.Purpose);
                break;
            default:
                throw new ArgumentException($"Evidence of kind {evidence.Kind} has no form in the journal.", nameof(evidence));
        }
    }

    private static Evidence? ReadEvidence(Fields fields) =>
        ReadEvidence(fields, new EvidenceId(fields.Bytes8(2)), PersonId.FromBytes(fields.Bytes(3)));

    private static Evidence? ReadEvidence(Fields fields, EvidenceId id, PersonId person)
    {
        var (happened, received) = (new Minute(fields.Int(4)), new Minute(fields.Int(5)));
        var (source, by) = ((Source)fields.Int(6), fields.TextOrNull(7));
        return (EvidenceKind)fields.Int(1) switch
        {
            EvidenceKind.Declaration => new Declaration
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Symptoms = (Symptoms)fields.IntOr(10, 0), TemperatureTenths = (short)fields.IntOr(11, 0), Contact = (DeclaredContact)fields.IntOr(12, 0),
            },
            EvidenceKind.Stay => new Stay
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Area = new AreaCode(fields.Long(20)), Until = new Minute(fields.IntOr(21, Minute.Never.Value)), Confidence = (byte)fields.Int(22),
            },
            EvidenceKind.Visit => new Visit
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Place = fields.TextOrNull(30) ?? "", Area = new AreaCode(fields.Long(20)), TemperatureTenths = (short)fields.IntOr(11, 0),
            },
            EvidenceKind.Diagnosis => new Diagnosis
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Status = (DiagnosisStatus)fields.Int(40), Onset = fields.Has(41) ? new Day(fields.Int(41)) : null,
                Institution = fields.TextOrNull(42) ?? "",
            },
            EvidenceKind.Correction => new Correction
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Corrects = new EvidenceId(fields.Bytes8(50)), Reason = fields.TextOrNull(51) ?? "",
            },
            EvidenceKind.Journey => new Journey
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Mode = (JourneyMode)fields.Int(60), Number = fields.TextOrNull(61) ?? "", Carriage = fields.TextOrNull(62), Seat = fields.TextOrNull(63),
                From = new AreaCode(fields.Long(64)), To = new AreaCode(fields.Long(65)), Until = new Minute(fields.Int(21)),
            },
            EvidenceKind.Test => new Test
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Result = (TestResult)fields.Int(70), Institution = fields.TextOrNull(42) ?? "",
            },
            EvidenceKind.Vaccination => new Vaccination
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Dose = (byte)fields.Int(80), Vaccine = fields.TextOrNull(81) ?? "",
            },
            EvidenceKind.Contact => new Contact
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Degree = (ContactKind)fields.Int(90), Circumstance = fields.TextOrNull(91) ?? "",
            },
            EvidenceKind.Order => new Order
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Ordered = (OrderKind)fields.Int(100), Institution = fields.TextOrNull(42) ?? "", Basis = fields.TextOrNull(101) ?? "",
            },
            EvidenceKind.Release => new Release
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Released = (OrderKind)fields.Int(100), Institution = fields.TextOrNull(42) ?? "",
            },
            EvidenceKind.Arrival => new Arrival
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Country = fields.TextOrNull(110) ?? "", Port = new AreaCode(fields.Long(111)),
            },
            EvidenceKind.Recognition => new Recognition
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Issuer = new AreaCode(fields.Long(120)), Colour = (Colour)fields.Int(121), Reason = fields.TextOrNull(51) ?? "",
            },
            EvidenceKind.Answer => new Answer
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Question = new EvidenceId(fields.Bytes8(130)), WasThere = fields.Int(131) != 0,
            },
            EvidenceKind.Pass => new Pass
            {
                Id = id, Person = person, Happened = happened, Received = received, Source = source, EnteredBy = by,
                Until = new Minute(fields.Int(21)), Purpose = fields.TextOrNull(140) ?? "",
            },
            _ => null,
        };
    }

    private static void Write(CborWriter writer, AreaRisk risk)
    {
        writer.WriteStartMap(null);
        writer.WriteInt32(1);
        writer.WriteByteString(risk.Id.ToByteArray(bigEndian: true));
        Number(writer, 2, risk.Area.Value);
        Number(writer, 3, (int)risk.Level);
        Number(writer, 4, risk.From.Value);
        if (!risk.Until.IsNever)
            Number(writer, 5, risk.Until.Value);
        TextIfAny(writer, 6, risk.Reason);
        TextIfAny(writer, 7, risk.SetBy);
        Number(writer, 8, risk.SetAt.Value);
        writer.WriteEndMap();
    }

    private static AreaRisk ReadRisk(Fields fields) => new(
        new Guid(fields.Bytes(1), bigEndian: true), new AreaCode(fields.Long(2)), (RiskLevel)fields.Int(3), new Minute(fields.Int(4)),
        new Minute(fields.IntOr(5, Minute.Never.Value)), fields.TextOrNull(6) ?? "", fields.TextOrNull(7) ?? "", new Minute(fields.Int(8)));

    private static void Number(CborWriter writer, int key, long value)
    {
        writer.WriteInt32(key);
        writer.WriteInt64(value);
    }

    private static void NumberIfAny(CborWriter writer, int key, long value)
    {
        if (value != 0)
            Number(writer, key, value);
    }

    private static void TextIfAny(CborWriter writer, int key, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return;
        writer.WriteInt32(key);
        writer.WriteTextString(value);
    }

    private static void Bytes8(CborWriter writer, int key, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        writer.WriteInt32(key);
        writer.WriteByteString(bytes);
    }

    /// <summary>The map of one fact: numbers, texts and byte strings by key; whatever else it holds is skipped.</summary>
    /// <remarks>One for each thread, and flat: a start reads millions of facts, of ten fields each.</remarks>
    private sealed class Fields
    {
        [ThreadStatic]
        private static Fields? reused;

        private readonly List<(int Key, long Number, object? Other)> all = new(16);

        public static Fields Read(CborReader reader)
        {
            var fields = reused ??= new Fields();
            fields.all.Clear();
            reader.ReadStartMap();
            while (reader.PeekState() != CborReaderState.EndMap)
                fields.ReadOne(reader, reader.ReadInt32());
            reader.ReadEndMap();
            return fields;
        }

        private void ReadOne(CborReader reader, int key)
        {
            switch (reader.PeekState())
            {
                case CborReaderState.UnsignedInteger or CborReaderState.NegativeInteger:
                    all.Add((key, reader.ReadInt64(), null));
                    break;
                case CborReaderState.TextString:
                    all.Add((key, 0, reader.ReadTextString()));
                    break;
                case CborReaderState.ByteString:
                    all.Add((key, 0, reader.ReadByteString()));
                    break;
                default:
                    reader.SkipValue();
                    break;
            }
        }

        public bool Has(int key) => NumberOf(key) is not null;

        public long Long(int key) => NumberOf(key) ?? throw new KeyNotFoundException($"field {key} is missing");

        public int Int(int key) => checked((int)Long(key));

        public int IntOr(int key, int otherwise) => checked((int)(NumberOf(key) ?? otherwise));

        public string? TextOrNull(int key) => OtherOf(key) as string;

        public byte[] Bytes(int key) => OtherOf(key) is byte[] { Length: PersonId.Size } bytes
            ? bytes : throw new ArgumentException($"field {key} is not of {PersonId.Size} bytes");

        public ulong Bytes8(int key) => OtherOf(key) is byte[] { Length: 8 } bytes
            ? System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes) : throw new ArgumentException($"field {key} is not of 8 bytes");

        // A key that came twice is what it was last.
        private long? NumberOf(int key)
        {
            for (var index = all.Count - 1; index >= 0; index--)
            {
                if (all[index].Key == key && all[index].Other is null)
                    return all[index].Number;
            }
            return null;
        }

        private object? OtherOf(int key)
        {
            for (var index = all.Count - 1; index >= 0; index--)
            {
                if (all[index].Key == key && all[index].Other is { } other)
                    return other;
            }
            return null;
        }
    }
}
