using HealthCode.Storage;

namespace HealthCode.Domain.Tests;

/// <summary>The editions as they are shipped.</summary>
internal static class Editions
{
    public static readonly PlanEdition Hangzhou = EditionFile.Load(Path.Combine(AppContext.BaseDirectory, "editions", "hangzhou-2020-02.yaml"));

    public static Rule Rule(string number) => Hangzhou.Rules.Single(rule => rule.Number == number);
}
