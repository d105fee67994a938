using System.Globalization;
using System.Text.RegularExpressions;
using HealthCode.Domain;

namespace HealthCode.Storage;

/// <summary>What is wrong in a text, and where; line and column count from 1.</summary>
public sealed record EditionProblem(int Line, int Column, string Message);

/// <summary>What an edition's text and cases amount to.</summary>
/// <param name="Policy">Null while the text has problems.</param>
/// <param name="Base">The text of the edition that a regional one builds on; else null.</param>
/// <param name="Cases">How each case does; none while the text has problems.</param>
public sealed record EditionFindings(
    Policy? Policy, string? Base, IReadOnlyList<EditionProblem> Problems, IReadOnlyList<CaseResult> Cases)
{
    public PlanEdition? Edition => Policy?.Edition;

    public IEnumerable<CaseResult> Failing => Cases.Where(result => result.Problem is not null);
}

/// <summary>Reads texts of editions, and finds what they build on: first among the approved, then among files.</summary>
/// <param name="folders">Where files of editions lie, the first one first.</param>
public sealed partial class EditionLibrary(PlanHistory history, params string[] folders)
{
    /// <summary>Reads a text and runs its cases. Never throws for what is written in them.</summary>
    public EditionFindings Check(EditionText text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string? based = null;
        try
        {
            var policy = new Policy(EditionFile.Parse(text.Text, Name, id => based = TextOf(id)));
            return new(policy, based, [], string.IsNullOrWhiteSpace(text.Cases) ? [] : CaseTable.Check(text.Cases, policy));
        }
        catch (EditionFileException refused)
        {
            return new(null, null, [.. refused.Problems.Select(ProblemOf)], []);
        }
    }

    private string? TextOf(string id) => history.Find(id)?.Approval.Text ?? Find(id, folders)?.Text;

    /// <summary>The file of an edition with its cases beside it; null when none of the folders has it.</summary>
    public static EditionText? Find(string id, params string[] folders)
    {
        ArgumentNullException.ThrowIfNull(folders);
        // An id comes from a text that anybody may have written, and becomes part of a path here.
        if (!IdForm().IsMatch(id))
            return null;
        var folder = Array.Find(folders, folder => File.Exists(Path.Combine(folder, id + ".yaml")));
        return folder is null ? null : Read(Path.Combine(folder, id + ".yaml"));
    }

    /// <summary>A file with the cases that lie beside it, in <c>cases/</c>; without cases when there are none.</summary>
    public static EditionText Read(string path)
    {
        var cases = Path.Combine(Path.GetDirectoryName(path) ?? "", "cases", Path.GetFileNameWithoutExtension(path) + ".txt");
        return new(File.ReadAllText(path), File.Exists(cases) ? File.ReadAllText(cases) : "");
    }

    private const string Name = "edition";

    private static EditionProblem ProblemOf(string problem) => PlacedProblem().Match(problem) is { Success: true } match
        ? new(Number(match.Groups[1]), Number(match.Groups[2]), match.Groups[3].Value) : new(1, 1, problem);

    private static int Number(Group digits) => int.TryParse(digits.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? Math.Max(1, value) : 1;

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9-]{0,59}$")]
    public static partial Regex IdForm();

    [GeneratedRegex(@"^edition:(\d+):(\d+): (.*)$", RegexOptions.Singleline)]
    private static partial Regex PlacedProblem();
}
