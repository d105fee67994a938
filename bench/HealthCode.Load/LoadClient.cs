using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using HealthCode.Api;

namespace HealthCode.Load;

/// <summary>Closed loop: each connection sends the next request as soon as it has the answer to the last.</summary>
/// <remarks>
/// Bytes are made beforehand and answers are only framed, not read, so that the client takes as little as possible of
/// the cores that it shares with the server.
/// </remarks>
internal sealed class LoadClient(Uri address, int connections)
{
    /// <param name="requests">What to send; each is sent by one connection at a time. Null when there is nothing left.</param>
    public async Task<LoadResult> RunAsync(Func<byte[]?> requests, TimeSpan duration)
    {
        var clock = Stopwatch.StartNew();
        var results = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(() => ConnectAsync(requests, clock, duration))));
        var elapsed = clock.Elapsed;
        var latencies = results.SelectMany(result => result.Latencies).Order().ToArray();
        return new LoadResult(
            latencies.Length / elapsed.TotalSeconds, latencies.Length, results.Sum(result => result.Failures),
            At(latencies, 0.5), At(latencies, 0.99), results.Max(result => result.BodyBytes));
    }

    private async Task<(List<double> Latencies, int Failures, int BodyBytes)> ConnectAsync(Func<byte[]?> requests, Stopwatch clock, TimeSpan duration)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address.Host, address.Port);
        var buffer = new byte[64 * 1024];
        var latencies = new List<double>();
        var (failures, bytes) = (0, 0);
        while (clock.Elapsed < duration && requests() is { } request)
        {
            var begun = Stopwatch.GetTimestamp();
            await socket.SendAsync(request);
            var (fine, body) = await ReadAnswerAsync(socket, buffer);
            latencies.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            failures += fine ? 0 : 1;
            bytes = Math.Max(bytes, body);
        }
        return (latencies, failures, bytes);
    }

    private static async Task<(bool Fine, int BodyBytes)> ReadAnswerAsync(Socket socket, byte[] buffer)
    {
        var filled = 0;
        while (true)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(filled));
            if (read == 0)
                throw new IOException("The server closed the connection.");
            filled += read;
            if (Framed(buffer.AsSpan(0, filled)) is { } body)
                return (buffer.AsSpan(9, 1).SequenceEqual("2"u8), body);
        }
    }

    /// <returns>The body's size once the answer is complete.</returns>
    private static int? Framed(ReadOnlySpan<byte> answer)
    {
        var end = answer.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return null;
        var head = answer[..end];
        var body = answer.Length - end - 4;
        var length = head.IndexOf("Content-Length: "u8);
        if (length >= 0)
        {
            var digits = head[(length + 16)..];
            var stop = digits.IndexOf((byte)'\r');
            var wanted = int.Parse(stop < 0 ? digits : digits[..stop], null);
            return body >= wanted ? wanted : null;
        }
        return answer.EndsWith("0\r\n\r\n"u8) ? body : null;
    }

    private static double At(double[] sorted, double part) => sorted.Length == 0 ? 0 : sorted[(int)((sorted.Length - 1) * part)];

    public static byte[] Get(string path, string? cookie = null) =>
        Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n{(cookie is null ? "" : $"Cookie: {cookie}\r\n")}\r\n");

    /// <param name="key">The idempotency key; null for what has none.</param>
    public static byte[] Post(string path, string body, string cookie, string? key = null)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        return [.. Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nX-Requested-With: HealthCode\r\n"
            + (key is null ? "" : $"{Routes.IdempotencyKey}: {key}\r\n") + $"Content-Type: application/json\r\nContent-Length: {bytes.Length}\r\n\r\n"), .. bytes];
    }
}

/// <param name="MedianMs">Milliseconds from the request's first byte to the answer's last.</param>
internal sealed record LoadResult(double PerSecond, int Requests, int Failures, double MedianMs, double P99Ms, int BodyBytes);
