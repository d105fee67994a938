namespace HealthCode.Cli;

/// <summary>A password as a command is given one: typed unseen at a terminal, else the first line of standard input.</summary>
public static class Password
{
    public static async Task<string> ReadAsync(CancellationToken cancellation)
    {
        if (Console.IsInputRedirected)
            return await Console.In.ReadLineAsync(cancellation) ?? "";
        await Console.Error.WriteAsync("Password: ");
        var typed = new System.Text.StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
                typed.Length = Math.Max(0, typed.Length - 1);
            else
                typed.Append(key.KeyChar);
        }
        await Console.Error.WriteLineAsync();
        return typed.ToString();
    }
}
