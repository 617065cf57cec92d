using SinGateway.Forwarding;

namespace SinGateway.Singyeong;

/// <summary>
/// The packets of one 신경 connection whose encoding is not JSON, in both directions. A dispatch is put together from its parts, so that an event
/// that several rules take is transcoded once. Owns its scratch memory. Belongs to the loop's thread.
/// </summary>
internal abstract class BinaryPackets : IDisposable
{
    /// <summary>Null for JSON, which needs none: there events go as they came.</summary>
    public static BinaryPackets? For(SingyeongEncoding encoding) => encoding switch
    {
        SingyeongEncoding.Msgpack => new BinaryPackets<MsgpackWriter, MsgpackReader>(),
        SingyeongEncoding.Etf => new BinaryPackets<EtfWriter, EtfReader>(),
        _ => null,
    };

    /// <summary>A packet of the gateway about itself, from its JSON.</summary>
    public abstract byte[] Encode(ReadOnlySpan<byte> json);

    /// <summary>Transcodes an event; it is the payload of all dispatches until the next one.</summary>
    public abstract TranscodeOutcome EncodePayload(ReadOnlySpan<byte> json);

    /// <summary>
    /// Transcodes the target of <paramref name="copy"/> for this shard, which is that of the next dispatch. False when it is nested too
    /// deep.
    /// </summary>
    public abstract bool TryEncodeTarget(RouteCopy copy, int shard, in EventIds ids);

    /// <summary>The target of the next dispatch, as it is sent.</summary>
    public abstract ReadOnlySpan<byte> Target { get; }

    /// <summary>Bytes of the next dispatch.</summary>
    public abstract int MeasureDispatch(bool broadcast, int nonce);

    /// <summary>Writes the dispatch of the payload and the target, in exactly as many bytes as were measured.</summary>
    public abstract void WriteDispatch(Span<byte> destination, bool broadcast, ReadOnlySpan<byte> nonce);

    /// <summary>The event is in the outbox: gives unusually much memory back.</summary>
    public abstract void ReleasePayload();

    /// <summary>
    /// The JSON of a packet from the server, in memory that holds it until the next call; false when it is none. Whatever is in the packet,
    /// time and memory are bounded by its length.
    /// </summary>
    public abstract bool TryDecode(ReadOnlySpan<byte> packet, out ReadOnlySpan<byte> json);

    public abstract void Dispose();
}

/// <summary>
/// <see cref="BinaryPackets"/> of one encoding. A dispatch is a map of <c>op</c>, <c>t</c> and <c>d</c>, and <c>d</c> one of <c>target</c>,
/// <c>nonce</c> and <c>payload</c>, in this order and with texts as keys (singyeong PROTOCOL.md, dispatch).
/// </summary>
internal sealed class BinaryPackets<TWriter, TReader> : BinaryPackets
    where TWriter : IValueWriter
    where TReader : IPacketReader
{
    private const int LongestVersion = 1;

    private readonly JsonTranscoder<TWriter> _transcoder = new();
    private readonly ScratchMemory _payload = new();
    private readonly ScratchMemory _target = new();
    private readonly ScratchMemory _received = new();
    private readonly JsonOutput _json;
    private readonly byte[] _sendStart = Start("SEND"u8);
    private readonly byte[] _broadcastStart = Start("BROADCAST"u8);
    private readonly byte[] _nonceKey = Text("nonce"u8);
    private readonly byte[] _payloadKey = Text("payload"u8);
    private int _payloadLength;
    private Range _targetRange;

    public BinaryPackets() => _json = new JsonOutput(_received);

    public override ReadOnlySpan<byte> Target => _target.Span[_targetRange];

    private ReadOnlySpan<byte> Payload => _payload.Span[.._payloadLength];

    public override byte[] Encode(ReadOnlySpan<byte> json)
    {
        byte[] packet = new byte[LongestVersion + JsonTranscoder.MaximumLength(json.Length)];
        int version = TWriter.WriteVersion(packet);
        return _transcoder.Transcode(json, packet.AsSpan(version), out int length) == TranscodeOutcome.Written
            ? packet[..(version + length)]
            : throw new ArgumentException("not a packet", nameof(json));
    }

    public override TranscodeOutcome EncodePayload(ReadOnlySpan<byte> json)
    {
        _payload.Reserve(JsonTranscoder.MaximumLength(json.Length), used: 0);
        return _transcoder.Transcode(json, _payload.Span, out _payloadLength);
    }

    public override bool TryEncodeTarget(RouteCopy copy, int shard, in EventIds ids)
    {
        int json = copy.MeasureTarget(shard, ids);
        _target.Reserve(checked(json + JsonTranscoder.MaximumLength(json)), used: 0);
        Span<byte> source = _target.Span[..copy.WriteTarget(shard, ids, _target.Span)];
        bool written = _transcoder.Transcode(source, _target.Span[json..], out int length) == TranscodeOutcome.Written;
        _targetRange = json..(json + length);
        return written;
    }

    public override int MeasureDispatch(bool broadcast, int nonce) => checked(
        (broadcast ? _broadcastStart : _sendStart).Length + Target.Length
        + _nonceKey.Length + TWriter.MeasureTextHeader(nonce) + nonce
        + _payloadKey.Length + _payloadLength);

    public override void WriteDispatch(Span<byte> destination, bool broadcast, ReadOnlySpan<byte> nonce)
    {
        Put(ref destination, broadcast ? _broadcastStart : _sendStart);
        Put(ref destination, Target);
        Put(ref destination, _nonceKey);
        int header = TWriter.MeasureTextHeader(nonce.Length);
        TWriter.WriteTextHeader(destination[..header], nonce.Length);
        destination = destination[header..];
        Put(ref destination, nonce);
        Put(ref destination, _payloadKey);
        Put(ref destination, Payload);
    }

    public override void ReleasePayload()
    {
        _payloadLength = 0;
        _payload.Shrink();
    }

    public override bool TryDecode(ReadOnlySpan<byte> packet, out ReadOnlySpan<byte> json)
    {
        _received.Shrink();
        _json.Clear();
        bool read = TReader.TryRead(packet, _json);
        json = read ? _json.Written : default;
        return read;
    }

    public override void Dispose()
    {
        _payload.Dispose();
        _target.Dispose();
        _received.Dispose();
    }

    /// <summary><c>version {"op":4,"t":type,"d":{"target":</c></summary>
    private static byte[] Start(ReadOnlySpan<byte> type)
    {
        Span<byte> version = stackalloc byte[LongestVersion];
        version = version[..TWriter.WriteVersion(version)];
        Span<byte> opcode = stackalloc byte[9];
        opcode = opcode[..TWriter.WriteInteger(opcode, negative: false, (ulong)SingyeongOpcode.Dispatch)];
        byte[] map = Map(3);
        return [.. version, .. map, .. Text("op"u8), .. opcode, .. Text("t"u8), .. Text(type), .. Text("d"u8), .. map, .. Text("target"u8)];
    }

    private static byte[] Map(int count)
    {
        Span<byte> header = stackalloc byte[TWriter.ContainerHeader];
        return header[..TWriter.WriteMapHeader(header, count)].ToArray();
    }

    private static byte[] Text(ReadOnlySpan<byte> text)
    {
        Span<byte> header = stackalloc byte[TWriter.MeasureTextHeader(text.Length)];
        TWriter.WriteTextHeader(header, text.Length);
        return [.. header, .. text];
    }

    private static void Put(ref Span<byte> destination, ReadOnlySpan<byte> part)
    {
        part.CopyTo(destination);
        destination = destination[part.Length..];
    }
}
