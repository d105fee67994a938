using QRCoder;

namespace HealthCode.Server.Tests;

/// <summary>What a camera would see: a QR code on a phone, as a film that Chromium plays as its camera (YUV4MPEG2).</summary>
internal static class CameraFilm
{
    private const int Width = 640, Height = 480, Frames = 10;

    public static async Task WriteAsync(string path, string text)
    {
        using var generator = new QRCodeGenerator();
        using var code = generator.CreateQrCode(text, QRCodeGenerator.ECCLevel.M);
        var luma = Draw(code.ModuleMatrix);
        // Grey all over: the colour planes of 4:2:0 at their middle.
        var chroma = new byte[Width * Height / 2];
        Array.Fill(chroma, (byte)128);

        await using var film = File.Create(path);
        await film.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"YUV4MPEG2 W{Width} H{Height} F10:1 Ip A1:1 C420jpeg\n"));
        for (var frame = 0; frame < Frames; frame++)
        {
            await film.WriteAsync("FRAME\n"u8.ToArray());
            await film.WriteAsync(luma);
            await film.WriteAsync(chroma);
        }
    }

    private static byte[] Draw(IReadOnlyList<System.Collections.BitArray> modules)
    {
        var luma = new byte[Width * Height];
        Array.Fill(luma, (byte)200);
        var size = (Height - 20) / modules.Count;
        var (left, top) = ((Width - (size * modules.Count)) / 2, (Height - (size * modules.Count)) / 2);
        for (var y = 0; y < modules.Count * size; y++)
        {
            for (var x = 0; x < modules.Count * size; x++)
                luma[((top + y) * Width) + left + x] = modules[y / size][x / size] ? (byte)20 : (byte)235;
        }
        return luma;
    }
}
