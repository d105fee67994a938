using System.Diagnostics;
using System.Net;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Server.Places;
using HealthCode.Storage;
using HealthCode.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Server.Tests;

/// <summary><c>healthcode backup</c> and <c>restore</c>, as an operator runs them beside a running region.</summary>
public sealed class BackupTests(PostgresFixture postgres) : IDisposable
{
    private static readonly Minute Noon = Minute.Of(new DateTimeOffset(2026, 11, 18, 4, 0, 0, TimeSpan.Zero));
    private static readonly DateTimeOffset Evening = new(2026, 11, 18, 12, 0, 0, TimeSpan.Zero);
    private static readonly Segment LongAgo = Segment.Of(RetentionClass.Short, Noon.PlusDays(-70));

    private readonly string folder = Directory.CreateTempSubdirectory("healthcode-backup-").FullName;

    private string Target => Path.Combine(folder, "backup");

    private string Keys => Path.Combine(folder, "backup-keys");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task A_restored_region_gives_the_same_answers_and_goes_on(bool fromDatabase, bool toDatabase)
    {
        string[] explained;
        await using (var region = await StartAsync("before", fromDatabase))
        {
            await FillAsync(region);
            explained = await ExplainAllAsync(region.Named);
            var backup = await BackupAsync(region);
            Assert.True(backup.ExitCode == 0, backup.Output + backup.Errors);
        }

        var store = toDatabase ? await KeptRegion.CreateStoreAsync(postgres) : null;
        var restored = await RestoreAsync("after", store);
        Assert.True(restored.ExitCode == 0, restored.Output + restored.Errors);
        Assert.Contains("dropped   0 rows", restored.Output, StringComparison.Ordinal);

        await using var after = await KeptRegion.StartAsync(Path.Combine(folder, "after"), store);
        Assert.Equal(explained, await ExplainAllAsync(after.Named));
        var verified = await HealthcodeAsync(["verify", "journal", .. after.Named]);
        Assert.True(verified.ExitCode == 0, verified.Output);
        Assert.Contains("1 of them erased by retention", verified.Output, StringComparison.Ordinal);

        using var session = new TestSession(after.Address);
        await session.MustAsync(HttpStatusCode.OK, Routes.StaffSignIn, new StaffSignInRequest("door-guard", KeptRegion.Password));
        Assert.Equal("south-door", Assert.Single(await session.GetAsync<IReadOnlyList<PlaceState>>(Routes.Places)).Id);
        Assert.Equal("李1", (await after.Vault.GetAsync(after.PersonOf(1), default))!.Name);
        Assert.Equal(after.PersonOf(2), await after.Vault.FindByPhoneAsync(KeptRegion.PhoneOf(2), default));
        await using (var context = await after.Stores.BackOffice.CreateDbContextAsync())
        {
            Assert.Equal("李2", (await after.Vault.OpenAsync(after.PersonOf(2), (await context.PhoneChanges.SingleAsync()).Payload, default)).Name);
            Assert.Equal("home visit 17", (await context.LookUps.SingleAsync()).Purpose);
        }
        // Numbers that the database gives go on behind those that were restored; the journal behind its heads.
        await after.ApplyAsync(9, Noon);
        await after.ReportAsync(after.PersonOf(1), "after", Noon.Plus(TimeSpan.FromHours(9)), Symptoms.Fever);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_backup_from_before_a_deletion_does_not_give_the_person_back_with_the_keys_from_after_it(bool inDatabase)
    {
        await using (var region = await StartAsync("before", inDatabase))
        {
            await FillAsync(region);
            Assert.Equal(0, (await BackupAsync(region)).ExitCode);
            foreach (var file in Directory.EnumerateFiles(Target, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith("lock", StringComparison.Ordinal)))
                Assert.DoesNotContain("home visit 17", await File.ReadAllTextAsync(file), StringComparison.Ordinal);

            // They are deleted, and come again: what they say then is theirs, and what was before stays closed.
            await region.People.DeleteAsync(region.PersonOf(2));
            await region.People.DeleteAsync(region.PersonOf(1));
            await region.Vault.DeleteAsync(region.PersonOf(1), default);
            await region.ApplyAsync(1, Noon.Plus(TimeSpan.FromHours(20)));
            // Another backup, to another folder, overwrites the keys.
            var later = await HealthcodeAsync(["backup", Path.Combine(folder, "later"), "--keys-to", Keys, .. region.Named]);
            Assert.True(later.ExitCode == 0, later.Output + later.Errors);
        }

        var restored = await RestoreAsync("after", store: null);
        Assert.True(restored.ExitCode == 0, restored.Output + restored.Errors);
        await using var after = await KeptRegion.StartAsync(Path.Combine(folder, "after"));
        Assert.Null(await after.Vault.GetAsync(after.PersonOf(1), default));
        Assert.Null(await after.Vault.GetAsync(after.PersonOf(2), default));
        Assert.Null(await after.Vault.FindByPhoneAsync(KeptRegion.PhoneOf(2), default));
        Assert.Empty((await after.People.RecordAsync(after.PersonOf(1))).All);
        Assert.Empty((await after.People.RecordAsync(after.PersonOf(2))).All);
        Assert.NotEmpty((await after.People.RecordAsync(after.PersonOf(4))).All);
        await using var context = await after.Stores.BackOffice.CreateDbContextAsync();
        Assert.Equal([after.PersonOf(4)], await context.Consents.Select(consent => consent.Person).ToListAsync());
        Assert.Empty(await context.LookUps.ToListAsync());
        Assert.Empty(await context.PhoneChanges.ToListAsync());
    }

    [Fact]
    public async Task A_second_backup_adds_what_is_new_and_an_erased_week_stays_erased_when_an_older_copy_is_restored()
    {
        await using (var region = await StartAsync("before", inDatabase: false))
        {
            await FillAsync(region);
            var week = Segment.Of(RetentionClass.Short, Noon);
            var first = await BackupAsync(region);
            Assert.Contains("batches added", first.Output, StringComparison.Ordinal);
            var before = LengthsOf(Path.Combine(Target, "journal"));
            await region.ReportAsync(region.PersonOf(1), "later", Noon.Plus(TimeSpan.FromHours(5)));
            await region.Services.GetRequiredService<EvidenceStore>().EraseAsync(week, Evening, default);
            var second = await BackupAsync(region);
            Assert.Contains("journal   1 batches added", second.Output, StringComparison.Ordinal);
            Assert.Single(LengthsOf(Path.Combine(Target, "journal")).Except(before));
            Assert.Single(Directory.GetDirectories(Target, "office-*"));
            Assert.Single(Directory.GetDirectories(Keys));
        }
        Assert.Equal(0, (await RestoreAsync("after", store: null)).ExitCode);
        var verified = await HealthcodeAsync(["verify", "journal", .. KeptRegion.NamedAs(Path.Combine(folder, "after"), null)]);
        Assert.Equal(0, verified.ExitCode);
        Assert.Contains(", 4 of them erased", verified.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_flipped_bit_is_named_and_a_damaged_backup_is_not_restored()
    {
        await using (var region = await StartAsync("before", inDatabase: false))
        {
            await FillAsync(region);
            Assert.Equal(0, (await BackupAsync(region)).ExitCode);
        }
        var stream = Directory.EnumerateFiles(Path.Combine(Target, "journal"), "people*").MaxBy(file => new FileInfo(file).Length)!;
        var office = Path.Combine(Directory.GetDirectories(Target, "office-*").Single(), "Places");
        var key = Directory.EnumerateFiles(Directory.GetDirectories(Keys).Single(), "secret-profiles.hex", SearchOption.AllDirectories).Single();
        foreach (var (file, at, named) in ((string, int, string)[])
        [
            (stream, 45, "Batch 0 of stream people/"), (office, 5, "Table Places is not what was written"), (key, 3, "secret-profiles.hex is not what was written"),
            (Path.Combine(Target, "manifest"), 20, "manifest is not what was written"),
        ])
        {
            Flip(file, at);
            var verified = await HealthcodeAsync(["verify", "backup", Target, "--keys", Keys]);
            Assert.Equal(1, verified.ExitCode);
            Assert.Contains(named, verified.Output + verified.Errors, StringComparison.Ordinal);
            var restored = await RestoreAsync("after", store: null);
            Assert.Equal(1, restored.ExitCode);
            Assert.Contains(named, restored.Errors, StringComparison.Ordinal);
            Assert.False(Directory.Exists(Path.Combine(folder, "after")));
            Flip(file, at);
        }
        Assert.Equal(0, (await HealthcodeAsync(["verify", "backup", Target, "--keys", Keys])).ExitCode);
    }

    [Fact]
    public async Task A_backup_that_is_killed_leaves_the_one_before_it()
    {
        await using (var region = await StartAsync("before", inDatabase: false))
        {
            await FillAsync(region);
            Assert.Equal(0, (await BackupAsync(region)).ExitCode);
            var (manifest, kept) = (await File.ReadAllTextAsync(Path.Combine(Target, "manifest")), Directory.GetDirectories(Target, "office-*").Single());
            var keys = await File.ReadAllTextAsync(Path.Combine(Keys, "manifest"));
            // Somebody of a stream that is not in the backup yet.
            var newcomer = Enumerable.Range(10, 100).First(number => !File.Exists(FileOf(region.PersonOf(number))));
            await region.ApplyAsync(newcomer, Noon);

            // A pipe that nobody reads stops the backup where it opens it: in the journal, before its keys count, before all counts.
            foreach (var (pipe, isThere) in ((string, Func<bool>)[])
            [
                (FileOf(region.PersonOf(newcomer)), () => Directory.GetDirectories(Target, "office-*").Length > 1),
                (Path.Combine(Keys, "manifest.new"), () => Directory.GetDirectories(Keys).Length > 1),
                (Path.Combine(Target, "manifest.new"), () => File.ReadAllText(Path.Combine(Keys, "manifest")) != keys),
            ])
            {
                await KillBackupAtAsync(region, pipe, isThere);
                Assert.Equal(manifest, await File.ReadAllTextAsync(Path.Combine(Target, "manifest")));
                Assert.True(Directory.Exists(kept));
                var verified = await HealthcodeAsync(["verify", "backup", Target, "--keys", Keys]);
                Assert.True(verified.ExitCode == 0, verified.Output + verified.Errors);
            }
        }
        var restored = await RestoreAsync("after", store: null);
        Assert.True(restored.ExitCode == 0, restored.Output + restored.Errors);
        await using var after = await KeptRegion.StartAsync(Path.Combine(folder, "after"));
        Assert.Single((await after.People.RecordAsync(after.PersonOf(4))).All);
    }

    [Fact]
    public async Task A_place_that_has_something_in_it_is_not_restored_into_and_older_keys_or_another_region_s_backup_are_refused()
    {
        await using (var region = await StartAsync("before", inDatabase: false))
        {
            await FillAsync(region);
            Assert.Equal(0, (await BackupAsync(region)).ExitCode);
            Assert.Contains("has a journal.db", (await RestoreAsync("before", store: null)).Errors, StringComparison.Ordinal);
            Assert.Equal(0, (await HealthcodeAsync(["backup", Target, "--keys-to", Path.Combine(folder, "other-keys"), .. region.Named])).ExitCode);
            Assert.Contains("keys must be of the same backup or of a later one", (await RestoreAsync("after", store: null)).Errors, StringComparison.Ordinal);
            var inside = await HealthcodeAsync(["backup", Target, "--keys-to", Path.Combine(Target, "keys"), .. region.Named]);
            Assert.Contains("neither in the backup's nor around it", inside.Errors, StringComparison.Ordinal);
        }
        await using var other = await StartAsync("other", inDatabase: false);
        await other.ApplyAsync(1, Noon);
        var mixed = await BackupAsync(other);
        Assert.Equal(1, mixed.ExitCode);
        Assert.Contains("is not the one that was backed up here before", mixed.Errors, StringComparison.Ordinal);
        foreach (var file in Directory.EnumerateFileSystemEntries(folder, "backup*", SearchOption.AllDirectories))
            Assert.Equal((UnixFileMode)0, File.GetUnixFileMode(file) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite));
    }

    [Fact]
    public async Task A_region_whose_restore_was_cut_off_does_not_start()
    {
        var half = Path.Combine(folder, "half");
        await using (var stores = RegionStores.Open(half, StoreAddress.Folder))
            await stores.BeginRestoringAsync(default);
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        var started = await Assert.ThrowsAsync<InvalidDataException>(() => KeptRegion.StartAsync(half));
        Assert.Contains("did not come to its end", started.Message, StringComparison.Ordinal);
    }

    private async Task<KeptRegion> StartAsync(string name, bool inDatabase) =>
        await KeptRegion.StartAsync(Path.Combine(folder, name), inDatabase ? await KeptRegion.CreateStoreAsync(postgres) : null);

    /// <summary>People of whom one was deleted, a week that is over, a place and its guard, somebody who was looked up, a phone change.</summary>
    private static async Task FillAsync(KeptRegion region)
    {
        var (first, second, deleted) = (await region.ApplyAsync(1, Noon), await region.ApplyAsync(2, Noon), await region.ApplyAsync(3, Noon));
        await region.ApplyAsync(4, Noon);
        await region.ReportAsync(first, "fever", Noon, Symptoms.Fever);
        await region.ReportAsync(first, "long-ago", Noon.PlusDays(-70));
        await region.ReportAsync(second, "well", Noon);
        await region.People.DeleteAsync(deleted);
        await region.Services.GetRequiredService<EvidenceStore>().EraseAsync(LongAgo, Evening, default);
        var profile = (await region.Vault.GetAsync(second, default))!;
        await using (var context = await region.Stores.BackOffice.CreateDbContextAsync())
        {
            await context.Profiles.Where(row => row.Person == deleted).ExecuteDeleteAsync();
            await context.Consents.Where(row => row.Person == deleted).ExecuteDeleteAsync();
            context.Places.Add(new Place { Id = "south-door", NameZh = "南门", NameEn = "South door", Kind = "office", Area = 990101 });
            context.LookUps.Add(new LookUp { Id = Guid.NewGuid(), Person = first, At = Evening, By = "wu", Role = Roles.CommunityWorker, Purpose = "home visit 17" });
            context.PhoneChanges.Add(new PhoneChange
            {
                Id = Guid.NewGuid(), Person = second, Payload = await region.Vault.SealAsync(second, profile, default), InRegister = true, State = "open", AskedAt = Evening,
            });
            await context.SaveAndRaiseAsync(ViewRevision.Places, default);
        }
        await region.Services.GetRequiredService<PlaceDirectory>().CatchUpAsync(default);
        await region.AddStaffAsync("door-guard", Roles.Guard, "south-door");
    }

    private static async Task<string[]> ExplainAllAsync(string[] named)
    {
        var answers = new List<string>();
        foreach (var number in (int[])[1, 2, 3])
        {
            var (_, output, _) = await HealthcodeAsync(
                ["explain", KeptRegion.DocumentOf(number).Normalized, "--type", "Passport", "--at", "2026-11-19T00:00:00Z", .. named]);
            answers.Add(output);
        }
        Assert.Contains("colour    Yellow", answers[0], StringComparison.Ordinal);
        Assert.Equal("", answers[2]);
        return [.. answers];
    }

    private string FileOf(PersonId person) =>
        Path.Combine(Target, "journal", Uri.EscapeDataString(JournalStreams.Of(person, KeptRegion.Partitions)));

    private async Task KillBackupAtAsync(KeptRegion region, string pipe, Func<bool> isThere)
    {
        using (var made = Process.Start("mkfifo", [pipe]))
            await made.WaitForExitAsync();
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "healthcode.dll"), "backup", Target, "--keys-to", Keys, .. region.Named])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        await Task.Run(() => SpinWait.SpinUntil(() => isThere() || process.HasExited));
        Assert.False(process.HasExited);
        process.Kill();
        await process.WaitForExitAsync();
        File.Delete(pipe);
    }

    private static void Flip(string file, int at)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[at] ^= 1;
        File.WriteAllBytes(file, bytes);
    }

    private static List<(string Name, long Length)> LengthsOf(string path) =>
        [.. new DirectoryInfo(path).EnumerateFiles().Select(file => (file.Name, file.Length))];

    private Task<(int ExitCode, string Output, string Errors)> BackupAsync(KeptRegion region) =>
        HealthcodeAsync(["backup", Target, "--keys-to", Keys, .. region.Named]);

    private Task<(int ExitCode, string Output, string Errors)> RestoreAsync(string name, string? store) =>
        HealthcodeAsync(["restore", Target, "--keys-from", Keys, .. KeptRegion.NamedAs(Path.Combine(folder, name), store)]);

    private static Task<(int ExitCode, string Output, string Errors)> HealthcodeAsync(string[] arguments) => CommandLineTests.HealthcodeAsync("", arguments);
}
