using Microsoft.EntityFrameworkCore;

namespace HealthCode.Storage.Tests;

public sealed class BackOfficeTests : IAsyncLifetime
{
    private TemporaryBackOffice office = null!;

    public async ValueTask InitializeAsync() => office = await TemporaryBackOffice.OpenAsync();

    public async ValueTask DisposeAsync() => await office.DisposeAsync();

    [Fact]
    public async Task Its_migrations_make_the_tables_that_the_code_expects()
    {
        await using var context = await office.Contexts.CreateDbContextAsync(TestContext.Current.CancellationToken);

        Assert.False(context.Database.HasPendingModelChanges());
        Assert.Empty(await context.Database.GetPendingMigrationsAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_second_start_finds_everything_again()
    {
        await using (var context = await office.Contexts.CreateDbContextAsync(TestContext.Current.CancellationToken))
        {
            context.RegionSettings.Add(new RegionSetting { Key = "partitions", Value = "256" });
            await context.SaveChangesAsync(TestContext.Current.CancellationToken);
        }

        await office.MigrateAgainAsync();

        await using var again = await office.Contexts.CreateDbContextAsync(TestContext.Current.CancellationToken);
        Assert.Equal("256", (await again.RegionSettings.SingleAsync(TestContext.Current.CancellationToken)).Value);
    }

    [Fact]
    public void Its_files_are_readable_by_their_owner_alone()
    {
        var files = Directory.GetFiles(office.Folder);

        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }
}
