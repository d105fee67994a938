using System.CommandLine;
using System.Net.Http.Json;
using System.Text.Json;
using HealthCode.Api;

namespace HealthCode.Cli;

/// <summary><c>healthcode evidence feed FILE</c>: brings a source's facts into a running region, signed in as staff.</summary>
internal static class EvidenceCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "JSON Lines, one fact a line" };
        var url = new Option<string>("--url") { Description = "The region", DefaultValueFactory = _ => "http://127.0.0.1:8080" };
        url.Accepts(text => Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme.StartsWith("http", StringComparison.Ordinal), "http://… or https://…");
        var user = new Option<string>("--user") { Description = "The epidemiologist whose account brings it in", Required = true };
        var feed = new Command("feed", "Bring in a source's facts; the password is read from standard input") { file, url, user };
        feed.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(file)!, new Uri(parsed.GetValue(url)!), parsed.GetValue(user)!, cancellation));
        return new Command("evidence", "Facts that sources report") { feed };
    }

    private static async Task<int> RunAsync(FileInfo file, Uri url, string user, CancellationToken cancellation)
    {
        if (!file.Exists)
            return Fail($"There is no file {file.FullName}.");
        // The session's cookie lives as long as this client. A feed takes as long as it takes.
        using var client = new HttpClient { BaseAddress = url, Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.Add("X-Requested-With", "HealthCode");
        try
        {
            var signIn = new StaffSignInRequest(user, await Password.ReadAsync(cancellation));
            using var signedIn = await client.PostAsJsonAsync(Routes.StaffSignIn, signIn, ApiJson.Default.StaffSignInRequest, cancellation);
            if (!signedIn.IsSuccessStatusCode)
                return await FailAsync(signedIn, cancellation);
            await using var lines = new ToldStream(file.OpenRead(), file.Length);
            using var body = new StreamContent(lines, ToldStream.ReadSize) { Headers = { ContentType = new("application/jsonl") } };
            using var answer = await client.PostAsync(new Uri(Routes.EvidenceFeed, UriKind.Relative), body, cancellation);
            if (!answer.IsSuccessStatusCode)
                return await FailAsync(answer, cancellation);
            var report = (await answer.Content.ReadFromJsonAsync(ApiJson.Default.FeedReport, cancellation))!;
            return Print(report, await ReconciliationAsync(file, report, cancellation));
        }
        catch (HttpRequestException failure)
        {
            return Fail($"{url} does not answer: {failure.Message} What was taken in stays; send the whole again.");
        }
    }

    /// <summary>The same number as the region's, worked out from the file; null when not all refused lines were named.</summary>
    private static async Task<string?> ReconciliationAsync(FileInfo file, FeedReport report, CancellationToken cancellation)
    {
        if (report.Lines.Count < report.Refused)
            return null;
        var refused = report.Lines.Select(line => line.Line).ToHashSet();
        var (number, sum) = (0L, 0UL);
        await foreach (var line in File.ReadLinesAsync(file.FullName, cancellation))
        {
            if (refused.Contains(++number) || string.IsNullOrWhiteSpace(line))
                continue;
            using var fact = JsonDocument.Parse(line);
            sum += Reconciliation.Of(fact.RootElement.GetProperty("source").GetString()!, fact.RootElement.GetProperty("id").GetString()!);
        }
        return Reconciliation.Text(sum);
    }

    private static int Print(FeedReport report, string? reconciliation)
    {
        foreach (var line in report.Lines)
            Console.WriteLine($"line {line.Line}  {line.Id ?? "-"}  {line.Refusal}{(line.Field is null ? "" : $"  ({line.Field})")}");
        Console.WriteLine($"read {report.Read}, accepted {report.Accepted}, known {report.Known}, refused {report.Refused}");
        Console.WriteLine(reconciliation is null ? $"reconciliation {report.Reconciliation}, not compared: too many lines were refused to name them all"
            : reconciliation == report.Reconciliation ? $"reconciliation {report.Reconciliation}, as in the file"
            : $"reconciliation {report.Reconciliation} DIFFERS from {reconciliation} in the file: send it again, and ask why if it differs again");
        return report.Refused == 0 && (reconciliation is null || reconciliation == report.Reconciliation) ? 0 : 1;
    }

    /// <summary>
    /// Says how much of a file was taken over. The region reads no faster than it writes, so that is also how much is durable,
    /// but for the last megabytes.
    /// </summary>
    private sealed class ToldStream(Stream inner, long length) : Stream
    {
        public const int ReadSize = 64 * 1024;

        private long read;
        private int percentTold = -1;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => read; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Tell(inner.Read(buffer, offset, count));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Tell(await inner.ReadAsync(buffer, cancellationToken));

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }

        // On a terminal only.
        private int Tell(int count)
        {
            read += count;
            var percent = length == 0 ? 100 : (int)(read * 100 / length);
            if (percent > percentTold && !Console.IsErrorRedirected)
                Console.Error.Write($"\r{percentTold = percent} % of {length >> 20:N0} MiB{(percent == 100 && count == 0 ? "\n" : "")}");
            return count;
        }
    }

    private static async Task<int> FailAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        try
        {
            var problem = await answer.Content.ReadFromJsonAsync(ApiJson.Default.Problem, cancellation);
            return Fail($"{problem!.Type[Refusals.TypePrefix.Length..]}: {problem.Message.En}. {problem.WhatToDo.En}.");
        }
        catch (JsonException)
        {
            return Fail($"The answer was {(int)answer.StatusCode}, and not a region's.");
        }
    }

    private static int Fail(string why)
    {
        Console.Error.WriteLine(why);
        return 2;
    }
}
