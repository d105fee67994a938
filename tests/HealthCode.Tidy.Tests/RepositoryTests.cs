using System.Diagnostics;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace HealthCode.Tidy.Tests;

/// <summary>The repository itself: layers, links, and nothing in it that belongs to one machine.</summary>
public sealed partial class RepositoryTests
{
    private static readonly string Root = FindRoot();

    // From below to above; a project may refer to those of an earlier row only.
    private static readonly string[][] Layers =
        [["Domain"], ["Tokens", "Api", "Storage"], ["Web", "Simulation", "Cli"], ["Server"]];

    private static IEnumerable<string> Tracked
    {
        get
        {
            // Also what is new and not ignored, so that the tests say so before a commit does.
            var git = Process.Start(new ProcessStartInfo("git", "ls-files --cached --others --exclude-standard") { WorkingDirectory = Root, RedirectStandardOutput = true })!;
            var files = git.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            git.WaitForExit();
            return files.Where(file => File.Exists(Path.Combine(Root, file)));
        }
    }

    private static IEnumerable<string> Projects => Tracked.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal));

    [Fact]
    public void References_go_downwards_only()
    {
        foreach (var project in Projects.Where(file => file.StartsWith("src/", StringComparison.Ordinal)))
        {
            foreach (var reference in References(project, "ProjectReference").Select(path => LayerOf(Path.GetFileNameWithoutExtension(path))))
                Assert.True(reference < LayerOf(Path.GetFileNameWithoutExtension(project)), $"{project} refers upwards or sideways");
        }
    }

    [Fact]
    public void The_domain_has_no_package_and_the_pages_reach_the_system_only_by_the_contracts()
    {
        Assert.Empty(References("src/HealthCode.Domain/HealthCode.Domain.csproj", "PackageReference"));
        Assert.Equal(["../HealthCode.Api/HealthCode.Api.csproj"], References("src/HealthCode.Web/HealthCode.Web.csproj", "ProjectReference"));
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = XDocument.Load(Path.Combine(Root, "HealthCode.slnx")).Descendants("Project").Select(project => project.Attribute("Path")!.Value);
        Assert.Equal(Projects.Order(StringComparer.Ordinal), solution.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Package_versions_are_central_and_exact()
    {
        Assert.All(Projects, project => Assert.All(
            XDocument.Load(Path.Combine(Root, project)).Descendants("PackageReference"), package => Assert.Null(package.Attribute("Version"))));
        Assert.All(
            XDocument.Load(Path.Combine(Root, "Directory.Packages.props")).Descendants("PackageVersion"),
            package => Assert.DoesNotMatch(@"[*\[\(]", package.Attribute("Version")!.Value));
    }

    [Fact]
    public void No_file_names_a_registry_or_a_place_on_somebodys_machine()
    {
        var found = Texts().SelectMany(file => File.ReadLines(Path.Combine(Root, file))
            .Select((line, index) => (line, place: $"{file}:{index + 1}")).Where(entry => Foreign().IsMatch(entry.line)).Select(entry => entry.place));
        Assert.Empty(found);
    }

    [Fact]
    public void Lines_end_alike_and_files_with_a_line_end() => Assert.All(Texts(), file =>
    {
        var text = File.ReadAllText(Path.Combine(Root, file));
        Assert.False(text.Contains('\r', StringComparison.Ordinal), file + " has carriage returns");
        Assert.True(text.Length == 0 || text.EndsWith('\n'), file + " does not end with a line end");
    });

    [Fact]
    public void Every_link_of_the_documents_leads_to_a_file() => Assert.All(
        Tracked.Where(file => file.EndsWith(".md", StringComparison.Ordinal)), file => Assert.All(
            Link().Matches(File.ReadAllText(Path.Combine(Root, file))).Select(match => match.Groups[1].Value)
                .Where(link => !link.Contains("://", StringComparison.Ordinal) && !link.StartsWith('#')),
            link => Assert.True(Path.Exists(Path.Combine(Root, Path.GetDirectoryName(file)!, link.Split('#')[0])), $"{file} links to {link}")));

    private static IEnumerable<string> Texts() => Tracked.Where(file =>
        Path.GetExtension(file) is ".cs" or ".csproj" or ".props" or ".json" or ".md" or ".sh" or ".ts" or ".css" or ".razor" or ".yaml" or ".mjs" or ".slnx" or ".csv"
        && !file.EndsWith("RepositoryTests.cs", StringComparison.Ordinal));

    private static IEnumerable<string> References(string project, string kind) =>
        XDocument.Load(Path.Combine(Root, project)).Descendants(kind).Select(reference => reference.Attribute("Include")!.Value);

    private static int LayerOf(string project) => Array.FindIndex(Layers, layer => layer.Contains(project["HealthCode.".Length..]));

    [GeneratedRegex(@"registry\.npmjs|api\.nuget\.org|nuget\.org/v3|""resolved""|(^|[\s""'=(])/(work|root|home|tmp)/")]
    private static partial Regex Foreign();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    internal static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "HealthCode.slnx")))
            folder = folder.Parent;
        return folder.FullName;
    }
}
