using System.Security.Cryptography;
using System.Text;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Security;
using Sylvan.Data.Csv;

namespace HealthCode.Server.Areas;

/// <summary>A file of area risks, read: <c>area,level,from,until,reason</c>, one period a line, UTF-8.</summary>
/// <remarks>
/// A bad row is named and left out, and the good ones count. Each line is read by itself, so that a quote which is never
/// closed spoils its own line and not the rest of the file; the price is that no text may hold a line end.
/// </remarks>
internal sealed class AreaRiskFile
{
    public const int BytesMax = 1 << 20;
    public const int RowsMax = 10_000;

    private static readonly string[] Columns = ["area", "level", "from", "until", "reason"];

    private readonly List<AreaRisk> risks = [];
    private readonly List<ImportProblem> problems = [];
    private readonly HashSet<Guid> ids = [];
    private readonly char[] buffer = new char[4_096];
    private readonly int[] places = [-1, -1, -1, -1, -1];
    private int width;

    private AreaRiskFile()
    {
    }

    public IReadOnlyList<AreaRisk> Risks => risks;

    public IReadOnlyList<ImportProblem> Problems => problems;

    /// <summary>Lines with anything on them, without the header.</summary>
    public int Rows { get; private set; }

    /// <returns>The refusal of the whole file, or null.</returns>
    public static Refused? Read(byte[] bytes, Divisions divisions, string setBy, Minute setAt, out AreaRiskFile file)
    {
        file = new AreaRiskFile();
        if (TextOf(bytes) is not { } text)
            return Refuse.With(Refusals.FileNotUtf8);
        var lines = text.Split('\n');
        if (!file.ReadHeader(lines[0]))
            return Refuse.With(Refusals.ColumnsMissing);
        if (lines.Length > RowsMax + 2)
            return Refuse.With(Refusals.RowsTooMany);
        for (var index = 1; index < lines.Length; index++)
            file.ReadRow(index + 1, lines[index], divisions, setBy, setAt);
        return null;
    }

    // Excel in China saves as GBK unless told otherwise; read as UTF-8 it would give reasons that nobody can read.
    private static string? TextOf(byte[] bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private bool ReadHeader(string line)
    {
        var names = CellsOf(line) ?? [];
        width = names.Length;
        for (var column = 0; column < Columns.Length; column++)
            places[column] = Array.FindIndex(names, name => name.Equals(Columns[column], StringComparison.OrdinalIgnoreCase));
        return Array.TrueForAll(places, place => place >= 0);
    }

    private void ReadRow(int line, string text, Divisions divisions, string setBy, Minute setAt)
    {
        if (string.IsNullOrWhiteSpace(text.Replace(',', ' ')))
            return;
        Rows++;
        var cells = CellsOf(text);
        var refused = cells is null || cells.Length > width
            ? Refuse.With(Refusals.RowMalformed) : RiskOf(cells, divisions, setBy, setAt, out var risk) ?? Keep(risk!);
        if (refused is not null)
            problems.Add(new ImportProblem(line, refused.Field, refused.Refusal.Type, refused.Refusal.Title, refused.Refusal.WhatToDo));
    }

    private Refused? Keep(AreaRisk risk)
    {
        if (!ids.Add(risk.Id))
            return Refuse.With(Refusals.RowRepeated);
        risks.Add(risk);
        return null;
    }

    private Refused? RiskOf(string[] cells, Divisions divisions, string setBy, Minute setAt, out AreaRisk? risk)
    {
        risk = null;
        string Cell(int column) => places[column] < cells.Length ? cells[places[column]] : "";
        if (Fields.Area(divisions, Cell(0), "area", AreasFeature.DepthMin, out var area) is { } badArea)
            return badArea;
        if (Fields.Level(Cell(1), out var level) is { } badLevel)
            return badLevel;
        if (Cell(2) == "")
            return Refuse.With(Refusals.FieldMissing, "from");
        if (Fields.Moment(Cell(2), "from", out var from) is { } badFrom)
            return badFrom;
        var until = Minute.Never;
        if (Cell(3) != "" && Fields.Moment(Cell(3), "until", out until) is { } badUntil)
            return badUntil;
        if (until <= from)
            return Refuse.With(Refusals.DateImpossible, "until");
        if (Fields.Text(Cell(4), "reason", Refusals.ReasonMissing) is { } badReason)
            return badReason;
        risk = new AreaRisk(IdOf(area, level, from), area, level, from, until, Cell(4), setBy, setAt);
        return null;
    }

    // A period of a file is named by what it says, so that the same file twice is the same periods, and a file with
    // another end changes the period that it had before.
    private static Guid IdOf(AreaCode area, RiskLevel level, Minute from) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes($"area-risk-file\n{area}\n{level}\n{from.Value}")).AsSpan(0, 16));

    private string[]? CellsOf(string line)
    {
        try
        {
            using var csv = CsvDataReader.Create(
                new StringReader(line.TrimEnd('\r')), buffer, new CsvDataReaderOptions { Delimiter = ',', HasHeaders = false });
            return csv.Read() ? [.. Enumerable.Range(0, csv.RowFieldCount).Select(cell => csv.GetString(cell).Trim())] : [];
        }
        catch (CsvFormatException)
        {
            return null;
        }
    }
}
