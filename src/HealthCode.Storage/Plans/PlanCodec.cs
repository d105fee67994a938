using System.Formats.Cbor;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>The life of editions as the journal's bytes, in the stream <see cref="JournalStreams.Plans"/>.</summary>
/// <remarks>
/// CBOR (RFC 8949): <c>[format, [fact, …]]</c> as evidence is, each fact a map with small integer keys. A key or kind that
/// is not known here is skipped; a number, once given a meaning, keeps it.
///
/// <code>
///   1 kind (1 approved, 2 withdrawn)   2 edition   3 by   4 at   5 reason
///   10 text   11 base   12 cases   13 in force from   14 author        approved
/// </code>
/// </remarks>
public static class PlanCodec
{
    private const int Format = 1;
    private const int Approved = 1;
    private const int Withdrawn = 2;

    public static byte[] Encode(PlanFact fact)
    {
        ArgumentNullException.ThrowIfNull(fact);
        var writer = new CborWriter(CborConformanceMode.Canonical, convertIndefiniteLengthEncodings: true);
        writer.WriteStartArray(2);
        writer.WriteInt32(Format);
        writer.WriteStartArray(1);
        Write(writer, fact);
        writer.WriteEndArray();
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <exception cref="JournalDamagedException">The bytes are no batch of this stream.</exception>
    public static IReadOnlyList<PlanFact> Decode(JournalBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Decode(batch.Bytes, batch.Stream, batch.Sequence);
    }

    /// <summary>Reads what came over the wire; see <see cref="Decode(JournalBatch)"/>.</summary>
    public static IReadOnlyList<PlanFact> Decode(ReadOnlyMemory<byte> bytes) => Decode(bytes, "message", 0);

    private static List<PlanFact> Decode(ReadOnlyMemory<byte> bytes, string stream, long sequence)
    {
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Lax);
            reader.ReadStartArray();
            if (reader.ReadInt32() is var format && format != Format)
                throw new JournalDamagedException(stream, sequence, $"its format is {format}, and only {Format} is known");
            var facts = new List<PlanFact>();
            reader.ReadStartArray();
            while (reader.PeekState() != CborReaderState.EndArray)
            {
                if (Read(reader) is { } fact)
                    facts.Add(fact);
            }
            reader.ReadEndArray();
            reader.ReadEndArray();
            return facts;
        }
        catch (Exception failure) when (failure is CborContentException or InvalidOperationException or OverflowException
            or InvalidCastException or KeyNotFoundException)
        {
            throw new JournalDamagedException(stream, sequence, "it cannot be read: " + failure.Message);
        }
    }

    private static void Write(CborWriter writer, PlanFact fact)
    {
        writer.WriteStartMap(null);
        Number(writer, 1, fact is EditionApproved ? Approved : Withdrawn);
        Text(writer, 2, fact.Edition);
        Text(writer, 3, fact.By);
        Number(writer, 4, fact.At.Value);
        Text(writer, 5, fact.Reason);
        if (fact is EditionApproved approved)
        {
            Text(writer, 10, approved.Text);
            if (approved.Base is { } based)
                Text(writer, 11, based);
            Text(writer, 12, approved.Cases);
            Number(writer, 13, approved.InForceFrom.Value);
            Text(writer, 14, approved.Author);
        }
        writer.WriteEndMap();
    }

    private static void Number(CborWriter writer, int key, int value)
    {
        writer.WriteInt32(key);
        writer.WriteInt32(value);
    }

    private static void Text(CborWriter writer, int key, string value)
    {
        writer.WriteInt32(key);
        writer.WriteTextString(value);
    }

    private static PlanFact? Read(CborReader reader)
    {
        var fields = ReadFields(reader);
        var (edition, by, at, reason) = ((string)fields[2], (string)fields[3], MinuteOf(fields[4]), (string)fields[5]);
        return fields[1] switch
        {
            (long)Approved => new EditionApproved
            {
                Edition = edition, By = by, At = at, Reason = reason, Text = (string)fields[10], Base = (string?)fields.GetValueOrDefault(11),
                Cases = (string)fields[12], InForceFrom = MinuteOf(fields[13]), Author = (string)fields[14],
            },
            (long)Withdrawn => new EditionWithdrawn { Edition = edition, By = by, At = at, Reason = reason },
            _ => null,
        };
    }

    private static Minute MinuteOf(object number) => new(checked((int)(long)number));

    private static Dictionary<int, object> ReadFields(CborReader reader)
    {
        var fields = new Dictionary<int, object>();
        reader.ReadStartMap();
        while (reader.PeekState() != CborReaderState.EndMap)
        {
            var key = reader.ReadInt32();
            if (ReadValue(reader) is { } value)
                fields[key] = value;
        }
        reader.ReadEndMap();
        return fields;
    }

    private static object? ReadValue(CborReader reader)
    {
        switch (reader.PeekState())
        {
            case CborReaderState.UnsignedInteger or CborReaderState.NegativeInteger:
                return reader.ReadInt64();
            case CborReaderState.TextString:
                return reader.ReadTextString();
            default:
                reader.SkipValue();
                return null;
        }
    }
}
