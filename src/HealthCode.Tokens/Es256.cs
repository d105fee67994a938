using System.Security.Cryptography;

namespace HealthCode.Tokens;

/// <summary>ECDSA on P-256 with SHA-256, as 64 bytes r, s; by any number of threads.</summary>
/// <remarks>
/// Of s and n - s, which are equally good to ECDSA, only the lower is made and accepted: otherwise anybody could turn a
/// token into a second one with another text.
/// </remarks>
internal sealed class Es256
{
    private const int Half = 32;

    /// <summary>The order n of the group of P-256 (SEC 2, 2.4.2).</summary>
    private static readonly byte[] Order =
        Convert.FromHexString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

    private static readonly byte[] HalfOrder =
        Convert.FromHexString("7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8");

    private readonly Pool<ECDsa> keys;

    private Es256(ECParameters parameters)
    {
        keys = new Pool<ECDsa>(() => ECDsa.Create(parameters));
        var first = keys.Take();
        Id = KeyId.Of(first);
        keys.Return(first);
        X = parameters.Q.X!;
        Y = parameters.Q.Y!;
    }

    public KeyId Id { get; }

    public byte[] X { get; }

    public byte[] Y { get; }

    /// <exception cref="CryptographicException">It is no key of P-256.</exception>
    public static Es256 FromPrivatePem(string pem)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(pem);
        var parameters = key.ExportParameters(includePrivateParameters: true);
        return parameters.Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value
            ? new Es256(parameters)
            : throw new CryptographicException("The key is not of P-256.");
    }

    /// <exception cref="CryptographicException">It is no point of P-256.</exception>
    public static Es256 FromPoint(byte[] x, byte[] y) =>
        new(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = x, Y = y } });

    public void Sign(ReadOnlySpan<byte> data, Span<byte> signature)
    {
        var key = keys.Take();
        try
        {
            key.SignData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        finally
        {
            keys.Return(key);
        }
        Lower(signature[Half..]);
    }

    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (!IsLow(signature[Half..]))
            return false;
        var key = keys.Take();
        try
        {
            return key.VerifyData(
                data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        finally
        {
            keys.Return(key);
        }
    }

    private static bool IsLow(ReadOnlySpan<byte> s) => s.SequenceCompareTo(HalfOrder) <= 0;

    private static void Lower(Span<byte> s)
    {
        if (!IsLow(s))
            Negate(s);
    }

    /// <summary>Turns s into n - s.</summary>
    internal static void Negate(Span<byte> s)
    {
        var borrow = 0;
        for (var i = Half - 1; i >= 0; i--)
        {
            var difference = Order[i] - s[i] - borrow;
            borrow = difference < 0 ? 1 : 0;
            s[i] = (byte)difference;
        }
    }
}
