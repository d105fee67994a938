// One token, byte by byte: CWT claims (RFC 8392) in COSE_Sign1 (RFC 9052), deterministic CBOR.
//
//   at  size  bytes                  meaning
//    0     2  d2 84                  tag 18, COSE_Sign1: an array of four
//    2     6  4d a2 01 26 04 48      protected header, 13 bytes: 1 alg = -7 (ES256), 4 kid =
//    8     8  ........                 first 8 bytes of SHA-256(SubjectPublicKeyInfo)
//   16     7  a1 3a00010002 42       unprotected header: -65539 checksum =
//   23     2  ........                 CRC-16 of protected header, claims and signature
//   25     2  58 50                  payload, 80 bytes
//   27     3  a5 01 66                 five claims: 1 iss =
//   30     6  ........                   the region's division code, six ASCII digits
//   36     2  04 1a                      4 exp =
//   38     4  ........                   seconds since 1970, big-endian
//   42     2  06 1a                      6 iat =
//   44     4  ........                   seconds since 1970, big-endian
//   48     6  3a00010000 62              -65537 colour =
//   54     2  ........                   level code "00" green, "01" yellow, "10" red
//   56     7  3a00010001 58 2c           -65538 handle =
//   63    12  ........                   nonce
//   75    16  ........                   the PersonId, AES-256-GCM
//   91    16  ........                   tag of the handle, over bytes 2..16 and 28..56 too
//  107     2  58 40                  signature, 64 bytes
//  109    64  ........                 r, s; s in the lower half of its range
//  173                               = 260 characters of Base45, 265 with "JKM1:": QR version 8-L or 10-M
//
// Every token has this one shape, so it is read by position, and whatever differs in a fixed byte is refused: there is
// one text for one token. A reader of another make may parse it as ordinary COSE. Other claims need another prefix.
//
// The issuer opens the handle (a MAC, microseconds) and does not look at the signature; anyone else checks the
// signature and cannot open the handle. The checksum is for the issuer's sake: without it, a smudge within the
// signature would go unnoticed there. It is no protection: someone may put another signature and its checksum on a
// genuine token, which the issuer then still reads as what it is, the same token with the same Id.
//
// Times fit 32 bits until 2106.

using System.Buffers.Binary;
using System.Formats.Cbor;
using System.Text;
using HealthCode.Domain;

namespace HealthCode.Tokens;

/// <summary>The fields of one token, at their places in its bytes. The drawing is at the head of this file.</summary>
internal readonly struct TokenBytes
{
    public const string Prefix = "JKM1:";
    public const int TextLengthMax = 512;
    public const int Size = 173;
    public const int HandleSize = 44;
    public const int SignatureSize = 64;

    private const int IssuerSize = 6;

    private static readonly Range KeyField = 8..16;
    private static readonly Range ChecksumField = 23..25;
    private static readonly Range IssuerField = 30..36;
    private static readonly Range ExpiresField = 38..42;
    private static readonly Range IssuedField = 44..48;
    private static readonly Range ColourField = 54..56;
    private static readonly Range HandleField = 63..107;
    private static readonly Range SignatureField = 109..173;

    private static readonly Range ProtectedPart = 2..16;
    private static readonly Range PayloadPart = 25..107;
    private static readonly Range ClaimsBeforeHandle = 28..56;

    private static readonly Range[] Fields =
        [KeyField, ChecksumField, IssuerField, ExpiresField, IssuedField, ColourField, HandleField, SignatureField];

    /// <summary>A token with zero in every field.</summary>
    private static readonly byte[] Template = WriteTemplate();

    /// <summary>["Signature1", protected, empty, payload]: what RFC 9052, 4.4 has signed.</summary>
    private static readonly byte[] SignatureContext = [0x84, 0x6a, .. "Signature1"u8];

    private readonly byte[] bytes;

    private TokenBytes(byte[] bytes) => this.bytes = bytes;

    /// <summary>A token with everything but its handle, signature and checksum, which are made from the rest.</summary>
    public static TokenBytes Create(KeyId key, string issuer, DateTimeOffset issuedAt, DateTimeOffset expiresAt, Colour colour)
    {
        var token = new TokenBytes(Template.ToArray());
        key.WriteTo(token.Field(KeyField));
        Encoding.ASCII.GetBytes(issuer, token.Field(IssuerField));
        BinaryPrimitives.WriteUInt32BigEndian(token.Field(ExpiresField), checked((uint)expiresAt.ToUnixTimeSeconds()));
        BinaryPrimitives.WriteUInt32BigEndian(token.Field(IssuedField), checked((uint)issuedAt.ToUnixTimeSeconds()));
        Encoding.ASCII.GetBytes(colour.ToLevel(), token.Field(ColourField));
        return token;
    }

    /// <summary>Reads a text that is a token in shape: <see cref="TokenRefusal.NotACode"/> and then Damaged are checked.</summary>
    public static bool TryParse(string? text, out TokenBytes token, out TokenRefusal refusal)
    {
        token = default;
        refusal = TokenRefusal.NotACode;
        if (text is null || !text.StartsWith(Prefix, StringComparison.Ordinal))
            return false;

        refusal = TokenRefusal.Damaged;
        if (text.Length > TextLengthMax || !Base45.TryDecode(text.AsSpan(Prefix.Length), out var bytes))
            return false;
        token = new TokenBytes(bytes);
        if (!token.IsWellFormed())
            return false;
        refusal = TokenRefusal.None;
        return true;
    }

    public KeyId Key => KeyId.FromBytes(Field(KeyField));

    public string Issuer => Encoding.ASCII.GetString(Field(IssuerField));

    public DateTimeOffset IssuedAt => TimeIn(IssuedField);

    public DateTimeOffset ExpiresAt => TimeIn(ExpiresField);

    /// <summary>Unknown when the level is none of the three that a token may carry.</summary>
    public Colour Colour
    {
        get
        {
            var level = Field(ColourField);
            return level.SequenceEqual("00"u8) ? Colour.Green
                : level.SequenceEqual("01"u8) ? Colour.Yellow
                : level.SequenceEqual("10"u8) ? Colour.Red
                : Colour.Unknown;
        }
    }

    public Span<byte> Handle => Field(HandleField);

    public Span<byte> Signature => Field(SignatureField);

    /// <summary>What the handle is bound to: key, issuer, times and colour, as they stand in the token.</summary>
    public byte[] HandleContext => [.. Field(ProtectedPart), .. Field(ClaimsBeforeHandle)];

    public byte[] ToBeSigned => [.. SignatureContext, .. Field(ProtectedPart), 0x40, .. Field(PayloadPart)];

    /// <summary>Writes the checksum, and then the whole as the text of a QR code. The last step of making a token.</summary>
    public string Seal()
    {
        BinaryPrimitives.WriteUInt16BigEndian(Field(ChecksumField), Checksum());
        return Prefix + Base45.Encode(bytes);
    }

    /// <summary>Whether the token is in time at <paramref name="now"/>; checked last, when all else is known to be true.</summary>
    public TokenRefusal RefusalAt(DateTimeOffset now) =>
        IssuedAt - now > TimeSpan.FromMinutes(1) ? TokenRefusal.NotYetValid
        : now >= ExpiresAt ? TokenRefusal.Expired
        : TokenRefusal.None;

    private Span<byte> Field(Range range) => bytes.AsSpan(range);

    private DateTimeOffset TimeIn(Range field) =>
        DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadUInt32BigEndian(Field(field)));

    private bool IsWellFormed() =>
        bytes.Length == Size
        && FixedBytesAreRight()
        && Issuer.All(char.IsAsciiDigit)
        && Colour != Colour.Unknown
        && ExpiresAt > IssuedAt
        && BinaryPrimitives.ReadUInt16BigEndian(Field(ChecksumField)) == Checksum();

    private bool FixedBytesAreRight()
    {
        Span<byte> blank = stackalloc byte[Size];
        bytes.CopyTo(blank);
        foreach (var field in Fields)
            blank[field].Clear();
        return blank.SequenceEqual(Template);
    }

    private ushort Checksum()
    {
        var crc = Crc16(0xffff, Field(ProtectedPart));
        crc = Crc16(crc, Field(PayloadPart));
        return Crc16(crc, Field(SignatureField));
    }

    /// <summary>
    /// CRC-16/IBM-3740. It finds every change within 16 bits in a row, so every one byte, and the two bytes that stand
    /// behind any one character.
    /// </summary>
    internal static ushort Crc16(ushort crc, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            crc ^= (ushort)(value << 8);
            for (var bit = 0; bit < 8; bit++)
                crc = (ushort)((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
        }
        return crc;
    }

    private static byte[] WriteTemplate()
    {
        var cose = new CborWriter(CborConformanceMode.Canonical);
        cose.WriteTag((CborTag)18);
        cose.WriteStartArray(4);
        cose.WriteByteString(ProtectedHeader());
        cose.WriteStartMap(1);
        cose.WriteInt32(-65539);
        cose.WriteByteString(new byte[2]);
        cose.WriteEndMap();
        cose.WriteByteString(Claims());
        cose.WriteByteString(new byte[SignatureSize]);
        cose.WriteEndArray();

        var template = cose.Encode();
        foreach (var field in Fields)
            template.AsSpan(field).Clear();
        return template;
    }

    private static byte[] ProtectedHeader()
    {
        var header = new CborWriter(CborConformanceMode.Canonical);
        header.WriteStartMap(2);
        header.WriteInt32(1);
        header.WriteInt32(-7);
        header.WriteInt32(4);
        header.WriteByteString(new byte[KeyId.Size]);
        header.WriteEndMap();
        return header.Encode();
    }

    private static byte[] Claims()
    {
        var claims = new CborWriter(CborConformanceMode.Canonical);
        claims.WriteStartMap(5);
        claims.WriteInt32(1);
        claims.WriteTextString(new string('0', IssuerSize));
        claims.WriteInt32(4);
        claims.WriteUInt32(uint.MaxValue);
        claims.WriteInt32(6);
        claims.WriteUInt32(uint.MaxValue);
        claims.WriteInt32(-65537);
        claims.WriteTextString("00");
        claims.WriteInt32(-65538);
        claims.WriteByteString(new byte[HandleSize]);
        claims.WriteEndMap();
        return claims.Encode();
    }
}
