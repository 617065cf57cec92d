using System.Collections.Concurrent;
using System.Net.Security;
using SinGateway.Sandbox.Net;
using SinGateway.Sandbox.Verification;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>A 신경 server as it was observed to be, bugs included: its port, its clients, and what it times out.</summary>
internal sealed class SingyeongServer : IDisposable
{
    private const int MetadataTick = 500;
    private const int SilenceLimit = 60_000;
    private const int WriteLimit = 30_000;

    private readonly ConcurrentDictionary<SingyeongConnection, bool> _connections = new();
    private readonly Listener _listener;
    private readonly Timer _metadataTick;
    private readonly Timer _sweep;
    private bool _isSinkOpen = true;

    public SingyeongServer(SandboxOptions options, SslStreamCertificateContext? certificate, Ledger ledger)
    {
        Options = options;
        Ledger = ledger;
        Ownership = new Ownership(options.Shards);
        Throttle = new Throttle(options.SingyeongRate);
        Target = new Target(options.Bugs, options.SinkApplication);
        _listener = new Listener(options.SingyeongPort, certificate, ServeAsync);
        _metadataTick = new Timer(_ => Registry.ApplyPendingMetadata());
        _sweep = new Timer(_ => Sweep());
    }

    public SandboxOptions Options { get; }

    public Ledger Ledger { get; }

    public Ownership Ownership { get; }

    public Throttle Throttle { get; }

    public Target Target { get; }

    public ClientRegistry Registry { get; } = new();

    public SingyeongStatistics Statistics { get; } = new();

    /// <summary>Messages on which the server fails, whoever they are for: by stream and number.</summary>
    public ConcurrentDictionary<(int Stream, long Number), bool> Poison { get; } = new();

    public ICollection<SingyeongConnection> Connections => _connections.Keys;

    public int Port => _listener.Port;

    /// <summary>Whether somebody of the sink's application is there; without, its messages find no route.</summary>
    public bool IsSinkOpen => Volatile.Read(ref _isSinkOpen);

    public void Start()
    {
        _listener.Start();
        _metadataTick.Change(MetadataTick, MetadataTick);
        _sweep.Change(1000, 1000);
    }

    /// <summary>Stops listening and drops everybody.</summary>
    public void Stop()
    {
        _listener.Stop();
        Drop();
    }

    public void Drop()
    {
        foreach (SingyeongConnection connection in Connections)
        {
            connection.Reset();
        }
    }

    public void OpenSink(bool open)
    {
        Volatile.Write(ref _isSinkOpen, open);
        Registry.Invalidate();
        Registry.Announce(Options.SinkApplication, open, except: null);
    }

    public void Dispose()
    {
        _metadataTick.Dispose();
        _sweep.Dispose();
        Stop();
    }

    private void Sweep()
    {
        long now = Environment.TickCount64;
        foreach (SingyeongConnection connection in Connections)
        {
            if (now - connection.LastFrame > SilenceLimit)
            {
                Interlocked.Increment(ref Statistics.Timeouts);
                connection.Close(1000);
            }
            else if (connection.WriteStalledFor > WriteLimit)
            {
                Interlocked.Increment(ref Statistics.Timeouts);
                connection.Dispose();
            }
        }
    }

    private static PacketEncoding? EncodingOf(string? name) => name switch
    {
        null or "json" => PacketEncoding.Json,
        "msgpack" => PacketEncoding.Msgpack,
        "etf" => PacketEncoding.Etf,
        _ => null,
    };

    private async Task ServeAsync(Connection connection)
    {
        if (await HttpExchange.ReadAsync(connection).ConfigureAwait(false) is not { } exchange)
        {
            return;
        }
        if (!exchange.IsUpgrade || exchange.Path != "/gateway/websocket" || EncodingOf(exchange.Query("encoding")) is not { } encoding
            || exchange.Header("Origin") is not null)
        {
            exchange.Answer(exchange.Path == "/gateway/websocket" ? 403 : 404, default, "Connection: close\r\n");
            await connection.FinishAsync().ConfigureAwait(false);
            return;
        }
        if (exchange.AcceptWebSocket() is { } wrong)
        {
            Interlocked.Increment(ref Statistics.ProtocolErrors);
            Statistics.Error($"upgrade: {wrong}");
            await connection.FinishAsync().ConfigureAwait(false);
            return;
        }
        int number = (int)Interlocked.Increment(ref Statistics.ConnectionsTotal);
        SingyeongConnection client = new(this, connection, encoding, number);
        _connections[client] = true;
        try
        {
            await client.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _connections.TryRemove(client, out _);
        }
    }
}
