namespace HealthCode.Tokens.Tests;

public sealed class KeyRingTests : IDisposable
{
    private static readonly KeyRingOptions Options = new();

    private readonly Region region = new();

    private string Keys => Path.Combine(region.Folder, "keys");

    public void Dispose() => region.Dispose();

    [Fact]
    public void Opened_again_it_has_the_same_keys_and_secrets()
    {
        var first = region.Open();
        var token = new TokenIssuer(first).Issue(Region.Resident, Colour.Green, Region.Morning);

        var again = region.Open();

        Assert.Equal(first.KeyIds, again.KeyIds);
        Assert.Equal(first.Secret("profiles"), again.Secret("profiles"));
        Assert.NotEqual(first.Secret("profiles"), first.Secret("person-id"));
        Assert.True(new TokenReader(again).TryReadOwn(token.Text, Region.Morning, out _, out _));
    }

    [Fact]
    public void Nobody_but_the_owner_may_read_its_folder_and_files()
    {
        region.Open().Secret("profiles");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Keys));
        var files = Directory.GetFiles(Keys);
        Assert.Equal(4, files.Length);
        Assert.All(files, file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Theory]
    [InlineData("signing-*")]
    [InlineData("secret-handle.hex")]
    public void A_file_that_others_may_read_is_not_loaded_and_the_message_says_what_to_do(string name)
    {
        region.Open();
        var file = Directory.GetFiles(Keys, name).Single();
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        var refused = Assert.Throws<KeyFilePermissionsException>(() => region.Open());

        Assert.Contains("chmod 600 " + file, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_into_which_others_may_put_files_is_not_opened()
    {
        region.Open();
        File.SetUnixFileMode(Keys, File.GetUnixFileMode(Keys) | UnixFileMode.GroupWrite);

        Assert.Throws<KeyFilePermissionsException>(() => region.Open());
    }

    [Fact]
    public void Another_regions_folder_is_refused()
    {
        region.Open();

        var refused = Assert.Throws<InvalidDataException>(() => KeyRing.OpenOrCreate(Keys, "330100", region.Time));
        Assert.Contains("990100", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("signing-20200217T003000Z-0000000000000000.pem", "no key")]
    [InlineData("secret-handle.hex", "00ff")]
    [InlineData("secret-handle.hex", "not hex")]
    public void A_file_that_is_not_what_its_name_says_is_named(string file, string text)
    {
        region.Open();
        region.Write(file, text);

        Assert.Contains(file, Assert.Throws<InvalidDataException>(() => region.Open()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("33010")]
    [InlineData("3301000")]
    [InlineData("hangzh")]
    [InlineData("")]
    public void A_region_is_six_digits(string name) =>
        Assert.Throws<ArgumentException>(() => KeyRing.OpenOrCreate(Keys, name, region.Time));

    [Fact]
    public void A_rotation_is_published_first_then_signs_then_the_old_key_retires()
    {
        var keys = region.Open();
        var issuer = new TokenIssuer(keys);
        var old = keys.KeyIds.Single();

        var young = keys.Rotate();
        Assert.Equal(old, KeyOf(issuer));
        Assert.Equal(2, keys.PublicKeys().Count);

        region.Time.Advance(Options.PublishAhead);
        Assert.Equal(young, KeyOf(issuer));
        Assert.True(keys.PublicKeys().Contains(Region.Division, old));

        region.Time.Advance(Options.RetiredFor + TimeSpan.FromSeconds(1));
        Assert.False(keys.PublicKeys().Contains(Region.Division, old));
    }

    [Fact]
    public void No_token_is_refused_by_a_rotation_on_any_process_at_any_second_of_it()
    {
        var here = region.Open();
        var there = region.Open();
        var (issuer, reader) = (new TokenIssuer(here), new TokenReader(there));
        var device = there.PublicKeys();
        here.Rotate();
        for (var second = 0; second < 1_500; second += 10)
        {
            var now = region.Time.GetUtcNow();
            var token = issuer.Issue(Region.Resident, Colour.Green, now);
            // The device fetches keys every ten minutes, as it is told to.
            if (second % 600 == 590)
                device = there.PublicKeys();

            Assert.True(reader.TryReadOwn(token.Text, now, out _, out var refusal), $"{second} s: {refusal}");
            Assert.True(TokenVerifier.TryVerify(token.Text, device, now, out _, out refusal), $"{second} s: {refusal}");
            region.Time.Advance(TimeSpan.FromSeconds(10));
        }
        Assert.Equal(2, there.KeyIds.Count);
    }

    [Fact]
    public void A_token_of_the_old_key_lives_to_its_end_and_a_key_long_retired_is_unknown()
    {
        var keys = region.Open();
        keys.Rotate();
        region.Time.Advance(Options.PublishAhead - TimeSpan.FromSeconds(1));
        var last = new TokenIssuer(keys).Issue(Region.Resident, Colour.Green, region.Time.GetUtcNow());
        var reader = new TokenReader(keys);

        region.Time.Advance(TimeSpan.FromSeconds(119));
        Assert.True(reader.TryReadOwn(last.Text, region.Time.GetUtcNow(), out _, out _));

        region.Time.Advance(Options.RetiredFor);
        Assert.False(reader.TryReadOwn(last.Text, region.Time.GetUtcNow(), out _, out var refusal));
        Assert.Equal(TokenRefusal.UnknownKey, refusal);
    }

    [Fact]
    public void The_next_rotation_deletes_the_file_of_a_key_long_retired()
    {
        var keys = region.Open();
        var first = keys.KeyIds.Single();
        keys.Rotate();
        region.Time.Advance(Options.PublishAhead + Options.RetiredFor + TimeSpan.FromSeconds(1));

        keys.Rotate();

        Assert.DoesNotContain(first, keys.KeyIds);
        Assert.Equal(2, Directory.GetFiles(Keys, "signing-*").Length);
    }

    [Fact]
    public async Task Processes_that_start_at_once_agree_on_every_secret()
    {
        var secrets = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => region.Open().Secret("profiles"))));

        Assert.Single(secrets.Select(Convert.ToHexString).Distinct());
    }

    [Fact]
    public void A_folder_that_cannot_be_read_for_a_while_stops_nobody()
    {
        var keys = region.Open();
        var issuer = new TokenIssuer(keys);
        Directory.Move(Keys, Keys + "-away");
        region.Time.Advance(TimeSpan.FromMinutes(2));

        var token = issuer.Issue(Region.Resident, Colour.Green, region.Time.GetUtcNow());
        Assert.NotNull(keys.ReloadFailure);

        Directory.Move(Keys + "-away", Keys);
        region.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(new TokenReader(region.Open()).TryReadOwn(token.Text, region.Time.GetUtcNow(), out _, out _));
        issuer.Issue(Region.Resident, Colour.Green, region.Time.GetUtcNow());
        Assert.Null(keys.ReloadFailure);
    }

    [Fact]
    public void Public_keys_travel_as_a_JWK_set()
    {
        var keys = region.Open();
        keys.Rotate();
        var set = keys.PublicKeys();
        var token = new TokenIssuer(keys).Issue(Region.Resident, Colour.Green, Region.Morning);

        var read = PublicKeySet.FromJson(set.ToJson());

        Assert.Equal(set.ToJson(), read.ToJson());
        Assert.DoesNotContain("\"d\"", set.ToJson(), StringComparison.Ordinal);
        Assert.Equal([Region.Division], read.Issuers);
        Assert.True(TokenVerifier.TryVerify(token.Text, read, Region.Morning, out _, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"keys":[{}]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","kid":"a"}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","kid":"a","iss":"990100","x":"AA","y":"AA"}]}""")]
    public void What_is_no_such_set_is_refused(string json) => Assert.Throws<FormatException>(() => PublicKeySet.FromJson(json));

    [Fact]
    public void A_key_that_goes_by_anothers_name_or_vouches_for_no_region_is_refused()
    {
        var keys = region.Open();
        var json = keys.PublicKeys().ToJson();

        Assert.Throws<FormatException>(() => PublicKeySet.FromJson(json.Replace(keys.KeyIds[0].ToString(), "0000000000000000", StringComparison.Ordinal)));
        Assert.Throws<FormatException>(() => PublicKeySet.FromJson(json.Replace("990100", "", StringComparison.Ordinal)));
    }

    private KeyId KeyOf(TokenIssuer issuer)
    {
        var token = issuer.Issue(Region.Resident, Colour.Green, region.Time.GetUtcNow());
        return TokenBytes.TryParse(token.Text, out var bytes, out _) ? bytes.Key : default;
    }
}
