using System.Buffers.Binary;
using SinGateway.Loop;

namespace SinGateway.WebSockets;

/// <summary>What the next frame of the input is, after <see cref="MessageReader.Read"/>.</summary>
internal enum ReadOutcome
{
    /// <summary>The input ends inside a frame: call again with more.</summary>
    NeedMore,

    /// <summary>A fragment was taken in; its message goes on.</summary>
    Fragment,

    Text,
    Binary,
    Ping,
    Pong,
    Close,

    /// <summary>The peer broke RFC 6455; <see cref="MessageReader.Error"/> says how.</summary>
    Broken,

    /// <summary>A message is larger than the limit (G26).</summary>
    TooLarge,
}

/// <summary>
/// Takes the frames of a server off a span of received bytes and puts fragmented messages together (RFC 6455, sections 5.2 to 5.5). Does no
/// I/O and keeps nothing but a fragmented message. Text is not checked for UTF-8: it is forwarded as it came.
/// </summary>
internal sealed class MessageReader(int maximumMessage) : IDisposable
{
    private const int FinalBit = 0x80;
    private const int ReservedBits = 0x70;
    private const int OpcodeBits = 0x0F;
    private const int MaskBit = 0x80;
    private const int MaximumControlPayload = 125;

    private RentedBuffer _fragments;
    private Opcode _fragmentedOpcode = Opcode.Continuation;

    /// <summary>What was wrong, after <see cref="ReadOutcome.Broken"/>.</summary>
    public string Error { get; private set; } = "";

    /// <summary>
    /// Bytes that the frame at the front of the input takes in all, as far as known, after <see cref="ReadOutcome.NeedMore"/>.
    /// </summary>
    public int Needed { get; private set; }

    /// <summary>
    /// Reads one frame from the front of <paramref name="input"/>. <paramref name="payload"/> is a slice of the input, or of the reader's
    /// own memory until the next call.
    /// </summary>
    public ReadOutcome Read(ReadOnlySpan<byte> input, out int consumed, out ReadOnlySpan<byte> payload)
    {
        consumed = 0;
        payload = default;
        if (!_fragments.IsEmpty && _fragmentedOpcode == Opcode.Continuation)
        {
            _fragments.Release();
        }

        if (input.Length < 2)
        {
            return More(2);
        }

        bool final = (input[0] & FinalBit) != 0;
        var opcode = (Opcode)(input[0] & OpcodeBits);
        if ((input[0] & ReservedBits) != 0)
        {
            return Broken("a frame uses an extension that was not negotiated");
        }

        if ((input[1] & MaskBit) != 0)
        {
            return Broken("the server masked a frame");
        }

        int start = 2;
        ulong length = input[1];
        if (length == 126)
        {
            start = 4;
            if (input.Length < start)
            {
                return More(start);
            }

            length = BinaryPrimitives.ReadUInt16BigEndian(input[2..]);
        }
        else if (length == 127)
        {
            start = 10;
            if (input.Length < start)
            {
                return More(start);
            }

            length = BinaryPrimitives.ReadUInt64BigEndian(input[2..]);
        }

        if (opcode >= Opcode.Close && (!final || length > MaximumControlPayload))
        {
            return Broken("a control frame is fragmented or longer than 125 bytes");
        }

        if (length > (ulong)(maximumMessage - (opcode == Opcode.Continuation ? _fragments.Length : 0)))
        {
            return ReadOutcome.TooLarge;
        }

        int size = start + (int)length;
        if (input.Length < size)
        {
            return More(size);
        }

        consumed = size;
        payload = input[start..size];
        return opcode switch
        {
            Opcode.Text or Opcode.Binary when _fragmentedOpcode != Opcode.Continuation => Broken("a message starts inside another"),
            Opcode.Text or Opcode.Binary when final => opcode == Opcode.Text ? ReadOutcome.Text : ReadOutcome.Binary,
            Opcode.Text or Opcode.Binary => BeginFragments(opcode, payload),
            Opcode.Continuation when _fragmentedOpcode == Opcode.Continuation => Broken("a continuation frame continues nothing"),
            Opcode.Continuation => Continue(final, ref payload),
            Opcode.Close => ReadOutcome.Close,
            Opcode.Ping => ReadOutcome.Ping,
            Opcode.Pong => ReadOutcome.Pong,
            _ => Broken($"a frame has the unknown opcode {(int)opcode}"),
        };
    }

    public void Dispose() => _fragments.Release();

    private ReadOutcome More(int needed)
    {
        Needed = needed;
        return ReadOutcome.NeedMore;
    }

    private ReadOutcome Broken(string error)
    {
        Error = error;
        return ReadOutcome.Broken;
    }

    private ReadOutcome BeginFragments(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        _fragmentedOpcode = opcode;
        _fragments.Append(payload);
        return ReadOutcome.Fragment;
    }

    private ReadOutcome Continue(bool final, ref ReadOnlySpan<byte> payload)
    {
        _fragments.Append(payload);
        if (!final)
        {
            return ReadOutcome.Fragment;
        }

        ReadOutcome outcome = _fragmentedOpcode == Opcode.Text ? ReadOutcome.Text : ReadOutcome.Binary;
        payload = _fragments.Bytes;
        _fragmentedOpcode = Opcode.Continuation;
        return outcome;
    }
}
