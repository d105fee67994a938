namespace HealthCode.Domain.Tests;

/// <summary>One person's history as a table, in the words of an edition's cases: see <see cref="CaseTable"/>.</summary>
internal static class History
{
    public static void Check(string table) => Check(table, Editions.Hangzhou);

    public static void Check(string table, Policy policy)
    {
        var result = Assert.Single(CaseTable.Check(table, policy));
        Assert.True(result.Problem is null, result.Problem);
    }
}
