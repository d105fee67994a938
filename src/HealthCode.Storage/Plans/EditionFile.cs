using System.Globalization;
using HealthCode.Domain;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace HealthCode.Storage;

/// <summary>Reads an edition of the plan from its YAML file. Every problem is named with file, line and column.</summary>
/// <remarks><c>docs/reference/editions.md</c> describes the form.</remarks>
public static class EditionFile
{
    /// <summary>Longer texts are refused before they are read: an edition is some tens of kilobytes.</summary>
    public const int LengthMax = 512 * 1024;

    /// <summary>Levels of nesting; an edition has no more than eight.</summary>
    private const int DepthMax = 20;

    /// <summary>Reads a file; the base of a regional edition is looked for beside it.</summary>
    public static PlanEdition Load(string path)
    {
        if (!File.Exists(path))
            throw new EditionFileException([$"{path}: there is no such file"]);
        return Parse(File.ReadAllText(path), Path.GetFileName(path), id => TextBeside(path, id));
    }

    /// <param name="name">How problems call the text.</param>
    /// <param name="findBase">The text of the edition with an id, for regional editions; its answer is null when there is none.</param>
    /// <exception cref="EditionFileException">With all problems that were found, not only the first.</exception>
    public static PlanEdition Parse(string text, string name, Func<string, string?>? findBase = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        var problems = new EditionProblems(name);
        var edition = Root(text, problems) is { } root ? new EditionReader(problems, findBase ?? (_ => null)).Read(root) : null;
        return problems.Any || edition is null ? throw new EditionFileException(problems.All) : edition;
    }

    internal static EditionNode? Root(string text, EditionProblems problems)
    {
        if (text.Length > LengthMax)
        {
            problems.Add(Mark.Empty, $"an edition has at most {LengthMax:N0} characters");
            return null;
        }
        var parser = new Parser(new StringReader(text));
        try
        {
            if (Unbounded(parser) is var (mark, what))
            {
                problems.Add(mark, what);
                return null;
            }
            parser = new Parser(new StringReader(text));
            var stream = new YamlStream();
            stream.Load(parser);
            if (stream.Documents is [{ RootNode: YamlMappingNode root }])
                return new EditionNode(root, problems);
            problems.Add(stream.Documents.Count > 0 ? stream.Documents[^1].RootNode.Start : Mark.Empty, "an edition is one document with fields");
        }
        catch (YamlException failure)
        {
            problems.Add(failure.Start, "this is not YAML: " + failure.Message);
        }
        catch (Exception failure) when (failure is ArgumentException or InvalidOperationException)
        {
            // The library reports some malformed comments, anchors and twice given keys so, without a place.
            problems.Add(parser.Current?.End ?? Mark.Empty, "from here on this is not YAML: " + failure.Message);
        }
        return null;
    }

    // What is nested is read by calling itself, and what an alias repeats is read each time: a short text could stand for
    // one without end.
    private static (Mark At, string What)? Unbounded(Parser parser)
    {
        var depth = 0;
        while (parser.MoveNext())
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > DepthMax)
                return (parser.Current.Start, $"nothing in an edition is nested more than {DepthMax} deep");
            if (parser.Current is AnchorAlias)
                return (parser.Current.Start, "an edition says everything where it stands: aliases are not known here");
        }
        return null;
    }

    private static string? TextBeside(string path, string id)
    {
        var beside = Path.Combine(Path.GetDirectoryName(path) ?? "", Path.GetFileName(id) + ".yaml");
        return File.Exists(beside) ? File.ReadAllText(beside) : null;
    }
}

/// <summary>An edition file cannot be used.</summary>
public sealed class EditionFileException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    /// <summary>Each as <c>file:line:column: what is wrong</c>.</summary>
    public IReadOnlyList<string> Problems { get; } = problems;
}

/// <summary>What was found wrong so far, each with its place.</summary>
internal sealed class EditionProblems(string file)
{
    private readonly List<string> all = [];

    public bool Any => all.Count > 0;

    public IReadOnlyList<string> All => all;

    // The parser counts from 1, and calls what has no place line 0.
    public void Add(Mark at, string what) =>
        all.Add(string.Create(CultureInfo.InvariantCulture, $"{file}:{Math.Max(1, at.Line)}:{Math.Max(1, at.Column)}: {what}"));
}
