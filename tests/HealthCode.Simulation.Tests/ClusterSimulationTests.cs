using HealthCode.Domain;
using HealthCode.Storage;

namespace HealthCode.Simulation.Tests;

/// <summary>The promises of a cluster in histories of kills, stops and losses. More of them: <c>healthcode simulate</c>.</summary>
public sealed class ClusterSimulationTests
{
    private const int Seeds = 200;

    private static readonly Policy Policy = new(EditionFile.Load(Path.Combine(AppContext.BaseDirectory, "editions", "national-9.yaml")));

    [Fact]
    public void Whatever_happens_to_a_cluster_nothing_acknowledged_is_lost_doubled_or_shown_wrong()
    {
        var outcomes = new ClusterOutcome[Seeds];
        Parallel.For(0, Seeds, index => outcomes[index] = ClusterSimulation.Run(1_000 + index, Policy));

        Assert.Equal("", string.Join('\n', outcomes.Where(outcome => outcome.Wrong is not null).Select(outcome => $"seed {outcome.Seed}: {outcome.Wrong}")));
        // All of that did happen, or it was no trial.
        Assert.All(outcomes, outcome => Assert.True(outcome.Acknowledged > 100 && outcome.Displays > 100, $"seed {outcome.Seed} was quiet: {outcome}"));
        AtLeast(Seeds, "kills", outcome => outcome.Kills);
        AtLeast(Seeds, "stops", outcome => outcome.Stops);
        AtLeast(5 * Seeds, "takeovers", outcome => outcome.Takeovers);
        AtLeast(Seeds, "deletions", outcome => outcome.Deletions);
        AtLeast(Seeds / 10, "damaged snapshots", outcome => outcome.SnapshotsDamaged);

        void AtLeast(int least, string what, Func<ClusterOutcome, int> count) =>
            Assert.True(outcomes.Sum(count) >= least, $"only {outcomes.Sum(count)} {what} in {Seeds} histories");
    }

    [Fact]
    public void A_seed_always_gives_the_same_history() =>
        Assert.Equal(ClusterSimulation.Run(7, Policy), ClusterSimulation.Run(7, Policy));

    [Theory]
    // A destruction of a person's key that came late took what had come after it.
    [InlineData(1)]
    [InlineData(22)]
    [InlineData(26)]
    [InlineData(33)]
    public void What_once_went_wrong_goes_right(int seed) => Assert.Null(ClusterSimulation.Run(seed, Policy).Wrong);
}
