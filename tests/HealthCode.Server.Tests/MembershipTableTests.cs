using System.Net;
using HealthCode.Server.Cluster;
using HealthCode.Testing;
using Npgsql;
using Orleans;
using Orleans.Runtime;

namespace HealthCode.Server.Tests;

/// <summary>What Orleans' membership protocol relies on, promise by promise.</summary>
public sealed class MembershipTableTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly DateTime Start = new DateTime(2026, 3, 1, 8, 0, 0, DateTimeKind.Utc).AddTicks(1_234_567);

    private NpgsqlDataSource database = null!;
    private PostgresMembershipTable table = null!;

    public async ValueTask InitializeAsync()
    {
        database = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync());
        table = new(database, "here");
        await table.InitializeMembershipTable(true);
    }

    public async ValueTask DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task A_new_table_is_empty_and_making_it_again_keeps_what_is_there()
    {
        Assert.Empty((await table.ReadAll()).Members);
        Assert.Equal(0, (await table.ReadAll()).Version.Version);
        Assert.True(await InsertAsync(Entry(1)));

        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => new PostgresMembershipTable(database, "here").InitializeMembershipTable(true)));

        Assert.Single((await table.ReadAll()).Members);
        Assert.Equal(1, (await table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task Several_that_make_the_tables_at_once_do_not_get_in_each_others_way()
    {
        await using var empty = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync());
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => new PostgresMembershipTable(empty, "here").InitializeMembershipTable(true)));
        Assert.Empty((await new PostgresMembershipTable(empty, "here").ReadAll()).Members);
    }

    [Fact]
    public async Task Every_field_comes_back_as_it_was_written()
    {
        var entry = Entry(1, SiloStatus.Joining);
        entry.SuspectTimes = [Tuple.Create(Silo(2), Start.AddTicks(1)), Tuple.Create(Silo(3), Start.AddTicks(2))];
        (entry.RoleName, entry.UpdateZone, entry.FaultZone, entry.ProxyPort) = ("role", 3, 4, 30_001);
        Assert.True(await InsertAsync(entry));

        var read = (await table.ReadRow(entry.SiloAddress)).Members.Single().Item1;
        Same(entry, read);

        (read.Status, read.HostName, read.SiloName) = (SiloStatus.Active, "other-host", "other-name");
        read.SuspectTimes!.RemoveAt(0);
        read.IAmAliveTime = read.IAmAliveTime.AddTicks(1);
        Assert.True(await UpdateAsync(read));
        Same(read, (await table.ReadAll()).Members.Single().Item1);
    }

    [Fact]
    public async Task A_silo_without_votes_reads_as_one_without_votes()
    {
        var entry = Entry(1);
        entry.SuspectTimes = null;
        Assert.True(await InsertAsync(entry));
        Assert.Empty((await table.ReadRow(entry.SiloAddress)).Members.Single().Item1.SuspectTimes!);
    }

    [Fact]
    public async Task A_silo_is_inserted_once_and_a_refused_insert_moves_nothing()
    {
        Assert.True(await InsertAsync(Entry(1)));
        Assert.False(await InsertAsync(Entry(1, SiloStatus.Dead)));

        var data = await table.ReadAll();
        Assert.Equal((1, SiloStatus.Active), (data.Version.Version, data.Members.Single().Item1.Status));
    }

    [Fact]
    public async Task The_same_address_started_anew_is_another_silo()
    {
        Assert.True(await InsertAsync(Entry(1)));
        var again = Entry(1);
        again.SiloAddress = SiloAddress.New(again.SiloAddress.Endpoint, again.SiloAddress.Generation + 1);
        Assert.True(await InsertAsync(again));
        Assert.Equal(2, (await table.ReadAll()).Members.Count);
    }

    [Fact]
    public async Task An_insert_on_a_version_that_is_not_the_newest_is_refused()
    {
        var old = (await table.ReadAll()).Version;
        Assert.True(await InsertAsync(Entry(1)));

        Assert.False(await table.InsertRow(Entry(2), old.Next()));
        Assert.Equal(Silo(1), (await table.ReadAll()).Members.Single().Item1.SiloAddress);
    }

    [Fact]
    public async Task An_update_on_a_version_that_is_not_the_newest_is_refused()
    {
        Assert.True(await InsertAsync(Entry(1)));
        var old = await table.ReadRow(Silo(1));
        Assert.True(await InsertAsync(Entry(2)));

        Assert.False(await table.UpdateRow(Entry(1, SiloStatus.Dead), old.Members.Single().Item2, old.Version.Next()));
        Assert.Equal(SiloStatus.Active, (await table.ReadRow(Silo(1))).Members.Single().Item1.Status);
    }

    [Fact]
    public async Task An_update_of_a_row_that_somebody_changed_is_refused_and_moves_nothing()
    {
        Assert.True(await InsertAsync(Entry(1)));
        var old = (await table.ReadRow(Silo(1))).Members.Single().Item2;
        Assert.True(await UpdateAsync(Entry(1, SiloStatus.ShuttingDown)));

        var version = (await table.ReadAll()).Version;
        Assert.False(await table.UpdateRow(Entry(1, SiloStatus.Dead), old, version.Next()));
        Assert.False(await table.UpdateRow(Entry(1, SiloStatus.Dead), "no tag", version.Next()));
        Assert.Equal(version, (await table.ReadAll()).Version);
        Assert.Equal(SiloStatus.ShuttingDown, (await table.ReadRow(Silo(1))).Members.Single().Item1.Status);
    }

    [Fact]
    public async Task A_silo_that_is_not_there_cannot_be_updated()
    {
        var version = (await table.ReadAll()).Version;
        Assert.False(await table.UpdateRow(Entry(1), "0", version.Next()));
        Assert.Equal(version, (await table.ReadAll()).Version);
        Assert.Empty((await table.ReadRow(Silo(1))).Members);
    }

    [Fact]
    public async Task The_version_only_grows()
    {
        Assert.True(await InsertAsync(Entry(1)));
        var version = (await table.ReadAll()).Version;
        Assert.False(await table.InsertRow(Entry(2), new TableVersion(version.Version, version.VersionEtag)));
        Assert.False(await table.InsertRow(Entry(2), new TableVersion(version.Version - 1, version.VersionEtag)));
        Assert.True(await table.InsertRow(Entry(2), version.Next()));
        Assert.Equal(version.Version + 1, (await table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task Of_many_writers_on_one_version_exactly_one_wins()
    {
        var version = (await table.ReadAll()).Version;
        var won = await Task.WhenAll(Enumerable.Range(1, 12).Select(number => table.InsertRow(Entry(number), version.Next())));

        Assert.Single(won, true);
        Assert.Single((await table.ReadAll()).Members);
        Assert.Equal(1, (await table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task Writers_that_try_again_all_get_in_and_each_moves_the_version_by_one()
    {
        await Task.WhenAll(Enumerable.Range(1, 8).Select(async number =>
        {
            while (!await table.InsertRow(Entry(number), (await table.ReadAll()).Version.Next()))
            {
            }
        }));

        var data = await table.ReadAll();
        Assert.Equal((8, 8), (data.Members.Count, data.Version.Version));
    }

    /// <summary>Each insert makes version and number of rows equal; a reader who saw half of one would see them differ.</summary>
    [Fact]
    public async Task Rows_and_version_are_read_as_of_one_moment()
    {
        using var done = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            var reads = 0;
            do
            {
                var data = await table.ReadAll();
                Assert.Equal(data.Version.Version, data.Members.Count);
                reads++;
            }
            while (!done.IsCancellationRequested);
            return reads;
        });
        for (var number = 1; number <= 40; number++)
            Assert.True(await InsertAsync(Entry(number)));
        await done.CancelAsync();
        Assert.True(await reading > 1);
    }

    [Fact]
    public async Task One_row_is_read_with_the_version_of_the_whole_table()
    {
        Assert.True(await InsertAsync(Entry(1)));
        Assert.True(await InsertAsync(Entry(2)));
        var (one, all) = (await table.ReadRow(Silo(1)), await table.ReadAll());
        Assert.Equal(Silo(1), one.Members.Single().Item1.SiloAddress);
        Assert.Equal(all.Version, one.Version);
        Assert.Equal(all.Version, (await table.ReadRow(Silo(3))).Version);
    }

    [Fact]
    public async Task A_sign_of_life_changes_neither_the_version_nor_any_tag_nor_any_other_field()
    {
        var entry = Entry(1);
        Assert.True(await InsertAsync(entry));
        var before = await table.ReadRow(Silo(1));
        var alive = new MembershipEntry { SiloAddress = Silo(1), IAmAliveTime = Start.AddHours(1) };
        await table.UpdateIAmAlive(alive);

        var after = await table.ReadRow(Silo(1));
        Assert.Equal(before.Version, after.Version);
        entry.IAmAliveTime = alive.IAmAliveTime;
        Same(entry, after.Members.Single().Item1);
        // Whoever read before it may still write, and does not turn the sign of life back.
        var read = before.Members.Single();
        read.Item1.Status = SiloStatus.Dead;
        Assert.True(await table.UpdateRow(read.Item1, read.Item2, before.Version.Next()));
        Assert.Equal(alive.IAmAliveTime, (await table.ReadRow(Silo(1))).Members.Single().Item1.IAmAliveTime);
    }

    [Fact]
    public async Task A_clean_up_removes_the_dead_of_long_ago_and_nobody_else()
    {
        var (longDead, justVoted, silent) = (Entry(1, SiloStatus.Dead), Entry(2, SiloStatus.Dead), Entry(4));
        justVoted.SuspectTimes = [Tuple.Create(Silo(4), Start.AddDays(9))];
        longDead.SuspectTimes = [Tuple.Create(Silo(4), Start.AddDays(1))];
        var lately = Entry(3, SiloStatus.Dead);
        lately.IAmAliveTime = Start.AddDays(9);
        foreach (var entry in (MembershipEntry[])[longDead, justVoted, lately, silent])
            Assert.True(await InsertAsync(entry));
        var version = (await table.ReadAll()).Version;

        await table.CleanupDefunctSiloEntries(Start.AddDays(8));

        Assert.Equal(
            [Silo(2), Silo(3), Silo(4)],
            (await table.ReadAll()).Members.Select(row => row.Item1.SiloAddress).OrderBy(silo => silo.Endpoint.Port));
        Assert.Equal(version, (await table.ReadAll()).Version);
    }

    [Fact]
    public async Task Clusters_in_one_database_do_not_see_each_other_and_are_deleted_one_by_one()
    {
        var other = new PostgresMembershipTable(database, "there");
        await other.InitializeMembershipTable(true);
        Assert.True(await InsertAsync(Entry(1)));
        Assert.True(await other.InsertRow(Entry(1), (await other.ReadAll()).Version.Next()));

        await table.DeleteMembershipTableEntries("here");

        Assert.Empty((await table.ReadAll()).Members);
        Assert.Single((await other.ReadAll()).Members);
    }

    private async Task<bool> InsertAsync(MembershipEntry entry) => await table.InsertRow(entry, (await table.ReadAll()).Version.Next());

    private async Task<bool> UpdateAsync(MembershipEntry entry)
    {
        var read = await table.ReadRow(entry.SiloAddress);
        return await table.UpdateRow(entry, read.Members.Single().Item2, read.Version.Next());
    }

    private static SiloAddress Silo(int number) => SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 11_000 + number), 77);

    private static MembershipEntry Entry(int number, SiloStatus status = SiloStatus.Active) => new()
    {
        SiloAddress = Silo(number), Status = status, HostName = "host", SiloName = $"node-{number}", StartTime = Start, IAmAliveTime = Start.AddSeconds(1),
        RoleName = "", SuspectTimes = [],
    };

    private static void Same(MembershipEntry expected, MembershipEntry actual)
    {
        Assert.Equal(
            (expected.SiloAddress, expected.Status, expected.HostName, expected.SiloName, expected.RoleName, expected.ProxyPort, expected.UpdateZone, expected.FaultZone),
            (actual.SiloAddress, actual.Status, actual.HostName, actual.SiloName, actual.RoleName, actual.ProxyPort, actual.UpdateZone, actual.FaultZone));
        Assert.Equal((expected.StartTime, expected.IAmAliveTime), (actual.StartTime, actual.IAmAliveTime));
        Assert.Equal(expected.SuspectTimes, actual.SuspectTimes);
    }
}
