using System.Text.Json;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>The fake Discord and the fake 신경 in a process of their own, and the way to tell them what to do.</summary>
internal sealed class SandboxProcess : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Naming = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly ChildProcess _process;
    private readonly HttpClient _control;

    private SandboxProcess(ChildProcess process, JsonElement endpoints)
    {
        _process = process;
        GatewayUrl = endpoints.GetProperty("gateway").GetString()!;
        ApiUrl = endpoints.GetProperty("api").GetString()!;
        SingyeongEndpoint = endpoints.GetProperty("singyeong").GetString()!;
        _control = new HttpClient { BaseAddress = new Uri(endpoints.GetProperty("control").GetString()!), Timeout = Eventually.Deadline };
    }

    public string ApiUrl { get; }

    public string GatewayUrl { get; }

    /// <summary>host:port</summary>
    public string SingyeongEndpoint { get; }

    public bool UsesTls => ApiUrl.StartsWith("https:", StringComparison.Ordinal);

    /// <param name="directory">Its working directory.</param>
    /// <param name="arguments">Options of its serve command, separated by spaces.</param>
    public static async Task<SandboxProcess> StartAsync(string directory, string arguments)
    {
        string[] options = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        ChildProcess process = ChildProcess.Start(Binaries.Sandbox, ["serve", "--exit-with-parent", .. options], directory);
        try
        {
            string line = await process.FirstLine.WaitAsync(Eventually.Deadline);
            using JsonDocument endpoints = JsonDocument.Parse(line.Length > 0 ? line : throw new InvalidOperationException($"no sandbox:\n{process.Tail()}"));
            return new SandboxProcess(process, endpoints.RootElement);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Gives an order of the control API, such as <c>/discord/close?shard=0&amp;code=4000</c>, and answers how many connections it hit (0
    /// if that is no question).
    /// </summary>
    public async Task<int> OrderAsync(string order, string body = "")
    {
        using HttpResponseMessage response = await _control.PostAsync(order, new StringContent(body));
        string answer = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"the sandbox refuses {order}: {answer}");
        }
        using JsonDocument document = JsonDocument.Parse(answer);
        return document.RootElement.TryGetProperty("affected", out JsonElement affected) ? affected.GetInt32() : 0;
    }

    /// <summary>
    /// Lets <paramref name="events"/> messages happen on each shard as fast as can be; completes when the sockets have taken them, if asked
    /// to wait.
    /// </summary>
    public Task BurstAsync(int events, bool wait = false) => OrderAsync($"/discord/burst?events={events}&wait={wait}".ToLowerInvariant());

    /// <summary>Messages a second over all shards from now on; 0 for none.</summary>
    public Task PaceAsync(int eventsPerSecond) => OrderAsync($"/discord/rate?events={eventsPerSecond}");

    public async Task<SandboxStatistics> StatisticsAsync() =>
        JsonSerializer.Deserialize<SandboxStatistics>(await _control.GetByteArrayAsync("/stats"), Naming)!;

    /// <summary>The last commands that Discord got: on which shard's connection, and the message.</summary>
    public async Task<(int Shard, string Payload)[]> CommandsAsync()
    {
        using JsonDocument commands = JsonDocument.Parse(await _control.GetByteArrayAsync("/discord/commands"));
        return [.. commands.RootElement.EnumerateArray().Select(command => (command.GetProperty("shard").GetInt32(), command.GetProperty("payload").GetRawText()))];
    }

    /// <summary>SIGSTOP, as a paused machine would be.</summary>
    public void Stop() => _process.Stop();

    /// <summary>SIGCONT.</summary>
    public void Continue() => _process.Continue();

    public async ValueTask DisposeAsync()
    {
        _control.Dispose();
        await _process.DisposeAsync();
    }
}
