using System.Net.Http.Json;
using HealthCode.Api;
using HealthCode.Simulation;

namespace HealthCode.Load;

/// <summary>Signs in, and keeps the cookie as it is sent.</summary>
internal static class SignIns
{
    public static async Task<string> ResidentCookieAsync(Uri address, Resident resident)
    {
        using var client = Client(address);
        using var sent = await client.PostAsJsonAsync(Routes.SignInCodes, new SignInCodeRequest(resident.Phone.Normalized), ApiJson.Default.SignInCodeRequest);
        var message = (await sent.Content.ReadFromJsonAsync(ApiJson.Default.SignInCodeSent))!.ShownMessage!;
        return await CookieAsync(address, Routes.SignIn, new SignInRequest(resident.Phone.Normalized, message.Split("验证码 ")[1][..6]));
    }

    public static async Task<string> CookieAsync<T>(Uri address, string path, T body)
    {
        using var client = Client(address);
        using var answer = await client.PostAsync(path, JsonContent.Create(body, typeof(T), options: ApiJson.Default.Options));
        answer.EnsureSuccessStatusCode();
        return answer.Headers.GetValues("Set-Cookie").First().Split(';')[0];
    }

    private static HttpClient Client(Uri address) => new(new SocketsHttpHandler { UseCookies = false })
    {
        BaseAddress = address, DefaultRequestHeaders = { { "X-Requested-With", "HealthCode" } },
    };
}
