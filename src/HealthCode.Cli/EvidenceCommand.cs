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
            await using var lines = file.OpenRead();
            using var body = new StreamContent(lines) { Headers = { ContentType = new("application/jsonl") } };
            using var answer = await client.PostAsync(new Uri(Routes.EvidenceFeed, UriKind.Relative), body, cancellation);
            if (!answer.IsSuccessStatusCode)
                return await FailAsync(answer, cancellation);
            return Print((await answer.Content.ReadFromJsonAsync(ApiJson.Default.FeedReport, cancellation))!);
        }
        catch (HttpRequestException failure)
        {
            return Fail($"{url} does not answer: {failure.Message} What was taken in stays; send the whole again.");
        }
    }

    private static int Print(FeedReport report)
    {
        foreach (var line in report.Lines)
            Console.WriteLine($"line {line.Line}  {line.Id ?? "-"}  {line.Refusal}{(line.Field is null ? "" : $"  ({line.Field})")}");
        Console.WriteLine($"read {report.Read}, accepted {report.Accepted}, known {report.Known}, refused {report.Refused}");
        return report.Refused == 0 ? 0 : 1;
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
