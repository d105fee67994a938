using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HealthCode.Api;
using HealthCode.Domain;
using HealthCode.Tokens;

namespace HealthCode.Server.Tests;

/// <summary>Somebody whom the load shows, reports and scans, and what has been acknowledged of them.</summary>
internal sealed class FirePerson(PersonId id, string cookie, string? area)
{
    private volatile bool mustNotBeGreen;

    public PersonId Id => id;
    public string Cookie => cookie;

    /// <summary>Whose risk is to change their colour; null for who declares a fever some day.</summary>
    public string? Area => area;

    public ConcurrentDictionary<EvidenceId, long> Acknowledged { get; } = [];

    /// <summary>Evidence or a risk that turns them was acknowledged: each display asked for from now on must show it.</summary>
    public bool MustNotBeGreen
    {
        get => mustNotBeGreen;
        set => mustNotBeGreen = value;
    }
}

/// <summary>A display that was had: how long it was waited for, in all attempts.</summary>
internal readonly record struct FireDisplay(long WantedAt, long HadAt)
{
    public TimeSpan Wait => Stopwatch.GetElapsedTime(WantedAt, HadAt);
}

/// <summary>Residents who report, guards who scan, and displays, all at once, each through any node until it is answered.</summary>
/// <remarks>What is sent has an id that the test knows, so that afterwards it can be looked for, one by one.</remarks>
internal sealed class FireLoad(ThreeNodes nodes, IReadOnlyList<FirePerson> people, KeyRing keys, string guard, string scans) : IDisposable
{
    /// <summary>A node that stands still is left after so long, and the next is asked.</summary>
    private static readonly TimeSpan AttemptMax = TimeSpan.FromSeconds(2);

    /// <summary>Nothing may stay unanswered so long, whatever happens.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    // Each attempt may go to another node, and one that was killed listens elsewhere when it is back.
    private readonly HttpClient client = new(new SocketsHttpHandler { UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(1) })
    {
        Timeout = Timeout.InfiniteTimeSpan, DefaultRequestHeaders = { { "X-Requested-With", "HealthCode" } },
    };

    private readonly TokenIssuer issuer = new(keys, TimeSpan.FromMinutes(10));
    private readonly TokenReader reader = new(keys);
    private readonly ConcurrentQueue<FireDisplay> displays = [];
    private readonly CancellationTokenSource over = new();
    private int retries, asOf;

    public ConcurrentQueue<string> Wrong { get; } = [];

    public IEnumerable<FireDisplay> Displays => displays;

    public int Retries => retries;

    /// <summary>Displays that said themselves that they may be behind.</summary>
    public int AsOf => asOf;

    public Task StartAsync() => Task.WhenAll(
    [
        .. people.Select((person, index) => Task.Run(() => ShowAsync(person, index))),
        .. people.Where(person => person.Area is null).Select((person, index) => Task.Run(() => ReportAsync(person, index))),
        .. Enumerable.Range(0, 2).Select(index => Task.Run(() => ScanAsync(index))),
    ]);

    /// <summary>Nothing new is sent; what was sent is still answered.</summary>
    public void End() => over.Cancel();

    /// <summary>Sets or ends a risk, or whatever else is posted: through any node, until it is acknowledged.</summary>
    public Task<string> PostAsync<T>(string path, T body, string cookie, string key, int first, HttpStatusCode expected) => UntilAnsweredAsync(first, node =>
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(node, path)) { Content = JsonContent.Create(body, typeof(T), options: ApiJson.Default.Options) };
        request.Headers.Add("Cookie", cookie);
        request.Headers.Add(Routes.IdempotencyKey, key);
        return request;
    }, expected);

    public Task<string> GetAsync(string path, string cookie, int first) => UntilAnsweredAsync(first, node =>
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(node, path));
        request.Headers.Add("Cookie", cookie);
        return request;
    }, HttpStatusCode.OK);

    private async Task ShowAsync(FirePerson person, int index)
    {
        for (var turn = index; !over.IsCancellationRequested; turn++)
        {
            // What is acknowledged from here on may show or not.
            var mustNotBeGreen = person.MustNotBeGreen;
            var wanted = Stopwatch.GetTimestamp();
            var shown = await GetAsync(Routes.MyCode, person.Cookie, turn);
            displays.Enqueue(new FireDisplay(wanted, Stopwatch.GetTimestamp()));
            if (!IsRight(shown, mustNotBeGreen))
                Wrong.Enqueue($"{DateTime.UtcNow:O}: a display of {person.Id} lacked what was acknowledged before: {shown}");
            await PauseAsync(150);
        }
    }

    private bool IsRight(string shown, bool mustNotBeGreen)
    {
        var state = JsonDocument.Parse(shown).RootElement;
        if (state.TryGetProperty("asOf", out var moment) && moment.ValueKind != JsonValueKind.Null)
        {
            Interlocked.Increment(ref asOf);
            return true;
        }
        return !mustNotBeGreen || state.GetProperty("colour").GetString() != "green";
    }

    private async Task ReportAsync(FirePerson person, int index)
    {
        // One after the other declares a fever and stays yellow from then on.
        var feverAt = 5 + (index * 12);
        for (var turn = 0; !over.IsCancellationRequested; turn++)
        {
            var key = $"fire-{index}-{turn}";
            var report = turn == feverAt ? new ReportRequest(["fever"], 38.6m, "no") : new ReportRequest([], 36.5m, "no");
            await PostAsync(Routes.MyReports, report, person.Cookie, key, index + turn, HttpStatusCode.Created);
            person.Acknowledged[EvidenceId.From("report", key)] = Stopwatch.GetTimestamp();
            person.MustNotBeGreen |= turn == feverAt;
            await PauseAsync(250);
        }
    }

    // Each scan is of a code of its own, so that each is a visit.
    private async Task ScanAsync(int index)
    {
        for (var turn = index; !over.IsCancellationRequested; turn++)
        {
            var person = people[turn % people.Count];
            var now = TimeProvider.System.GetUtcNow();
            var code = issuer.Issue(person.Id, Colour.Green, now).Text;
            if (!reader.TryReadOwn(code, now, out var token, out var refusal))
                throw new InvalidOperationException($"Our own code was refused: {refusal}.");
            await PostAsync(scans, new ScanRequest(code, 36.5m), guard, "", turn, HttpStatusCode.OK);
            person.Acknowledged[EvidenceId.From("scan", $"{FireTests.Place}/{token.Id}")] = Stopwatch.GetTimestamp();
            await PauseAsync(150);
        }
    }

    private async Task<string> UntilAnsweredAsync(int first, Func<Uri, HttpRequestMessage> make, HttpStatusCode expected)
    {
        var begun = Stopwatch.GetTimestamp();
        for (var attempt = 0; ; attempt++)
        {
            string failure;
            try
            {
                using var request = make(nodes[(first + attempt) % 3]);
                using var patience = new CancellationTokenSource(AttemptMax);
                using var answer = await client.SendAsync(request, patience.Token);
                var text = await answer.Content.ReadAsStringAsync(patience.Token);
                if (answer.StatusCode == expected)
                    return text;
                failure = $"{answer.StatusCode} {text}";
                if ((int)answer.StatusCode < 500 && answer.StatusCode != HttpStatusCode.TooManyRequests)
                    throw new InvalidOperationException($"{request.RequestUri}: {failure}");
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
            {
                failure = exception.Message;
            }
            if (Stopwatch.GetElapsedTime(begun) > PatienceMax)
                throw new TimeoutException($"Nobody answered for {PatienceMax.TotalSeconds:N0} s; at last: {failure}");
            Interlocked.Increment(ref retries);
            await Task.Delay(20);
        }
    }

    // What paces a client, and waits for nothing.
    private async Task PauseAsync(int milliseconds)
    {
        try
        {
            await Task.Delay(milliseconds, over.Token);
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    public void Dispose()
    {
        client.Dispose();
        over.Dispose();
    }
}
