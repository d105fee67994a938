using HealthCode.Domain;
using HealthCode.Simulation;

namespace HealthCode.Server.Applications;

/// <summary>What an authority's register says of a name, a number and a phone.</summary>
/// <param name="IdentityMatches">Name and number belong together.</param>
/// <param name="PhoneMatches">And the phone is that person's.</param>
public readonly record struct RealNameAnswer(bool IdentityMatches, bool PhoneMatches);

/// <summary>Asks the authority that knows who is who. A deployment plugs in its own.</summary>
public interface IRealNameCheck
{
    /// <exception cref="RegisterUnavailableException">No answer can be had now.</exception>
    Task<RealNameAnswer> CheckAsync(PersonName name, IdentityDocument document, PhoneNumber phone, CancellationToken cancellation);
}

public sealed class RegisterUnavailableException(string message) : Exception(message);

/// <summary>The demo's authority: the synthetic city's own register.</summary>
internal sealed class CityRealNameCheck(City city) : IRealNameCheck
{
    public Task<RealNameAnswer> CheckAsync(
        PersonName name, IdentityDocument document, PhoneNumber phone, CancellationToken cancellation)
    {
        var (identity, isPhone) = new CityRegister(city).Check(name, document, phone);
        return Task.FromResult(new RealNameAnswer(identity, isPhone));
    }
}

internal sealed class NoRealNameCheck : IRealNameCheck
{
    public Task<RealNameAnswer> CheckAsync(
        PersonName name, IdentityDocument document, PhoneNumber phone, CancellationToken cancellation) =>
        throw new RegisterUnavailableException("No real-name register is configured.");
}
