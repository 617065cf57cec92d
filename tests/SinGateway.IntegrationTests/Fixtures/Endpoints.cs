using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>The HTTP endpoints of a running gateway, at the port that it chose and said.</summary>
internal sealed partial class Endpoints : IAsyncDisposable
{
    /// <summary>For <see cref="GatewayConfig.More"/>.</summary>
    public const string Listen = "operations: { listen: \"127.0.0.1:0\" }";

    private readonly HttpClient _client;

    private Endpoints(int port)
    {
        Port = port;
        _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = Eventually.Deadline };
    }

    public int Port { get; }

    /// <summary>Everything that was ever answered.</summary>
    public StringBuilder Seen { get; } = new();

    /// <summary>Waits until the gateway says where it listens.</summary>
    public static async Task<Endpoints> OfAsync(GatewayProcess gateway)
    {
        Match match = await Eventually.HoldsAsync(
            () => Task.FromResult(ListeningAt().Match(gateway.Errors)), match => match.Success, "the gateway says where it listens", _ => gateway.Tail);
        return new Endpoints(int.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>The status code and the body.</summary>
    public async Task<(int Status, string Body)> GetAsync(string path)
    {
        using HttpResponseMessage response = await _client.GetAsync(path);
        string body = await response.Content.ReadAsStringAsync();
        lock (Seen)
        {
            Seen.AppendLine(body);
        }
        return ((int)response.StatusCode, body);
    }

    public async Task<JsonElement> StatusAsync()
    {
        using JsonDocument document = JsonDocument.Parse((await GetAsync("/status")).Body);
        return document.RootElement.Clone();
    }

    /// <summary>One sample of the metrics, such as <c>singateway_forwarded_total{rule="0"}</c>; null when there is none.</summary>
    public async Task<double?> MetricAsync(string sample)
    {
        string? line = (await GetAsync("/metrics")).Body.Split('\n').FirstOrDefault(line => line.StartsWith(sample + ' ', StringComparison.Ordinal));
        return line is null ? null : double.Parse(line[(sample.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until the endpoint answers so.</summary>
    public Task<(int Status, string Body)> AnswersAsync(string path, int status, string containing = "") => Eventually.HoldsAsync(
        () => GetAsync(path),
        answer => answer.Status == status && answer.Body.Contains(containing, StringComparison.Ordinal),
        $"{path} answers {status} {containing}",
        answer => $"{answer.Status} {answer.Body}");

    /// <summary>Waits until a sample has a value.</summary>
    public Task<double?> MetricIsAsync(string sample, double value) =>
        Eventually.HoldsAsync(() => MetricAsync(sample), found => found == value, $"{sample} is {value}", found => $"it is {found}");

    /// <summary>What comes back for bytes of one's own making.</summary>
    public async Task<string> SendAsync(string request)
    {
        using TcpClient client = new();
        await client.ConnectAsync("127.0.0.1", Port);
        await client.Client.SendAsync(Encoding.Latin1.GetBytes(request));
        using StreamReader answer = new(client.GetStream(), Encoding.Latin1);
        return await answer.ReadToEndAsync().WaitAsync(Eventually.Deadline);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    [GeneratedRegex(@"Listening at http://127\.0\.0\.1:(\d+)")]
    private static partial Regex ListeningAt();
}
