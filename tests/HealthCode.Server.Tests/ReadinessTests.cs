using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using HealthCode.Api;
using HealthCode.Server.Operating;
using HealthCode.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace HealthCode.Server.Tests;

/// <summary>When a node that starts is sent requests, and when it is not.</summary>
[Collection("one region, one clock")]
public sealed class ReadinessTests
{
    private readonly TaskCompletionSource disk = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<string, bool> read = new();

    [Fact]
    public async Task A_node_is_ready_when_it_has_loaded_its_partitions_though_nobody_asked_for_them()
    {
        await using var region = await RegionAsync(TimeSpan.FromMinutes(5));
        using var client = new HttpClient { BaseAddress = region.Address };
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "Unhealthy"), await AskAsync(client, Routes.Ready));
        Assert.Equal((HttpStatusCode.OK, "Healthy"), await AskAsync(client, Routes.Live));

        disk.SetResult();
        for (var began = Stopwatch.GetTimestamp(); await AskAsync(client, Routes.Ready) != (HttpStatusCode.OK, "Healthy"); await Task.Delay(20))
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60), "it did not become ready");
        Assert.Equal(16, region.Services.GetRequiredService<WarmUp>().Loaded);
        Assert.Equal(Enumerable.Range(0, 16).Select(JournalStreams.Of), read.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_node_whose_partitions_cannot_be_loaded_is_ready_all_the_same_after_a_bounded_time()
    {
        await using var region = await RegionAsync(TimeSpan.Zero);
        using var client = new HttpClient { BaseAddress = region.Address };
        Assert.Equal((HttpStatusCode.OK, "Degraded"), await AskAsync(client, Routes.Ready));
        disk.SetResult();
    }

    private static async Task<(HttpStatusCode Status, string Said)> AskAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<TestRegion> RegionAsync(TimeSpan warmUpMax)
    {
        var region = new TestRegion
        {
            Options = options => options with { WarmUpMax = warmUpMax },
            Configure = builder => builder.Services.AddSingleton<IJournal>(provider => new HeldUpJournal(
                provider.GetRequiredService<RegionStores>().Journal, () => Task.CompletedTask, stream => ReadingAsync(stream))),
        };
        await region.InitializeAsync();
        return region;
    }

    private async Task ReadingAsync(string stream)
    {
        if (!stream.StartsWith("people/", StringComparison.Ordinal))
            return;
        read[stream] = true;
        await disk.Task;
    }
}
