using System.Security.Cryptography;
using System.Text;
using HealthCode.Domain;
using Orleans.Concurrency;

namespace HealthCode.Server.SignIn;

/// <summary>A share of the codes that are on their way to phones, so that a code asked for at one node is used at another.</summary>
/// <remarks>Kept in memory: with the node that has it, a code is lost, and the resident asks for another.</remarks>
internal interface ISignInCodesGrain : IGrainWithIntegerKey
{
    /// <inheritdoc cref="SignInCodes.Make"/>
    Task<MadeCode> Make(PhoneKey phone);

    /// <inheritdoc cref="SignInCodes.TryUse"/>
    Task<bool> TryUse(PhoneKey phone, string code);
}

/// <summary>A phone between nodes. It never prints, and neither does a code.</summary>
[GenerateSerializer, Immutable]
internal readonly record struct PhoneKey([property: Id(0)] string Normalized)
{
    public override string ToString() => "***";
}

[GenerateSerializer, Immutable]
internal readonly record struct MadeCode([property: Id(0)] string Code, [property: Id(1)] DateTimeOffset ExpiresAt)
{
    public override string ToString() => "***";
}

[KeepAlive]
internal sealed class SignInCodesGrain(TimeProvider time) : Grain, ISignInCodesGrain
{
    private readonly SignInCodes codes = new(time);

    public Task<MadeCode> Make(PhoneKey phone)
    {
        var (code, expiresAt) = codes.Make(phone.Normalized);
        return Task.FromResult(new MadeCode(code, expiresAt));
    }

    public Task<bool> TryUse(PhoneKey phone, string code) => Task.FromResult(codes.TryUse(phone.Normalized, code));
}

/// <summary>From a phone to the codes it waits for, wherever they are.</summary>
internal sealed class SignInDesk(IGrainFactory grains)
{
    /// <summary>A morning's sign-ins are spread over so many, and so over the nodes.</summary>
    private const int Shares = 64;

    public async Task<(string Code, DateTimeOffset ExpiresAt)> MakeAsync(PhoneNumber phone)
    {
        var made = await ShareOf(phone).Make(new(phone.Normalized));
        return (made.Code, made.ExpiresAt);
    }

    public Task<bool> TryUseAsync(PhoneNumber phone, string code) => ShareOf(phone).TryUse(new(phone.Normalized), code);

    // The same on every node, and not by the last digits, which a flood would choose.
    private ISignInCodesGrain ShareOf(PhoneNumber phone) =>
        grains.GetGrain<ISignInCodesGrain>(SHA256.HashData(Encoding.ASCII.GetBytes(phone.Normalized))[0] % Shares);
}
