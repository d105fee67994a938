using System.Text;
using HealthCode.Testing;
using Microsoft.EntityFrameworkCore;

namespace HealthCode.Storage.Tests;

/// <summary>What the vault does wherever it is kept.</summary>
public abstract class PersonVaultContract : IAsyncLifetime
{
    private static readonly PersonId Li = new(1, 1);
    private static readonly PersonId Wang = new(2, 2);
    private static readonly PersonProfile LisProfile = new("李演示", DocumentType.CitizenId, "11010519491231002X", "13812345678", "330106", "演示路1号");
    private static readonly PersonProfile WangsProfile = new("王演示", DocumentType.Passport, "E12345678", "13912345678", null, null);

    private protected TemporaryBackOffice office = null!;

    private protected abstract Task<StoreAddress> AddressAsync();

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        office = await TemporaryBackOffice.OpenAsync(await AddressAsync());
        await office.Vault.PutManyAsync([(Li, LisProfile), (Wang, WangsProfile)], Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await office.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Whoever_takes_one_phone_at_the_same_time_ends_with_one_owner()
    {
        PersonId[] people = [.. Enumerable.Range(10, 8).Select(number => new PersonId((ulong)number, 1))];

        await Task.WhenAll(people.Select(person => office.Vault.PutAsync(person, WangsProfile with { Phone = "13700000001" }, Cancellation)));

        Assert.Contains((await office.Vault.FindByPhoneAsync("13700000001", Cancellation))!.Value, people);
        foreach (var person in people)
            Assert.NotNull(await office.Vault.GetAsync(person, Cancellation));
    }

    [Fact]
    public async Task A_profile_is_read_by_person_and_found_by_phone()
    {
        Assert.Equal(LisProfile, await office.Vault.GetAsync(Li, Cancellation));
        Assert.Equal(Wang, await office.Vault.FindByPhoneAsync("13912345678", Cancellation));
        Assert.Null(await office.Vault.GetAsync(new PersonId(3, 3), Cancellation));
        Assert.Null(await office.Vault.FindByPhoneAsync("13700000000", Cancellation));
    }

    [Fact]
    public async Task A_phone_that_goes_over_to_another_finds_the_other_alone()
    {
        await office.Vault.PutAsync(Wang, WangsProfile with { Phone = "13812345678" }, Cancellation);

        Assert.Equal(Wang, await office.Vault.FindByPhoneAsync("13812345678", Cancellation));
        Assert.Null(await office.Vault.FindByPhoneAsync("13912345678", Cancellation));
        Assert.Equal(LisProfile, await office.Vault.GetAsync(Li, Cancellation));
    }

    [Fact]
    public async Task Deleted_is_unreadable_and_the_phone_is_free_again()
    {
        await office.Vault.DeleteAsync(Li, Cancellation);

        Assert.Null(await office.Vault.GetAsync(Li, Cancellation));
        Assert.Null(await office.Vault.FindByPhoneAsync("13812345678", Cancellation));
        Assert.Equal(WangsProfile, await office.Vault.GetAsync(Wang, Cancellation));
    }

    [Fact]
    public async Task A_profile_that_somebody_copied_before_is_closed_once_the_persons_key_is_destroyed()
    {
        var request = await office.Vault.SealAsync(Li, LisProfile, Cancellation);
        await office.Keys.DestroyAsync([new(JournalStreams.Of(Li, TemporaryBackOffice.Partitions), IdOf(Li), 0)], at: 1, Cancellation);

        Assert.Null(await office.Vault.GetAsync(Li, Cancellation));
        await Assert.ThrowsAsync<VaultLockedException>(() => office.Vault.OpenAsync(Li, request, Cancellation));
        Assert.Equal(WangsProfile, await office.Vault.GetAsync(Wang, Cancellation));
        // Whoever comes again begins anew.
        await office.Vault.PutAsync(Li, LisProfile, Cancellation);
        Assert.Equal(LisProfile, await office.Vault.GetAsync(Li, Cancellation));
        await Assert.ThrowsAsync<VaultLockedException>(() => office.Vault.OpenAsync(Li, request, Cancellation));
    }

    private static byte[] IdOf(PersonId person)
    {
        var id = new byte[PersonId.Size];
        person.WriteTo(id);
        return id;
    }

    [Fact]
    public async Task One_persons_profile_put_in_anothers_place_is_not_opened()
    {
        await using var context = await office.Contexts.CreateDbContextAsync(Cancellation);
        var (li, wang) = (await context.Profiles.SingleAsync(row => row.Person == Li, Cancellation), await context.Profiles.SingleAsync(row => row.Person == Wang, Cancellation));
        (wang.WrappedKey, wang.Sealed) = (li.WrappedKey, li.Sealed);
        await context.SaveChangesAsync(Cancellation);

        await Assert.ThrowsAsync<VaultLockedException>(() => office.Vault.GetAsync(Wang, Cancellation));
    }

    [Fact]
    public async Task Under_another_regions_key_it_stays_closed_and_the_message_says_what_to_do()
    {
        var stranger = new PersonVault(office.Contexts, new PersonKeyring(office.Keys, new KeyWrap(new byte[32]), TemporaryBackOffice.Partitions), new byte[32]);

        var refused = await Assert.ThrowsAsync<VaultLockedException>(() => stranger.GetAsync(Li, Cancellation));
        Assert.Contains("Restore the key folder", refused.Message, StringComparison.Ordinal);
        Assert.Null(await stranger.FindByPhoneAsync("13812345678", Cancellation));
    }

    [Fact]
    public async Task A_box_with_any_bit_changed_is_not_opened()
    {
        var whole = await office.Vault.SealAsync(Li, LisProfile, Cancellation);
        for (var at = 1; at < whole.Length; at++)
        {
            var changed = whole.ToArray();
            changed[at] ^= 1;
            await Assert.ThrowsAsync<VaultLockedException>(() => office.Vault.OpenAsync(Li, changed, Cancellation));
        }
        Assert.Equal(LisProfile, await office.Vault.OpenAsync(Li, whole, Cancellation));
    }

    /// <summary>Sealed by the first version; every later one opens it.</summary>
    [Fact]
    public async Task A_profile_sealed_long_ago_is_opened() =>
        Assert.Equal(LisProfile, await office.Vault.OpenAsync(Li, Convert.FromHexString("3cc37a10739a5f4149015644abc53ebd4ed011d250da12461a395f1849b4881a6b954733ec76a64cc3d9beae7e29b6ea281c1a67688786e82475887b72dda477410f6178c743c4110bc545b52e555c135c106bc7584c960a0a8316cba04f0e33c8203def76063f267c65848fe02760958ce788a9613026510119d23886de6062d903d1b26e0237351296caae7d5e504b74c6f6b91f19284e70416e45df4af89cbf54c2086d93b30817086fd7c19f23ab4bd3c3949adb44370ea0674c77fe6e9fc3bd5473343f60ee49dcab1936261efb23072d995639da3f73299817b5d9ae1c937458812509eb2cb994d95ce764979eaa4140ad4794a7aa42daefb9670510c113fc32883994"), Cancellation));

    [Fact]
    public void It_never_prints() => Assert.Equal("***", LisProfile.ToString());
}

public sealed class SqlitePersonVaultTests : PersonVaultContract
{
    private protected override Task<StoreAddress> AddressAsync() => Task.FromResult(StoreAddress.Folder);

    [Fact]
    public async Task Nothing_of_a_person_can_be_read_in_the_files()
    {
        await using (var context = await office.Contexts.CreateDbContextAsync(Cancellation))
            await context.Database.ExecuteSqlRawAsync("PRAGMA wal_checkpoint(TRUNCATE)", Cancellation);
        var everything = Directory.GetFiles(office.Folder, "backoffice.db*").SelectMany(ReadShared).ToArray();

        foreach (var secret in (string[])["李演示", "11010519491231002X", "13812345678", "演示路", "E12345678", "330106"])
            Assert.Equal(-1, everything.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)));
    }

    private static byte[] ReadShared(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }
}

public sealed class PostgresPersonVaultTests(PostgresFixture postgres) : PersonVaultContract
{
    private protected override Task<StoreAddress> AddressAsync() => postgres.CreateAddressAsync();
}
