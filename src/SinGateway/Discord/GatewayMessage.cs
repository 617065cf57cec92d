using System.Buffers.Text;

namespace SinGateway.Discord;

/// <summary>
/// The envelope of one gateway message, read off its bytes: <c>{"t":"NAME","s":1,"op":0,"d":…}</c>, the keys in any order or missing.
/// Values are skipped, not parsed, and reading stops when everything wanted is known, so that the usual message costs its first fifty
/// bytes. As Discord spells its dispatches, they are read by comparison alone.
/// </summary>
internal readonly ref struct GatewayMessage
{
    /// <summary>Seq of a message without one.</summary>
    public const long NoSeq = -1;

    /// <summary>No number with fewer digits overflows.</summary>
    private const int MostSeqDigits = 18;

    private readonly ReadOnlySpan<byte> _raw;
    private readonly int _dataStart;

    private GatewayMessage(ReadOnlySpan<byte> raw, int op, long seq, ReadOnlySpan<byte> name, int dataStart)
    {
        _raw = raw;
        Op = op;
        Seq = seq;
        EventName = name;
        _dataStart = dataStart;
    }

    /// <summary>The opcode, which need not be one of <see cref="GatewayOpcode"/>; -1 when the message has none.</summary>
    public int Op { get; }

    /// <summary>The sequence number, from 0; <see cref="NoSeq"/> when it is null or missing.</summary>
    public long Seq { get; }

    /// <summary>The event's name as it stands between its quotes; empty when it is null or missing.</summary>
    public ReadOnlySpan<byte> EventName { get; }

    /// <summary>The bytes from the first of <c>d</c>'s value to the end of the message; empty when the message has none.</summary>
    public ReadOnlySpan<byte> DataAndRest => _dataStart < 0 ? default : _raw[_dataStart..];

    /// <summary>Reads an envelope; false when <paramref name="raw"/> is not a JSON object as far as it was read.</summary>
    public static bool TryRead(ReadOnlySpan<byte> raw, out GatewayMessage message) => TryReadDispatch(raw, out message) || TryReadAny(raw, out message);

    /// <summary>Reads <c>{"t":"NAME","s":1,"op":0,"d":…</c>; false when it is spelled otherwise, which says nothing more.</summary>
    private static bool TryReadDispatch(ReadOnlySpan<byte> raw, out GatewayMessage message)
    {
        message = default;
        ReadOnlySpan<byte> start = "{\"t\":\""u8, beforeSeq = "\",\"s\":"u8, afterSeq = ",\"op\":0,\"d\":"u8;
        if (!raw.StartsWith(start))
        {
            return false;
        }

        int nameLength = raw[start.Length..].IndexOfAny((byte)'"', (byte)'\\');
        if (nameLength <= 0)
        {
            return false;
        }

        int position = start.Length + nameLength;
        if (!raw[position..].StartsWith(beforeSeq))
        {
            return false;
        }

        position += beforeSeq.Length;
        int first = position;
        long seq = 0;
        for (; position < raw.Length && char.IsAsciiDigit((char)raw[position]); position++)
        {
            seq = (seq * 10) + raw[position] - '0';
        }

        if (position - first is 0 or > MostSeqDigits || !raw[position..].StartsWith(afterSeq))
        {
            return false;
        }

        position += afterSeq.Length;
        message = new GatewayMessage(raw, (int)GatewayOpcode.Dispatch, seq, raw.Slice(start.Length, nameLength), position);
        return SkipSpace(raw, position) == position;
    }

    private static bool TryReadAny(ReadOnlySpan<byte> raw, out GatewayMessage message)
    {
        int op = -1;
        long seq = NoSeq;
        ReadOnlySpan<byte> name = default;
        int dataStart = -1;
        bool hasSeq = false, hasName = false;
        message = default;

        int position = SkipSpace(raw, 0);
        if (position >= raw.Length || raw[position] != '{')
        {
            return false;
        }

        position = SkipSpace(raw, position + 1);
        bool empty = position < raw.Length && raw[position] == '}';
        while (!empty)
        {
            if (!TryReadString(raw, ref position, out ReadOnlySpan<byte> key))
            {
                return false;
            }

            position = SkipSpace(raw, position);
            if (position >= raw.Length || raw[position] != ':')
            {
                return false;
            }

            int start = SkipSpace(raw, position + 1);
            if (key.SequenceEqual("d"u8))
            {
                dataStart = start;
                if (op >= 0 && hasSeq && hasName)
                {
                    break;
                }
            }

            position = start;
            if (!TrySkipValue(raw, ref position))
            {
                return false;
            }

            ReadOnlySpan<byte> value = raw[start..position];
            if (key.SequenceEqual("op"u8))
            {
                if (!Utf8Parser.TryParse(value, out op, out int used) || used != value.Length)
                {
                    return false;
                }
            }
            else if (key.SequenceEqual("s"u8))
            {
                hasSeq = true;
                if (!Utf8Parser.TryParse(value, out seq, out int used) || used != value.Length)
                {
                    seq = NoSeq;
                }
            }
            else if (key.SequenceEqual("t"u8))
            {
                hasName = true;
                name = value.Length > 2 && value[0] == '"' ? value[1..^1] : default;
            }

            position = SkipSpace(raw, position);
            if (position >= raw.Length || raw[position] is not ((byte)',' or (byte)'}'))
            {
                return false;
            }

            if (raw[position] == '}')
            {
                break;
            }

            position = SkipSpace(raw, position + 1);
        }

        message = new GatewayMessage(raw, op, seq, name, dataStart);
        return true;
    }

    private static int SkipSpace(ReadOnlySpan<byte> raw, int position)
    {
        while (position < raw.Length && raw[position] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            position++;
        }

        return position;
    }

    /// <summary>
    /// Reads a string at <paramref name="position"/>; <paramref name="content"/> is what stands between the quotes, escapes and all.
    /// </summary>
    private static bool TryReadString(ReadOnlySpan<byte> raw, ref int position, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (position >= raw.Length || raw[position] != '"')
        {
            return false;
        }

        int start = ++position;
        while (position < raw.Length)
        {
            int next = raw[position..].IndexOfAny((byte)'"', (byte)'\\');
            if (next < 0)
            {
                return false;
            }

            position += next;
            if (raw[position] == '"')
            {
                content = raw[start..position++];
                return true;
            }

            position += 2;
        }

        return false;
    }

    /// <summary>Moves <paramref name="position"/> behind the value that starts there. Containers are matched by depth alone.</summary>
    private static bool TrySkipValue(ReadOnlySpan<byte> raw, ref int position)
    {
        if (position >= raw.Length)
        {
            return false;
        }

        if (raw[position] == '"')
        {
            return TryReadString(raw, ref position, out _);
        }

        if (raw[position] is not ((byte)'{' or (byte)'['))
        {
            int length = raw[position..].IndexOfAny(",}] \n\r\t"u8);
            position += Math.Max(length, 0);
            return length > 0;
        }

        int depth = 0;
        while (position < raw.Length)
        {
            int next = raw[position..].IndexOfAny("\"{}[]"u8);
            if (next < 0)
            {
                return false;
            }

            position += next;
            switch (raw[position])
            {
                case (byte)'"':
                    if (!TryReadString(raw, ref position, out _))
                    {
                        return false;
                    }

                    break;
                case (byte)'{' or (byte)'[':
                    depth++;
                    position++;
                    break;
                default:
                    position++;
                    if (--depth == 0)
                    {
                        return true;
                    }

                    break;
            }
        }

        return false;
    }
}
