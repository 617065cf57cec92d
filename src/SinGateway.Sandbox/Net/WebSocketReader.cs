using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace SinGateway.Sandbox.Net;

/// <summary>One message, or one control frame, of a client. The payload is borrowed: valid until the connection is filled again.</summary>
internal readonly ref struct WebSocketMessage(WebSocketOpcode opcode, ReadOnlySpan<byte> payload)
{
    public WebSocketOpcode Opcode { get; } = opcode;

    public ReadOnlySpan<byte> Payload { get; } = payload;

    /// <summary>The code of a close frame; 1005 when it has none (RFC 6455, section 7.1.5).</summary>
    public int CloseCode => Payload.Length < 2 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(Payload);
}

/// <summary>
/// Cuts the received bytes into messages, and is strict about RFC 6455: what a lenient server would forgive is named in
/// <see cref="Violation"/>, because the sandbox is there to find the gateway's mistakes.
/// </summary>
internal sealed class WebSocketReader(Connection connection)
{
    private const int MaxControlPayload = 125;

    private ArrayBufferWriter<byte>? _fragments;
    private WebSocketOpcode _fragmentsOpcode;
    private bool _isAssembling;

    /// <summary>What the client did wrong, or null. Nothing is read any more after it is set.</summary>
    public string? Violation { get; private set; }

    /// <summary>The next message that is complete in the connection's buffer.</summary>
    public bool TryRead(out WebSocketMessage message)
    {
        message = default;
        while (Violation is null && TryReadFrame(out byte first, out Span<byte> payload))
        {
            WebSocketOpcode opcode = (WebSocketOpcode)(first & 0x0f);
            bool isFinal = (first & 0x80) != 0;
            if (opcode >= WebSocketOpcode.Close)
            {
                message = new WebSocketMessage(opcode, payload);
                return true;
            }
            if (opcode == WebSocketOpcode.Continuation != _isAssembling)
            {
                Violation = _isAssembling ? "a new message inside a fragmented one" : "a continuation of nothing";
                return false;
            }
            if (isFinal && !_isAssembling)
            {
                message = new WebSocketMessage(opcode, payload);
                return true;
            }
            _fragments ??= new ArrayBufferWriter<byte>();
            if (!_isAssembling)
            {
                _fragments.ResetWrittenCount();
                _fragmentsOpcode = opcode;
                _isAssembling = true;
            }
            _fragments.Write(payload);
            if (isFinal)
            {
                _isAssembling = false;
                message = new WebSocketMessage(_fragmentsOpcode, _fragments.WrittenSpan);
                return true;
            }
        }
        return false;
    }

    private bool TryReadFrame(out byte first, out Span<byte> payload)
    {
        first = 0;
        payload = default;
        Span<byte> input = connection.Buffered;
        if (input.Length < 2)
        {
            return false;
        }
        first = input[0];
        int header = 2;
        ulong length = (uint)(input[1] & 0x7f);
        if (length == 126)
        {
            header = 4;
            if (input.Length < header)
            {
                return false;
            }
            length = BinaryPrimitives.ReadUInt16BigEndian(input[2..]);
            Violation = length < 126 ? "a length that is not in its shortest form" : Violation;
        }
        else if (length == 127)
        {
            header = 10;
            if (input.Length < header)
            {
                return false;
            }
            length = BinaryPrimitives.ReadUInt64BigEndian(input[2..]);
            Violation = length <= ushort.MaxValue ? "a length that is not in its shortest form" : Violation;
        }
        Violation = Check(first, input[1], length) ?? Violation;
        if (Violation is not null)
        {
            return false;
        }
        header += 4;
        int total = header + (int)length;
        if (input.Length < total)
        {
            connection.Expect(total);
            return false;
        }
        payload = input[header..total];
        WebSocketFrame.Unmask(payload, MemoryMarshal.Read<uint>(input[(header - 4)..]));
        connection.Consume(total);
        return true;
    }

    private static string? Check(byte first, byte second, ulong length)
    {
        byte opcode = (byte)(first & 0x0f);
        return (first & 0x70) != 0 ? "a reserved bit is set"
            : (second & 0x80) == 0 ? "a client frame without a mask"
            : opcode is (> 2 and < 8) or > 10 ? $"unknown frame opcode {opcode}"
            : opcode >= 8 && length > MaxControlPayload ? "a control frame above 125 bytes"
            : opcode >= 8 && (first & 0x80) == 0 ? "a fragmented control frame"
            : length > int.MaxValue / 2 ? "a frame above 1 GiB"
            : null;
    }
}
