using HealthCode.Domain;
using HealthCode.Storage;
using HealthCode.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace HealthCode.Server.Tests;

/// <summary><c>healthcode verify journal</c>, as an operator runs it.</summary>
public sealed class VerifyJournalTests(PostgresFixture postgres) : IDisposable
{
    private static readonly Minute Noon = Minute.Of(new DateTimeOffset(2026, 11, 18, 4, 0, 0, TimeSpan.Zero));

    private readonly string folder = Directory.CreateTempSubdirectory("healthcode-verify-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_is_read_also_what_was_erased_and_what_belonged_to_the_deleted_and_each_damage_is_named_by_its_place(bool inDatabase)
    {
        var store = inDatabase ? await KeptRegion.CreateStoreAsync(postgres) : null;
        string stream, named;
        await using (var region = await KeptRegion.StartAsync(folder, store))
        {
            var (person, deleted) = (await region.ApplyAsync(1, Noon), await region.ApplyAsync(2, Noon));
            foreach (var hour in Enumerable.Range(1, 4))
                await region.ReportAsync(person, $"report-{hour}", Noon.Plus(TimeSpan.FromHours(hour)));
            await region.ReportAsync(person, "long-ago", Noon.PlusDays(-70));
            await region.People.DeleteAsync(deleted);
            await region.Services.GetRequiredService<EvidenceStore>().EraseAsync(
                Segment.Of(RetentionClass.Short, Noon.PlusDays(-70)), DateTimeOffset.UtcNow, default);
            stream = JournalStreams.Of(person, KeptRegion.Partitions);

            var fine = await VerifyAsync(region.Named);
            Assert.True(fine.ExitCode == 0, fine.Output + fine.Errors);
            Assert.Contains("1 of them erased by retention", fine.Output, StringComparison.Ordinal);
            Assert.Contains("facts     5 can be read, 1 are of deleted people, 0 of kinds", fine.Output, StringComparison.Ordinal);
            named = string.Join(' ', region.Named);
        }

        // A bit of one batch, the place of another, and a third is taken out.
        await ChangeAsync(store, $"UPDATE batches SET checksum = checksum # 1 WHERE stream = '{stream}' AND sequence = 1");
        await ChangeAsync(store, $"DELETE FROM batches WHERE stream = '{stream}' AND sequence = 3");
        var damaged = await VerifyAsync([.. named.Split(' ')]);
        Assert.Equal(1, damaged.ExitCode);
        Assert.Contains($"Batch 1 of stream {stream}: its checksum does not fit.", damaged.Output, StringComparison.Ordinal);
        Assert.Contains($"Batch 3 of stream {stream}: it is missing.", damaged.Output, StringComparison.Ordinal);
        var doctor = await CommandLineTests.HealthcodeAsync("", ["doctor", .. named.Split(' ')]);
        Assert.Contains($"Batch 3 of stream {stream}: it is missing.", doctor.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_whose_key_is_gone_without_having_been_destroyed_is_named()
    {
        await using (var region = await KeptRegion.StartAsync(folder))
            await region.ApplyAsync(1, Noon);
        await using (var keys = new SqliteConnection($"Data Source={folder}/keys.db"))
        {
            await keys.OpenAsync();
            await using var forget = new SqliteCommand("DELETE FROM keys WHERE scope LIKE 'people/%'", keys);
            Assert.Equal(1, await forget.ExecuteNonQueryAsync());
        }

        var verified = await VerifyAsync(KeptRegion.NamedAs(folder, null));
        Assert.Equal(1, verified.ExitCode);
        Assert.Contains("a key that it is sealed under is not in the key store", verified.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_no_region_is_nothing_is_verified_and_nothing_is_made()
    {
        var verified = await VerifyAsync(["--data", Path.Combine(folder, "none")]);
        Assert.Equal(2, verified.ExitCode);
        Assert.Contains("There is no journal in", verified.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "none")));
    }

    private static Task<(int ExitCode, string Output, string Errors)> VerifyAsync(string[] named) =>
        CommandLineTests.HealthcodeAsync("", ["verify", "journal", .. named]);

    private async Task ChangeAsync(string? store, string sql)
    {
        if (store is not null)
        {
            await using var database = NpgsqlDataSource.Create(StoreAddress.Parse(store).ConnectionString);
            await using var change = database.CreateCommand(sql);
            Assert.Equal(1, await change.ExecuteNonQueryAsync());
            return;
        }
        await using var journal = new SqliteConnection($"Data Source={folder}/journal.db");
        await journal.OpenAsync();
        await using var command = new SqliteCommand(sql.Replace("checksum # 1", "checksum + 1", StringComparison.Ordinal), journal);
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }
}
