using System.Buffers;
using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>A worker behind 신경, as a bot's would be, that counts what is delivered to it.</summary>
internal sealed class WorkerClient : IAsyncDisposable
{
    private const string Application = "worker";

    private readonly ClientWebSocket _socket = new();
    private readonly ArrayBufferWriter<byte> _message = new(64 * 1024);
    private readonly ConcurrentDictionary<int, long> _lastOfShard = new();
    private readonly ConcurrentDictionary<string, long> _events = new();
    private readonly ConcurrentDictionary<(int Shard, long Number), int> _messages = new();
    private readonly ConcurrentDictionary<ulong, ConcurrentQueue<long>> _seqsOfGuild = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _sending = new(1);
    private Task _receiving = Task.CompletedTask;
    private Exception? _failure;
    private long _disorder;
    private bool _disposed;

    /// <summary>How many of each event have arrived.</summary>
    public IReadOnlyDictionary<string, long> Events => _events;

    /// <summary>The shards whose messages have arrived, as nonces name them.</summary>
    public IEnumerable<int> Shards => _lastOfShard.Keys.Order();

    /// <summary>How often each message has arrived, by shard and number.</summary>
    public IReadOnlyDictionary<(int Shard, long Number), int> Messages => _messages;

    /// <summary>The seqs of each guild's events, GUILD_CREATE and those that name their guild, as they arrived.</summary>
    public IReadOnlyDictionary<ulong, ConcurrentQueue<long>> SeqsOfGuild => _seqsOfGuild;

    /// <summary>
    /// The number of the latest MESSAGE_CREATE of each shard, which is also how many arrived, as long as there is no disorder.
    /// </summary>
    public IReadOnlyDictionary<int, long> LastOfShard => _lastOfShard;

    /// <summary>MESSAGE_CREATEs whose number is not one more than that of the shard's message before.</summary>
    public long Disorder => Volatile.Read(ref _disorder);

    public string Explain => $"arrived: {string.Join(", ", _events.Select(pair => $"{pair.Value} {pair.Key}"))}; disorder {_disorder}; {_failure?.Message}";

    /// <summary>Connects and returns when 신경 has taken it in.</summary>
    /// <param name="sandbox">Where 신경 is.</param>
    /// <param name="events">What its metadata lists.</param>
    /// <param name="name">Its client id.</param>
    /// <param name="slots">The slots of guilds that its metadata lists.</param>
    public static async Task<WorkerClient> ConnectAsync(SandboxProcess sandbox, string[] events, string name = "worker-1", int[]? slots = null)
    {
        WorkerClient worker = new();
        try
        {
            await worker._socket.ConnectAsync(new Uri($"ws://{sandbox.SingyeongEndpoint}/gateway/websocket?encoding=json"), worker._ended.Token);
            int interval = (await worker.ReceiveAsync()).Data.GetProperty("heartbeat_interval").GetInt32();
            await worker.SendAsync(1, new
            {
                client_id = name,
                application_id = Application,
                metadata = new { events = new { type = "list", value = events }, slots = new { type = "list", value = slots ?? [] } },
            });
            (int op, JsonElement data) = await worker.ReceiveAsync();
            while (op == 4)
            {
                // It is in the routing table before it is told so: what waited for it may come first.
                worker.Count(data);
                (op, data) = await worker.ReceiveAsync();
            }
            if (op != 2 || data.GetProperty("restricted").GetBoolean())
            {
                throw new InvalidOperationException($"신경 answers op {op}: {data}");
            }
            worker._receiving = Task.WhenAll(worker.CountAsync(), worker.BeatAsync(name, interval));
            return worker;
        }
        catch
        {
            await worker.DisposeAsync();
            throw;
        }
    }

    public long Count(string eventName) => _failure is null ? _events.GetValueOrDefault(eventName) : throw new InvalidOperationException(Explain, _failure);

    /// <summary>Lets 신경 find the gateway that has <paramref name="shard"/>, and sends it a command for Discord.</summary>
    public Task CommandAsync(int shard, string command) => DispatchAsync(
        "SEND", $$$"""{"application":"gateway","ops":[{"path":"/shards","op":"$contains","to":{"value":{{{shard}}}}}]}""", command);

    /// <summary>Sends a command to every gateway.</summary>
    public Task CommandAllAsync(string command) => DispatchAsync("BROADCAST", """{"application":"gateway","ops":[]}""", command);

    /// <summary>Goes away; again, it does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }
        await _ended.CancelAsync();
        _socket.Abort();
        await _receiving;
        _socket.Dispose();
        _ended.Dispose();
        _sending.Dispose();
    }

    private async Task CountAsync()
    {
        try
        {
            while (true)
            {
                (int op, JsonElement data) = await ReceiveAsync();
                if (op == 4)
                {
                    Count(data);
                }
            }
        }
        catch (Exception ended) when (_ended.IsCancellationRequested && ended is OperationCanceledException or WebSocketException)
        {
        }
        catch (Exception failure)
        {
            _failure = failure;
        }
    }

    // {"nonce":"shard:session:seq:rule","payload":{"t":…,"s":…,"op":0,"d":{… "content":"#n …"}},"target":null}
    private void Count(JsonElement data)
    {
        JsonElement payload = data.GetProperty("payload");
        string name = payload.GetProperty("t").GetString()!;
        string[] nonce = data.GetProperty("nonce").GetString()!.Split(':');
        if (name == "MESSAGE_CREATE")
        {
            int shard = int.Parse(nonce[0], System.Globalization.CultureInfo.InvariantCulture);
            ReadOnlySpan<char> content = payload.GetProperty("d").GetProperty("content").GetString();
            long number = long.Parse(content[1..content.IndexOf(' ')], System.Globalization.CultureInfo.InvariantCulture);
            if (number != _lastOfShard.GetValueOrDefault(shard) + 1 || payload.GetProperty("s").GetRawText() != nonce[2])
            {
                Interlocked.Increment(ref _disorder);
            }
            _lastOfShard[shard] = number;
            _messages.AddOrUpdate((shard, number), 1, (_, count) => count + 1);
        }
        JsonElement told = payload.GetProperty("d");
        if (told.TryGetProperty(name == "GUILD_CREATE" ? "id" : "guild_id", out JsonElement guild))
        {
            ulong id = ulong.Parse(guild.GetString()!, System.Globalization.CultureInfo.InvariantCulture);
            _seqsOfGuild.GetOrAdd(id, _ => new ConcurrentQueue<long>()).Enqueue(payload.GetProperty("s").GetInt64());
        }
        _events.AddOrUpdate(name, 1, (_, count) => count + 1);
    }

    private async Task BeatAsync(string name, int interval)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(interval));
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                await SendAsync(5, new { client_id = name });
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or WebSocketException)
        {
        }
    }

    private Task DispatchAsync(string type, string target, string payload) =>
        SendAsync($$$"""{"op":4,"t":"{{{type}}}","d":{"target":{{{target}}},"nonce":null,"payload":{{{payload}}}}}""");

    private Task SendAsync(int op, object data) => SendAsync(JsonSerializer.Serialize(new { op, d = data }));

    private async Task SendAsync(string packet)
    {
        await _sending.WaitAsync(_ended.Token);
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(packet), WebSocketMessageType.Text, endOfMessage: true, _ended.Token);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task<(int Op, JsonElement Data)> ReceiveAsync()
    {
        _message.ResetWrittenCount();
        while (true)
        {
            ValueWebSocketReceiveResult part = await _socket.ReceiveAsync(_message.GetMemory(16 * 1024), _ended.Token);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                throw new InvalidOperationException($"신경 closed the worker's connection: {_socket.CloseStatus}");
            }
            _message.Advance(part.Count);
            if (part.EndOfMessage)
            {
                using JsonDocument packet = JsonDocument.Parse(_message.WrittenMemory);
                return (packet.RootElement.GetProperty("op").GetInt32(), packet.RootElement.GetProperty("d").Clone());
            }
        }
    }
}
