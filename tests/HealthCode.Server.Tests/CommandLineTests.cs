using System.Diagnostics;
using System.Net;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Tokens;

namespace HealthCode.Server.Tests;

/// <summary>The commands as an operator runs them: processes of their own, beside a running region.</summary>
[Collection("one region, one clock")]
public sealed class CommandLineTests(TestRegion region) : IDisposable
{
    private const string Password = "correct horse battery";

    private readonly string folder = Directory.CreateTempSubdirectory("healthcode-cli-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_new_key_is_published_beside_the_used_one_and_a_second_rotation_waits_for_it()
    {
        using var running = RegionProcess.Start(folder);
        await running.AddressAsync();
        var first = await HealthcodeAsync("", "keys", "list", "--data", folder);
        Assert.Contains("  used", first.Output, StringComparison.Ordinal);

        var rotated = await HealthcodeAsync("", "keys", "rotate", "--data", folder);
        Assert.Equal((0, ""), (rotated.ExitCode, rotated.Errors));
        Assert.Contains(first.Output, rotated.Output, StringComparison.Ordinal);
        Assert.Contains("  published", rotated.Output, StringComparison.Ordinal);

        var again = await HealthcodeAsync("", "keys", "rotate", "--data", folder);
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("Rotate again after that", again.Errors, StringComparison.Ordinal);
        var listed = await HealthcodeAsync("", "keys", "list", "--data", folder);
        Assert.Equal(2, listed.Output.Trim().Split('\n').Length);
    }

    [Fact]
    public async Task A_running_region_accepts_a_code_that_another_process_signed_with_a_new_key()
    {
        // A ring that does not wait before it signs, so that the test need not.
        var hasty = new KeyRingOptions { ReloadEvery = TimeSpan.Zero, PublishAhead = TimeSpan.FromMilliseconds(1) };
        var other = KeyRing.OpenOrCreate(Path.Combine(region.Data, "keys"), "990100", TimeProvider.System, hasty);
        other.Rotate();
        var resident = region.City.Resident(98);
        var code = new TokenIssuer(other).Issue(resident.Document.PersonIn(other.Secret("person-id")), Colour.Green, region.Time.GetUtcNow());

        using var guard = await region.StaffAsync(Roles.Guard);
        var answer = await guard.MustAsync<ScanAnswer>(
            HttpStatusCode.OK, Routes.Scans.Replace("{place}", region.Place, StringComparison.Ordinal), new ScanRequest(code.Text, null));
        Assert.True(answer.Go);
    }

    [Fact]
    public async Task A_new_region_gets_its_first_administrator_before_it_starts()
    {
        var added = await HealthcodeAsync(Password + "\n", "staff", "add", "first", "--role", Roles.Administrator, "--data", folder);
        Assert.Equal((0, ""), (added.ExitCode, added.Errors));

        using var running = RegionProcess.Start(folder);
        using var session = new TestSession(await running.AddressAsync());
        await session.MustAsync(HttpStatusCode.OK, Routes.StaffSignIn, new StaffSignInRequest("first", Password));
        Assert.Contains(await session.GetAsync<IReadOnlyList<StaffState>>(Routes.Staff), staff => staff.UserName == "first");
    }

    [Fact]
    public async Task A_guard_added_beside_a_running_region_signs_in_and_finds_the_place()
    {
        var added = await HealthcodeAsync(
            Password, "staff", "add", "night-guard", "--role", Roles.Guard, "--place", region.Place, "--data", region.Data);
        Assert.Equal((0, ""), (added.ExitCode, added.Errors));

        using var session = region.Anonymous();
        await session.MustAsync(HttpStatusCode.OK, Routes.StaffSignIn, new StaffSignInRequest("night-guard", Password));
        Assert.Equal(region.Place, Assert.Single(await session.GetAsync<IReadOnlyList<PlaceState>>(Routes.Places)).Id);
    }

    [Theory]
    [InlineData("short", "someone", Roles.Guard, null, "password-weak (password)")]
    [InlineData("", "someone", Roles.Guard, null, "password-weak (password)")]
    [InlineData(Password, "x", Roles.Guard, null, "field-invalid (userName)")]
    [InlineData(Password, "someone", "king", null, "role-unknown (roles)")]
    [InlineData(Password, "someone", Roles.Guard, "nowhere", "place-unknown (places)")]
    [InlineData(Password, Roles.Administrator, Roles.Guard, null, "staff-exists (userName)")]
    public async Task An_account_that_cannot_be_is_refused_by_name(string password, string user, string role, string? place, string refusal)
    {
        string[] more = place is null ? [] : ["--place", place];
        var refused = await HealthcodeAsync(password + "\n", ["staff", "add", user, "--role", role, "--data", region.Data, .. more]);
        Assert.Equal(1, refused.ExitCode);
        Assert.StartsWith(refusal, refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_is_never_an_argument()
    {
        var refused = await HealthcodeAsync("", "staff", "add", "someone", "--role", Roles.Guard, "--password", Password, "--data", folder);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.False(File.Exists(Path.Combine(folder, "backoffice.db")));
    }

    [Fact]
    public async Task Explain_replays_the_decision_and_verify_checks_the_code_that_is_shown()
    {
        var (session, resident) = await region.AppliedAsync();
        await session.MustAsync(HttpStatusCode.Created, Routes.MyReports, new ReportRequest(["fever"], 38.4m, "no"));
        var shown = await session.GetAsync<CodeState>(Routes.MyCode);
        session.Dispose();

        var now = region.Time.GetUtcNow().ToString("O");
        var explained = await HealthcodeAsync(
            resident.Document.Normalized + "\n", "explain", "-", "--at", now, "--data", region.Data, "--partitions", "16");
        Assert.Equal((0, ""), (explained.ExitCode, explained.Errors));
        Assert.Contains("colour    Yellow", explained.Output, StringComparison.Ordinal);
        Assert.Contains("HOLDS Y2", explained.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(resident.Document.Normalized, explained.Output, StringComparison.Ordinal);

        var verified = await HealthcodeAsync(shown.Code + "\n", "verify", "-", "--at", now, "--data", region.Data);
        Assert.Equal(0, verified.ExitCode);
        Assert.StartsWith("VALID     Yellow", verified.Output, StringComparison.Ordinal);
        var late = await HealthcodeAsync(shown.Code, "verify", "-", "--at", shown.ExpiresAt.AddMinutes(5).ToString("O"), "--data", region.Data);
        Assert.Equal(1, late.ExitCode);
        Assert.StartsWith("REFUSED   Expired", late.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_doctor_finds_a_key_that_others_can_read()
    {
        var fine = await HealthcodeAsync("", "doctor", "--data", region.Data, "--partitions", "16");
        Assert.True(fine.ExitCode == 0, fine.Output);

        await HealthcodeAsync(Password, "staff", "add", "first", "--role", Roles.Administrator, "--data", folder);
        var key = Directory.GetFiles(Path.Combine(folder, "keys"), "signing-*.pem").Single();
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        var wrong = await HealthcodeAsync("", "doctor", "--data", folder);
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains($"chmod go-rwx {key}", wrong.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("created with --partitions 16, not 8", "demo", "--residents", "300", "--partitions", "8")]
    [InlineData("created with city --residents 300 --seed 20200211, not --residents 200 --seed 20200211", "demo", "--residents", "200", "--partitions", "16")]
    [InlineData("created with city --residents 300 --seed 20200211, not none", "serve", "--partitions", "16")]
    [InlineData("is that of region 990100, not of 110000", "demo", "--region", "110000")]
    [InlineData("101 to 10,000,000", "demo", "--residents", "5")]
    [InlineData("a division's 6 digits", "serve", "--region", "hangzhou")]
    public async Task A_start_that_does_not_fit_the_region_is_refused_with_what_would(string why, params string[] arguments)
    {
        var refused = await HealthcodeAsync("", [.. arguments, "--data", region.Data, "--urls", "http://127.0.0.1:0"]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(why, refused.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(" at HealthCode", refused.Errors, StringComparison.Ordinal);
    }

    /// <summary>The edition is looked for once, when a region begins: afterwards the journal says what is in force.</summary>
    [Fact]
    public async Task A_region_does_not_begin_with_an_edition_that_is_not_there()
    {
        var refused = await HealthcodeAsync("", "serve", "--edition", "none-such", "--data", folder, "--urls", "http://127.0.0.1:0");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("no such file", refused.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(" at HealthCode", refused.Errors, StringComparison.Ordinal);
    }

    internal static async Task<(int ExitCode, string Output, string Errors)> HealthcodeAsync(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "healthcode.dll"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }
}
