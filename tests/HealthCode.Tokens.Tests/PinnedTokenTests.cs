using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Security.Cryptography.Cose;

namespace HealthCode.Tokens.Tests;

/// <summary>One token as it was made on a day in February 2020: every later version reads it as the same.</summary>
public sealed class PinnedTokenTests : IDisposable
{
    private const string Text = 
        "JKM1:RRQT 9O60GO0/EF2763GFU$09HK1002002K85+JZ8A/70OA7746646FN0H-BS8SWY0H-B/5S/E7V50820746/"
        + "E7V50T70GR5387S7E89DE1EFVARF3BC6XVUM4AJ6B*VIPIAL6OD:8 WG2DE4MCCF0.1IUI399MVCLG68NZRESRHN0T"
        + "5QX-2I2MDC1L5LAXP6FUJBR4G5ULB+-P1S267962SPWP4RH$VJDB8FW4$OOWY2:T2P2GAGM0F7G UBL4W/3B5";

    private readonly Region region = Region.Pinned();
    private readonly KeyRing keys;

    public PinnedTokenTests() => keys = region.Open();

    public void Dispose() => region.Dispose();

    [Fact]
    public void Its_region_reads_it()
    {
        Assert.True(new TokenReader(keys).TryReadOwn(Text, Region.Morning, out var token, out _));

        Assert.Equal(
            new OwnToken("68eb72889a9c5643", Region.Resident, Colour.Yellow, Region.Morning, Region.Morning.AddMinutes(2)), token);
    }

    [Fact]
    public void Anyone_verifies_it_and_learns_no_more_than_issuer_colour_and_time()
    {
        Assert.True(TokenVerifier.TryVerify(Text, keys.PublicKeys(), Region.Morning, out var token, out _));

        Assert.Equal(new VerifiedToken(Region.Division, Colour.Yellow, Region.Morning, Region.Morning.AddMinutes(2)), token);
    }

    /// <summary>RFC 9052 and RFC 8392, read by another's implementation.</summary>
    [Fact]
    public void It_is_an_ordinary_COSE_Sign1_message_with_ordinary_claims()
    {
        Assert.True(Base45.TryDecode(Text.AsSpan(5), out var bytes));
        var message = CoseMessage.DecodeSign1(bytes);
        using var signing = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256, D = SHA256.HashData("the signing key of a region in a test"u8),
        });
        Assert.True(message.VerifyEmbedded(signing));
        Assert.Equal(-7, message.ProtectedHeaders[CoseHeaderLabel.Algorithm].GetValueAsInt32());
        Assert.Equal(KeyId.Of(signing), KeyId.FromBytes(message.ProtectedHeaders[CoseHeaderLabel.KeyIdentifier].GetValueAsBytes()));

        var claims = new CborReader(message.Content!.Value, CborConformanceMode.Ctap2Canonical);
        Assert.Equal(5, claims.ReadStartMap());
        Assert.Equal((1, Region.Division), (claims.ReadInt32(), claims.ReadTextString()));
        Assert.Equal((4, Region.Morning.ToUnixTimeSeconds() + 120), (claims.ReadInt32(), claims.ReadInt64()));
        Assert.Equal((6, Region.Morning.ToUnixTimeSeconds()), (claims.ReadInt32(), claims.ReadInt64()));
        Assert.Equal((-65537, "01"), (claims.ReadInt32(), claims.ReadTextString()));
        Assert.Equal((-65538, 44), (claims.ReadInt32(), claims.ReadByteString().Length));
        claims.ReadEndMap();
        Assert.Equal(0, claims.BytesRemaining);
    }

    [Fact]
    public void A_change_of_any_one_byte_is_refused_by_its_region_and_by_anyone()
    {
        Assert.True(Base45.TryDecode(Text.AsSpan(5), out var bytes));
        for (var at = 0; at < bytes.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var damaged = bytes.ToArray();
                damaged[at] ^= (byte)(1 << bit);
                Refused("JKM1:" + Base45.Encode(damaged), $"byte {at}, bit {bit}");
            }
        }
    }

    [Fact]
    public void A_change_of_any_one_character_is_refused_whatever_it_becomes()
    {
        for (var at = 0; at < Text.Length; at++)
        {
            foreach (var other in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
            {
                if (other != Text[at])
                    Refused(Text[..at] + other + Text[(at + 1)..], $"character {at} is {other}");
            }
        }
    }

    [Fact]
    public void Every_part_of_it_and_every_longer_text_is_refused()
    {
        for (var length = 0; length < Text.Length; length++)
            Refused(Text[..length], $"{length} characters");
        Refused(Text + "0", "one more");
        Refused(Text + " ", "a space at the end");
        Refused(" " + Text, "a space at the start");
        Refused(Text + "\n", "a line's end");
        Refused(Text + Text, "twice");
        Refused(Text.ToLowerInvariant(), "lower case");
    }

    /// <summary>Bytes changed so that the checksum fits again: by whoever knows the format and has no key.</summary>
    [Fact]
    public void A_token_repainted_by_someone_who_knows_the_format_is_forged()
    {
        Assert.True(TokenBytes.TryParse(Text, out var green, out _));
        Assert.True(Base45.TryDecode(Text.AsSpan(5), out var bytes));
        "00"u8.CopyTo(bytes.AsSpan(54));
        var crc = TokenBytes.Crc16(TokenBytes.Crc16(TokenBytes.Crc16(0xffff, bytes.AsSpan(2, 14)), bytes.AsSpan(25, 82)), bytes.AsSpan(109));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(23), crc);
        var forged = "JKM1:" + Base45.Encode(bytes);

        Assert.False(new TokenReader(keys).TryReadOwn(forged, Region.Morning, out _, out var refusal));
        Assert.Equal(TokenRefusal.Forged, refusal);
        Assert.False(TokenVerifier.TryVerify(forged, keys.PublicKeys(), Region.Morning, out _, out refusal));
        Assert.Equal(TokenRefusal.Forged, refusal);
        Assert.Equal(Colour.Yellow, green.Colour);
    }

    private void Refused(string text, string how)
    {
        var read = new TokenReader(keys).TryReadOwn(text, Region.Morning, out _, out var byRegion);
        Assert.False(read, "Its region read it: " + how);
        Assert.NotEqual(TokenRefusal.None, byRegion);
        var verified = TokenVerifier.TryVerify(text, keys.PublicKeys(), Region.Morning, out _, out var byAnyone);
        Assert.False(verified, "It was verified: " + how);
        Assert.NotEqual(TokenRefusal.None, byAnyone);
    }
}
