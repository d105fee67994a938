using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace HealthCode.Testing;

/// <summary>A PostgreSQL server of one's own: a fresh cluster in a temporary folder on a free port of the loopback, gone afterwards.</summary>
/// <remarks>
/// It keeps PostgreSQL's own durability (fsync on), so that what it acknowledged must survive <see cref="KillAsync"/>.
/// PostgreSQL refuses to run as root; then it runs as the user <c>postgres</c> that its package has made.
/// </remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(60);

    private readonly string programs;
    private readonly string folder;
    private readonly int port;
    private readonly string[] settings;
    private Process? postmaster;

    private PostgresServer(string programs, string folder, int port, string[] settings) =>
        (this.programs, this.folder, this.port, this.settings) = (programs, folder, port, settings);

    /// <summary>Of the database <c>postgres</c>, which every server has.</summary>
    public string ConnectionString => ConnectionStringOf("postgres");

    /// <summary>The same as an address, as <c>--store</c> takes it.</summary>
    public string Url => UrlOf("postgres");

    /// <summary>Where its files are.</summary>
    public string Data => Path.Combine(folder, "data");

    public string ConnectionStringOf(string database) => $"Host=127.0.0.1;Port={port};Username=postgres;Database={database}";

    public string UrlOf(string database) => $"postgres://postgres@127.0.0.1:{port}/{database}";

    /// <summary>Makes a cluster and starts it. Returns when it takes connections.</summary>
    /// <param name="settings">Further ones of postgresql.conf, as <c>name=value</c>.</param>
    /// <exception cref="InvalidOperationException">There is no PostgreSQL here, or it does not start; the message says what it said.</exception>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        var programs = FindPrograms();
        var folder = Directory.CreateTempSubdirectory("healthcode-postgres-").FullName;
        var server = new PostgresServer(programs, folder, FreePort(), settings);
        try
        {
            if (Environment.IsPrivilegedProcess)
                await RunAsync("chown", "postgres", folder);
            var (program, before) = AsPostgres(Path.Combine(programs, "initdb"));
            await RunAsync(program, [.. before, "-D", server.Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--data-checksums", "--no-sync"]);
            await server.LaunchAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes an empty database.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync(string name)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var create = new NpgsqlCommand($"CREATE DATABASE \"{name}\"", connection);
        await create.ExecuteNonQueryAsync();
        return ConnectionStringOf(name);
    }

    /// <summary>Stops the server: its connections are cut off.</summary>
    /// <param name="immediate">Without a checkpoint, so that the next start must recover.</param>
    public async Task StopAsync(bool immediate = false)
    {
        if (postmaster is not { } stopping)
            return;
        await RunAsync("kill", immediate ? "-QUIT" : "-INT", PidOf(stopping));
        await stopping.WaitForExitAsync();
        Forget();
    }

    /// <summary>Kills the server and all its processes (SIGKILL), as a power cut would. Returns when they are gone.</summary>
    public async Task KillAsync()
    {
        if (postmaster is not { } killed)
            return;
        var children = ChildrenOf(killed.Id);
        killed.Kill();
        await killed.WaitForExitAsync();
        foreach (var child in children)
            await KillChildAsync(child);
        Forget();
    }

    /// <summary>Starts a stopped or killed server again, or stops a running one before. Returns when it takes connections.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await LaunchAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(folder, recursive: true);
    }


    private async Task LaunchAsync()
    {
        var (program, before) = AsPostgres(Path.Combine(programs, "postgres"));
        string[] given = ["listen_addresses=127.0.0.1", $"unix_socket_directories={folder}", "max_connections=200", "lc_messages=C", .. settings];
        var start = new ProcessStartInfo(program, [.. before, "-D", Data, "-p", port.ToString(CultureInfo.InvariantCulture), .. given.SelectMany(setting => (string[])["-c", setting])])
        {
            RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = folder,
        };
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var said = new List<string>();
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.ErrorDataReceived += (_, line) => Hear(line.Data, said, ready);
        process.OutputDataReceived += (_, line) => Hear(line.Data, said, ready);
        process.Exited += (_, _) => ready.TrySetException(new InvalidOperationException("PostgreSQL did not start: " + Joined(said)));
        process.Start();
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        postmaster = process;
        await ready.Task.WaitAsync(StartMax);
    }

    private static void Hear(string? line, List<string> said, TaskCompletionSource ready)
    {
        if (line is null)
            return;
        if (line.Contains("database system is ready to accept connections", StringComparison.Ordinal))
            ready.TrySetResult();
        lock (said)
        {
            if (said.Count < 100)
                said.Add(line);
        }
    }

    private static string Joined(List<string> said)
    {
        lock (said)
            return string.Join('\n', said);
    }

    private void Forget()
    {
        postmaster?.Dispose();
        postmaster = null;
        // Pooled connections to a server that is no more would each cost a failure.
        NpgsqlConnection.ClearAllPools();
    }

    private static string PidOf(Process process) => process.Id.ToString(CultureInfo.InvariantCulture);

    // Linux lists a process's children itself.
    private static List<int> ChildrenOf(int pid) =>
        [.. File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(child => int.Parse(child, CultureInfo.InvariantCulture))];

    private static async Task KillChildAsync(int pid)
    {
        try
        {
            using var child = Process.GetProcessById(pid);
            child.Kill();
            await child.WaitForExitAsync();
        }
        catch (ArgumentException)
        {
            // It was gone before: a child ends by itself when it sees that its postmaster has.
        }
    }

    // setpriv becomes the program, so that its process is ours to kill; runuser would stand between.
    private static (string Program, string[] Before) AsPostgres(string program) =>
        Environment.IsPrivilegedProcess ? ("setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", program]) : (program, []);

    private static string FindPrograms()
    {
        const string debian = "/usr/lib/postgresql";
        var folders = Directory.Exists(debian)
            ? Directory.GetDirectories(debian).OrderByDescending(version => version, StringComparer.Ordinal).Select(version => Path.Combine(version, "bin"))
            : [];
        var found = folders.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            .FirstOrDefault(candidate => File.Exists(Path.Combine(candidate, "initdb")) && File.Exists(Path.Combine(candidate, "postgres")));
        return found ?? throw new InvalidOperationException("PostgreSQL's programs (initdb, postgres) are not installed: Debian's package is postgresql.");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = "/" })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} failed: {error}");
    }
}
