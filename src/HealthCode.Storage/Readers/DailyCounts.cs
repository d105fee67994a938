using HealthCode.Domain;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Storage;

/// <summary>How much evidence of a kind came from a source on a day. It names nobody, and stays when people are deleted and weeks erased.</summary>
public sealed class DailyCount
{
    /// <summary>A <see cref="Domain.Day"/>'s value: when it was received, in China.</summary>
    public int Day { get; set; }

    /// <summary>An <see cref="EvidenceKind"/>.</summary>
    public int Kind { get; set; }

    /// <summary>A <see cref="Domain.Source"/>.</summary>
    public int Source { get; set; }

    public long Count { get; set; }
}

/// <summary>The reader that counts what comes in.</summary>
public sealed class DailyCounts : IEvidenceReader
{
    public string Name => "daily";

    public async Task ApplyAsync(BackOfficeContext context, IReadOnlyList<EvidenceBatch> batches, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(context);
        var counts = batches.SelectMany(batch => batch.Facts)
            .CountBy(fact => (Day: Day.Of(fact.Received).Value, Kind: (int)fact.Kind, Source: (int)fact.Source)).OrderBy(count => count.Key);
        foreach (var ((day, kind, source), added) in counts)
        {
            await context.Database.ExecuteSqlAsync($"""
                INSERT INTO "DailyCounts" ("Day", "Kind", "Source", "Count") VALUES ({day}, {kind}, {source}, {(long)added})
                ON CONFLICT ("Day", "Kind", "Source") DO UPDATE SET "Count" = "DailyCounts"."Count" + excluded."Count"
                """, cancellation).ConfigureAwait(false);
        }
    }

    public Task DropAsync(BackOfficeContext context, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.DailyCounts.ExecuteDeleteAsync(cancellation);
    }
}
