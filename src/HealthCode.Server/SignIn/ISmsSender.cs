using HealthCode.Domain;

namespace HealthCode.Server.SignIn;

/// <summary>Sends a short message. A deployment plugs in its operator's gateway.</summary>
public interface ISmsSender
{
    /// <summary>Returns when the gateway has taken the message over.</summary>
    /// <returns>The message itself when it is to be shown on the screen instead (a demo); else null.</returns>
    /// <exception cref="MessagesUnavailableException">The gateway did not take it.</exception>
    Task<string?> SendAsync(PhoneNumber to, string message, CancellationToken cancellation);
}

public sealed class MessagesUnavailableException(string message) : Exception(message);

/// <summary>The demo's: the message appears on the screen that asked for it.</summary>
internal sealed class OnScreenSmsSender : ISmsSender
{
    public Task<string?> SendAsync(PhoneNumber to, string message, CancellationToken cancellation) => Task.FromResult<string?>(message);
}

/// <summary>No gateway is configured: nobody can sign in by phone, and <c>healthcode doctor</c> says so.</summary>
internal sealed class NoSmsSender : ISmsSender
{
    public Task<string?> SendAsync(PhoneNumber to, string message, CancellationToken cancellation) =>
        throw new MessagesUnavailableException("No sender of short messages is configured.");
}
