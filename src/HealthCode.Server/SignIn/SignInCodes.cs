using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace HealthCode.Server.SignIn;

/// <summary>The one-time codes that are on their way to phones. Kept in memory: a restart costs a resident one more message.</summary>
internal sealed class SignInCodes(TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>Wrong tries before a code dies: one in 200,000 guesses right.</summary>
    private const int TriesMax = 5;

    /// <summary>Beyond so many waiting codes the oldest go first, so that a flood cannot fill the memory.</summary>
    private const int WaitingMax = 200_000;

    private readonly ConcurrentDictionary<string, Waiting> waiting = new();

    private sealed class Waiting(byte[] code, DateTimeOffset expiresAt)
    {
        public byte[] Code { get; } = code;
        public DateTimeOffset ExpiresAt { get; } = expiresAt;
        public int Tries;
    }

    /// <param name="phone">11 digits, normalised.</param>
    /// <returns>Six digits. An earlier code of the same phone dies.</returns>
    public (string Code, DateTimeOffset ExpiresAt) Make(string phone)
    {
        var now = time.GetUtcNow();
        if (waiting.Count >= WaitingMax)
            RemoveExpired(now);
        var code = RandomNumberGenerator.GetInt32(1_000_000).ToString("D6", null);
        var entry = new Waiting(Encoding.ASCII.GetBytes(code), now + Lifetime);
        waiting[phone] = entry;
        return (code, entry.ExpiresAt);
    }

    /// <summary>Whether the code is the one sent. A right code works once.</summary>
    public bool TryUse(string phone, string code)
    {
        if (!waiting.TryGetValue(phone, out var entry) || entry.ExpiresAt <= time.GetUtcNow()
            || Interlocked.Increment(ref entry.Tries) > TriesMax
            || !CryptographicOperations.FixedTimeEquals(entry.Code, Encoding.UTF8.GetBytes(code)))
            return false;
        return waiting.TryRemove(new(phone, entry));
    }

    private void RemoveExpired(DateTimeOffset now)
    {
        foreach (var (phone, entry) in waiting)
        {
            if (entry.ExpiresAt <= now)
                waiting.TryRemove(new(phone, entry));
        }
        foreach (var pair in waiting.OrderBy(pair => pair.Value.ExpiresAt).Take(Math.Max(0, waiting.Count - WaitingMax + 1)))
            waiting.TryRemove(pair);
    }
}
