using HealthCode.Storage;

namespace HealthCode.Domain.Tests;

/// <summary>The editions that the tests decide under.</summary>
internal static class Editions
{
    public static readonly Policy Hangzhou = new(EditionFile.Load(Path.Combine(AppContext.BaseDirectory, "editions", "hangzhou-2020-02.yaml")));

    /// <summary>All that are shipped.</summary>
    public static readonly IReadOnlyList<Policy> Shipped =
        [.. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "editions"), "*.yaml").Order(StringComparer.Ordinal).Select(file => new Policy(EditionFile.Load(file)))];

    private const string Texts = """
            title: { zh: 规则, en: Rule }
            explanation: { zh: 说明, en: Explanation }
            end: { zh: 解除, en: End }
            whatToDo: { zh: 建议, en: Do }
            owner: { zh: 部门, en: Owner }
            source: https://example.org
        """;

    /// <summary>A rule for each kind of evidence and of ending; nobody's plan.</summary>
    public static readonly Policy EveryKind = new(EditionFile.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Plans", "every-kind.yaml")).Replace("    # texts", Texts, StringComparison.Ordinal), "every-kind.yaml"));

    public static Rule Rule(string number) => Hangzhou.Edition.Rules.Single(rule => rule.Number == number);
}
