using System.CommandLine;
using HealthCode.Api;
using HealthCode.Cli;
using HealthCode.Server.Places;
using HealthCode.Storage;
using HealthCode.Tokens;

namespace HealthCode.Server.Staff;

/// <summary><c>healthcode staff add</c>: an account from the command line, so that a new region gets its first administrator.</summary>
/// <remarks>
/// Whoever may run it owns the region's folder already. It may run before the first start and beside a running region,
/// which learns of the account, and of the places it guards, when it signs in. The password comes from standard input:
/// arguments are in everybody's list of processes and in the shell's history.
/// </remarks>
internal static class StaffCommand
{
    private static readonly Argument<string> User = new("USER") { Description = "User name: 3 to 40 letters, digits, hyphens, dots" };

    private static readonly Option<string[]> Role = new("--role")
    {
        Description = string.Join(", ", StaffFeature.RoleNames) + "; may be given several times", Required = true,
    };

    private static readonly Option<string[]> Place = new("--place")
    {
        Description = "Id of a place that a guard guards; may be given several times", DefaultValueFactory = _ => [],
    };

    public static Command Create()
    {
        var add = new Command("add", "Add a staff account; its password is read from standard input") { User, Role, Place };
        add.SetAction((parsed, cancellation) => RunAsync(
            Commands.PathsOf(parsed), parsed.GetValue(User)!, parsed.GetValue(Role)!, parsed.GetValue(Place)!, cancellation));
        return new Command("staff", "Staff accounts") { add };
    }

    private static async Task<int> RunAsync(RegionPaths paths, string user, string[] roles, string[] placeIds, CancellationToken cancellation)
    {
        var password = await Password.ReadAsync(cancellation);
        await using var services = ServicesOf(paths);
        await services.GetRequiredService<RegionStore>().MigrateAsync(cancellation);
        await services.GetRequiredService<PlaceDirectory>().CatchUpAsync(cancellation);
        await using var scope = services.CreateAsyncScope();
        var accounts = scope.ServiceProvider.GetRequiredService<StaffAccounts>();
        if (await accounts.AddAsync(new StaffRequest(user, password, roles, placeIds), cancellation) is var (refusal, field))
        {
            await Console.Error.WriteLineAsync($"{refusal.Name} ({field}): {refusal.Title.En}. {refusal.WhatToDo.En}.");
            return 1;
        }
        Console.WriteLine($"{user} can sign in as {string.Join(", ", roles)}.");
        return 0;
    }

    private static ServiceProvider ServicesOf(RegionPaths paths)
    {
        var keys = KeyRing.OpenOrCreate(paths.KeyFolder, paths.Region, TimeProvider.System);
        return new ServiceCollection().AddLogging().AddHealthCodeStorage(paths.Data, paths.Store, keys.Secret("profiles"), paths.Partitions)
            .AddPlaces().AddStaff().BuildServiceProvider();
    }
}
