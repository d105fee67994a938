namespace HealthCode.Load;

/// <summary>The other side of each comparison: Kestrel that answers a fixed number of bytes, with the product's process settings.</summary>
internal static class BareServer
{
    public static async Task RunAsync(int bytes)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false).UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var answer = new byte[bytes];
        Array.Fill(answer, (byte)'x');
        app.MapGet("/", () => Results.Bytes(answer, "application/json"));
        app.MapPost("/", async (HttpRequest request) =>
        {
            // Reads the body, as any endpoint must that is sent one.
            await request.Body.CopyToAsync(Stream.Null);
            return Results.Bytes(answer, "application/json");
        });
        await app.StartAsync();
        Console.WriteLine("listening " + app.Urls.First());
        await app.WaitForShutdownAsync();
    }
}
