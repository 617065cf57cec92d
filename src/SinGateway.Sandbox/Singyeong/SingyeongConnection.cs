using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using SinGateway.Sandbox.Net;
using SinGateway.Sandbox.Verification;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// One websocket of a 신경 client. Its packets are processed in order on its reading loop, which is all that makes a heartbeat's ack a
/// barrier: answers and ack go through the same queue.
/// </summary>
internal sealed class SingyeongConnection
{
    private const int ReceiveBuffer = 256 * 1024;
    private const long BackpressureAt = 64L << 20;

    private readonly SingyeongServer _server;
    private readonly Connection _connection;
    private readonly WebSocketReader _reader;
    private readonly PacketOutput _output;
    private readonly PacketReader _packets;
    private readonly RouteCache _routes = new();
    private readonly HashSet<Outgoing> _touched = [];
    private readonly Random _random;
    private SingyeongClient? _client;
    private TimeSpan _pause;
    private bool _isEnding;

    public SingyeongConnection(SingyeongServer server, Connection connection, PacketEncoding encoding, int number)
    {
        _server = server;
        _connection = connection;
        _reader = new WebSocketReader(connection);
        _output = new PacketOutput(connection.Outgoing, encoding);
        _packets = new PacketReader(encoding, server.Ledger);
        _random = new Random(server.Options.Seed + number);
        LastFrame = LastHeartbeat = Environment.TickCount64;
    }

    public SingyeongClient? Client => _client;

    public long LastFrame { get; private set; }

    public long LastHeartbeat { get; private set; }

    public long WriteStalledFor => _connection.Outgoing.StalledFor;

    private Outgoing Outgoing => _connection.Outgoing;

    public async Task RunAsync()
    {
        try
        {
            _connection.ReceiveInto(ReceiveBuffer);
            JsonPacketWriter.Hello(_output, _server.Options.SingyeongHeartbeatInterval);
            Outgoing.Flush();
            do
            {
                while (ReadOne())
                {
                    if (_pause > TimeSpan.Zero)
                    {
                        FlushTouched();
                        await Task.Delay(_pause).ConfigureAwait(false);
                    }
                }
                await DeliverAsync().ConfigureAwait(false);
            }
            while (await _connection.FillAsync().ConfigureAwait(false));
        }
        finally
        {
            FlushTouched();
            if (_client is { } client)
            {
                _server.Registry.Remove(client);
            }
        }
    }

    public void StopReading(bool on) => _connection.StopReading(on);

    public void Reset() => _connection.Reset();

    public void Dispose() => _connection.Dispose();

    public void Goodbye()
    {
        JsonPacketWriter.Goodbye(_output);
        Outgoing.Flush();
    }

    public void Close(int code)
    {
        if (_isEnding)
        {
            return;
        }
        _isEnding = true;
        Span<byte> payload = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)code);
        Outgoing.AppendFrame(WebSocketOpcode.Close, payload);
        Outgoing.Flush();
        _ = DisposeLaterAsync(1000);
    }

    // Handles the next message in the buffer, if there is a whole one.
    private bool ReadOne()
    {
        _pause = TimeSpan.Zero;
        if (!_reader.TryRead(out WebSocketMessage message))
        {
            if (_reader.Violation is { } violation && !_isEnding)
            {
                Interlocked.Increment(ref _server.Statistics.ProtocolErrors);
                _server.Statistics.Error($"websocket: {violation}");
                Close(1002);
            }
            return false;
        }
        LastFrame = Environment.TickCount64;
        switch (message.Opcode)
        {
            case WebSocketOpcode.Close:
                Closed(message.CloseCode);
                return false;
            case WebSocketOpcode.Ping:
                Outgoing.AppendFrame(WebSocketOpcode.Pong, message.Payload);
                _touched.Add(Outgoing);
                break;
            case WebSocketOpcode.Text or WebSocketOpcode.Binary when _isEnding:
                break;
            case WebSocketOpcode.Text when _output.Encoding == PacketEncoding.Json:
            case WebSocketOpcode.Binary when _output.Encoding != PacketEncoding.Json:
                Receive(message.Payload);
                break;
            case WebSocketOpcode.Text or WebSocketOpcode.Binary:
                Fatal($"a {message.Opcode} frame on a connection of {_output.Encoding}");
                break;
            default:
                break;
        }
        return true;
    }

    private void Receive(ReadOnlySpan<byte> bytes)
    {
        if (!_packets.TryRead(bytes, out Packet packet))
        {
            Fatal(_packets.Refusal);
        }
        else if (_client is null && packet.Op != 1)
        {
            Fatal("identify first");
        }
        else if (LastFrame - LastHeartbeat > _server.Options.SingyeongHeartbeatInterval * 3L / 2 && packet.Op != 5)
        {
            Fatal("heartbeat took too long");
        }
        else
        {
            switch (packet.Op)
            {
                case 1:
                    Identify(packet.Data);
                    break;
                case 4:
                    Interlocked.Increment(ref _server.Statistics.Dispatches);
                    Interlocked.Add(ref _server.Statistics.Bytes, bytes.Length);
                    Dispatch(packet);
                    _pause = _server.Throttle.Take();
                    break;
                case 5:
                    Heartbeat();
                    break;
                default:
                    Fatal($"unknown op {packet.Op}");
                    break;
            }
        }
    }

    private void Identify(ReadOnlySpan<byte> data)
    {
        if (_client is not null)
        {
            Fatal("already identified");
            return;
        }
        if (IdentifyRequest.Read(data) is not { } request)
        {
            Fatal("invalid identify");
            return;
        }
        SingyeongClient client = new(request.Application, request.ClientId, _output)
        {
            IsRestricted = request.Auth != _server.Options.SingyeongPassword,
            WantsClientUpdates = request.WantsClientUpdates,
            Metadata = request.Metadata,
        };
        if (!_server.Registry.TryAdd(client))
        {
            Interlocked.Increment(ref _server.Statistics.Duplicates);
            Fatal($"{client.ClientId}: already registered for app {client.Application}");
            return;
        }
        _client = client;
        LastHeartbeat = LastFrame;
        JsonPacketWriter.Ready(_output, client.ClientId, client.IsRestricted);
        _touched.Add(Outgoing);
    }

    private void Heartbeat()
    {
        Interlocked.Increment(ref _server.Statistics.Heartbeats);
        LastHeartbeat = LastFrame;
        if (_server.Options.Bugs.MetadataIsLost && _random.Next(20) == 0 && _client!.LosePending())
        {
            Interlocked.Increment(ref _server.Statistics.MetadataLost);
        }
        JsonPacketWriter.HeartbeatAck(_output, _client!.ClientId);
        _touched.Add(Outgoing);
    }

    private void Dispatch(scoped in Packet packet)
    {
        string type = Encoding.UTF8.GetString(packet.Type);
        if (_client!.IsRestricted)
        {
            Interlocked.Increment(ref _server.Statistics.InvalidDispatches);
            JsonPacketWriter.Invalid(_output, $"invalid dispatch type {type} (are you restricted?)");
            _touched.Add(Outgoing);
            return;
        }
        switch (type)
        {
            case "SEND" or "BROADCAST":
                Forward(packet, isSend: type == "SEND");
                break;
            case "UPDATE_METADATA":
                UpdateMetadata(packet.Data);
                break;
            case "QUERY_NODES" when _server.Options.Bugs.OperatorsKill:
                Kill("QUERY_NODES");
                break;
            default:
                Fatal($"invalid dispatch type {type}");
                break;
        }
    }

    private void Forward(scoped in Packet packet, bool isSend)
    {
        Interlocked.Increment(ref isSend ? ref _server.Statistics.Sends : ref _server.Statistics.Broadcasts);
        if (packet.Target.IsEmpty || packet.Payload.IsEmpty)
        {
            Fatal("target and payload are required");
            return;
        }
        if (packet.Message is { } message)
        {
            _server.Ownership.Forwarded(message.Stream, _client!.ClientId);
            if (_server.Poison.ContainsKey((message.Stream, message.Number)))
            {
                Kill($"poison: message {message.Number} of shard {message.Stream}");
                return;
            }
        }
        SingyeongClient[] clients = _server.Registry.Clients;
        Route? route = _routes.Find(packet.Target, clients);
        if (route is null)
        {
            byte[] target = packet.Target.ToArray();
            route = _server.Target.Evaluate(target, clients, _server.IsSinkOpen, _output.Encoding);
            _routes.Add(target, route);
        }
        switch (route.Outcome)
        {
            case RouteOutcome.Sink:
                Interlocked.Increment(ref _server.Statistics.Sunk);
                Enter(packet);
                break;
            case RouteOutcome.Deliver:
                Deliver(packet, route.Matches, isSend);
                Enter(packet);
                break;
            case RouteOutcome.NoRoute:
                Interlocked.Increment(ref _server.Statistics.NoRoute);
                JsonPacketWriter.NoRoute(_output, packet, route.CanonicalTarget);
                _touched.Add(Outgoing);
                break;
            case RouteOutcome.Drop:
                Interlocked.Increment(ref _server.Statistics.DroppedSilently);
                break;
            case RouteOutcome.Kill:
                Kill(route.Reason);
                break;
            default:
                Fatal(route.Reason);
                break;
        }
    }

    private void Enter(scoped in Packet packet)
    {
        ReadOnlySpan<byte> nonce = packet.Nonce;
        _server.Ledger.Enter(nonce.Length > 2 && nonce[0] == (byte)'"' ? nonce[1..^1] : default, packet.Message);
    }

    private void Deliver(scoped in Packet packet, SingyeongClient[] matches, bool isSend)
    {
        if (isSend)
        {
            Deliver(packet, matches[matches.Length == 1 ? 0 : _random.Next(matches.Length)]);
            return;
        }
        foreach (SingyeongClient client in matches)
        {
            Deliver(packet, client);
        }
    }

    private void Deliver(scoped in Packet packet, SingyeongClient client)
    {
        Interlocked.Increment(ref _server.Statistics.Delivered);
        JsonPacketWriter.Dispatch(client.Output, packet.Type, packet.Nonce, packet.Payload);
        _touched.Add(client.Outgoing);
    }

    private void UpdateMetadata(ReadOnlySpan<byte> data)
    {
        using JsonDocument document = JsonDocument.Parse(data.ToArray());
        if (SingyeongClient.ReadMetadata(document.RootElement) is not { } metadata)
        {
            Fatal("invalid metadata");
            return;
        }
        Interlocked.Increment(ref _server.Statistics.MetadataUpdates);
        _client!.Update(metadata);
    }

    // Op 8, and 0.1 s later a close with 1000 and no reason.
    private void Fatal(string error)
    {
        _isEnding = true;
        Interlocked.Increment(ref _server.Statistics.Fatal);
        _server.Statistics.Error($"{Name}: fatal: {error}");
        JsonPacketWriter.Error(_output, error);
        Outgoing.Flush();
        _ = EndAsync();

        async Task EndAsync()
        {
            await Task.Delay(100).ConfigureAwait(false);
            _isEnding = false;
            Close(1000);
        }
    }

    // The process of the connection crashes: no answer, and what it had not processed is gone.
    private void Kill(string reason)
    {
        Interlocked.Increment(ref _server.Statistics.Kills);
        _server.Statistics.Error($"{Name}: killed by {reason}");
        Close(1011);
    }

    private void Closed(int code)
    {
        if (!_isEnding)
        {
            _isEnding = true;
            _server.Statistics.ClientCloses.AddOrUpdate(code, 1, (_, count) => count + 1);
            Span<byte> echo = stackalloc byte[2];
            BinaryPrimitives.WriteUInt16BigEndian(echo, (ushort)code);
            Outgoing.AppendFrame(WebSocketOpcode.Close, code == 1005 ? default : echo);
        }
        _ = _connection.FinishAsync();
    }

    private string Name => _client is { } client ? $"{client.Application}:{client.ClientId}" : "unidentified";

    private void FlushTouched()
    {
        foreach (Outgoing outgoing in _touched)
        {
            outgoing.Flush();
        }
        _touched.Clear();
    }

    // Flushes, and waits while a receiver is far behind, as the real server's senders do in the end.
    private async ValueTask DeliverAsync()
    {
        if (_touched.Count == 0)
        {
            return;
        }
        Outgoing? behind = null;
        foreach (Outgoing outgoing in _touched)
        {
            outgoing.Flush();
            behind = outgoing.Pending > BackpressureAt ? outgoing : behind;
        }
        _touched.Clear();
        if (behind is not null)
        {
            await behind.WhenDrainedAsync().ConfigureAwait(false);
        }
    }

    private async Task DisposeLaterAsync(int milliseconds)
    {
        await Task.Delay(milliseconds).ConfigureAwait(false);
        _connection.Dispose();
    }
}
