using System.Buffers;
using System.IO.Pipelines;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.People;
using HealthCode.Server.Security;
using HealthCode.Storage;

namespace HealthCode.Server.Sources;

/// <summary>One feed under way: a body of JSON Lines, a fact a line, however long it is.</summary>
/// <remarks>
/// A line is read, checked and dropped; <see cref="ChunkSize"/> facts are written together, and at most
/// <see cref="ChunksUnderWayMax"/> such chunks at a time. While they are, nothing more is read: memory does not grow with the
/// feed, and whoever sends is slowed down to what the journal takes. A bad line is counted and named and hinders no other. What was written before a feed broke off
/// stays; sending the whole again writes the rest, since a fact's id comes from its source and the line's own id.
/// </remarks>
internal sealed class EvidenceFeed(EntryReader entries, PeopleDirectory people, string enteredBy, TimeProvider time)
{
    /// <summary>Bytes of a line, without its end.</summary>
    public const int LineLengthMax = 4_096;

    private const int IdLengthMax = 100;
    private const int ChunkSize = 500;
    private const int ChunksUnderWayMax = 4;

    /// <summary>How long a chunk waits for partitions that are busy before the feed breaks off.</summary>
    private static readonly TimeSpan BusyMax = TimeSpan.FromMinutes(1);
    private const int LinesListedMax = 10_000;

    private static readonly Dictionary<string, Source> SourcesByWord = new()
    {
        ["telecom"] = Source.Telecom, ["railway"] = Source.Railway, ["airline"] = Source.Airline, ["coach"] = Source.Coach,
        ["laboratory"] = Source.Laboratory, ["hospital"] = Source.Hospital, ["border-control"] = Source.BorderControl, ["region"] = Source.Region,
    };

    private readonly DateTimeOffset startedAt = time.GetUtcNow();
    private readonly Queue<Task> underWay = new();
    private readonly List<RefusedLine> lines = [];
    private readonly Lock gate = new();
    private List<(long Line, string Id, Evidence Evidence)> chunk = new(ChunkSize);
    private long line, read, accepted, known, refused;
    private ulong sum;

    /// <summary>How far it has come: what was read, and what of it is durable.</summary>
    public FeedProgress Progress
    {
        get
        {
            lock (gate)
                return new FeedProgress(startedAt, enteredBy, Volatile.Read(ref read), accepted, known, refused);
        }
    }

    public async Task<FeedReport> ReadAsync(PipeReader body, CancellationToken cancellation)
    {
        var tooLong = false;
        while (true)
        {
            var result = await body.ReadAsync(cancellation);
            var rest = result.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                await TakeAsync(rest.Slice(0, end), tooLong);
                tooLong = false;
                rest = rest.Slice(rest.GetPosition(1, end));
            }
            // The beginning of a line that will never fit is dropped, and the rest of it with the next reads.
            tooLong |= rest.Length > LineLengthMax;
            if (result.IsCompleted)
            {
                if (tooLong || !rest.IsEmpty)
                    await TakeAsync(rest, tooLong);
                body.AdvanceTo(rest.End);
                break;
            }
            body.AdvanceTo(tooLong ? rest.End : rest.Start, rest.End);
        }
        await WriteAsync();
        while (underWay.TryDequeue(out var oldest))
            await oldest;
        lines.Sort((a, b) => a.Line.CompareTo(b.Line));
        return new FeedReport(read, accepted, known, refused, lines, Reconciliation.Text(sum));
    }

    private async Task TakeAsync(ReadOnlySequence<byte> bytes, bool tooLong)
    {
        line++;
        if (!tooLong && IsBlank(bytes))
            return;
        read++;
        if (tooLong || bytes.Length > LineLengthMax)
            Note(line, null, Refuse.With(Refusals.LineTooLong));
        else if (Read(bytes, out var id, out var evidence) is { } refused)
            Note(line, id, refused);
        else
            chunk.Add((line, id!, evidence));
        if (chunk.Count == ChunkSize)
            await WriteAsync();
    }

    // The oldest chunk is waited for when as many as may are under way: that is where the feed is held back.
    private async Task WriteAsync()
    {
        if (chunk.Count == 0)
            return;
        if (underWay.Count == ChunksUnderWayMax)
            await underWay.Dequeue();
        underWay.Enqueue(WriteAsync(chunk));
        chunk = new(ChunkSize);
    }

    private Refused? Read(ReadOnlySequence<byte> bytes, out string? id, out Evidence evidence)
    {
        (id, evidence) = (null, null!);
        if (EntryReader.Parse(bytes.IsSingleSegment ? bytes.FirstSpan : bytes.ToArray(), out var entry) is { } malformed)
            return malformed;
        if (Fields.Text(entry.Id, "id", Refusals.FieldMissing, IdLengthMax) is { } badId)
            return badId;
        id = entry.Id;
        if (!SourcesByWord.TryGetValue(entry.Source ?? "", out var source))
            return Refuse.With(Refusals.SourceUnknown, "source");
        var evidenceId = EvidenceId.From("feed/" + entry.Source, entry.Id!);
        if (entries.Read(entry, evidenceId, source, enteredBy, time.GetUtcNow(), out evidence) is { } bad)
            return bad;
        return Reporters.MayFeed(source, evidence) ? null : Refuse.With(Refusals.SourceNotForKind, "kind");
    }

    private async Task WriteAsync(List<(long Line, string Id, Evidence Evidence)> facts)
    {
        var answers = await AcceptAsync(facts.ConvertAll(fact => fact.Evidence));
        lock (gate)
        {
            for (var index = 0; index < answers.Length; index++)
            {
                if (answers[index] == Acceptance.KeyReused)
                {
                    Note(facts[index].Line, facts[index].Id, Refuse.With(Refusals.IdempotencyKeyReused, "id"));
                    continue;
                }
                sum += facts[index].Evidence.Id.Value;
                if (answers[index] == Acceptance.Known)
                    known++;
                else
                    accepted++;
            }
        }
    }

    // A feed can wait, and what people send by hand goes before it.
    private async Task<Acceptance[]> AcceptAsync(List<Evidence> facts)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await people.AcceptAsync(facts);
            }
            catch (Exception failure) when (Outage.IsBusy(failure) && time.GetElapsedTime(began) < BusyMax)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), time);
            }
        }
    }

    private void Note(long number, string? id, Refused refusal)
    {
        lock (gate)
        {
            refused++;
            if (lines.Count < LinesListedMax)
                lines.Add(new RefusedLine(number, id, refusal.Refusal.Name, refusal.Field));
        }
    }

    private static bool IsBlank(ReadOnlySequence<byte> bytes)
    {
        foreach (var segment in bytes)
        {
            if (segment.Span.IndexOfAnyExcept(" \t\r"u8) >= 0)
                return false;
        }
        return true;
    }
}
