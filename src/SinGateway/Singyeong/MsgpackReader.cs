using System.Buffers.Binary;

namespace SinGateway.Singyeong;

/// <summary>
/// Reads MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md): everything but extensions. Keys of maps may be integers, which
/// become strings. Binaries are read as texts.
/// </summary>
internal readonly struct MsgpackReader : IPacketReader
{
    public static bool TryRead(ReadOnlySpan<byte> packet, JsonOutput json) => TryReadValue(ref packet, json, 0, isKey: false) && packet.IsEmpty;

    private static bool TryReadValue(ref ReadOnlySpan<byte> rest, JsonOutput json, int depth, bool isKey)
    {
        if (rest.IsEmpty || depth > IPacketReader.MaximumDepth)
        {
            return false;
        }

        byte tag = rest[0];
        rest = rest[1..];
        switch (tag)
        {
            case <= MsgpackTag.MaximumFixInt:
                return WriteInteger(json, tag, isKey);
            case >= MsgpackTag.NegativeFixInt:
                return WriteInteger(json, (sbyte)tag, isKey);
            case < MsgpackTag.FixArray:
                return !isKey && TryReadMap(ref rest, json, (uint)(tag - MsgpackTag.FixMap), depth);
            case < MsgpackTag.FixStr:
                return !isKey && TryReadArray(ref rest, json, (uint)(tag - MsgpackTag.FixArray), depth);
            case < MsgpackTag.Nil:
                return TryReadText(ref rest, json, (uint)(tag - MsgpackTag.FixStr));
            case MsgpackTag.Str8 or MsgpackTag.Bin8:
                return TryTake(ref rest, 1, out ulong length) && TryReadText(ref rest, json, length);
            case MsgpackTag.Str16 or MsgpackTag.Bin16:
                return TryTake(ref rest, 2, out length) && TryReadText(ref rest, json, length);
            case MsgpackTag.Str32 or MsgpackTag.Bin32:
                return TryTake(ref rest, 4, out length) && TryReadText(ref rest, json, length);
            case MsgpackTag.Uint8:
                return TryTake(ref rest, 1, out ulong value) && WriteInteger(json, value, isKey);
            case MsgpackTag.Uint16:
                return TryTake(ref rest, 2, out value) && WriteInteger(json, value, isKey);
            case MsgpackTag.Uint32:
                return TryTake(ref rest, 4, out value) && WriteInteger(json, value, isKey);
            case MsgpackTag.Uint64:
                return TryTake(ref rest, 8, out value) && WriteInteger(json, value, isKey);
            case MsgpackTag.Int8:
                return TryTake(ref rest, 1, out value) && WriteInteger(json, (sbyte)value, isKey);
            case MsgpackTag.Int16:
                return TryTake(ref rest, 2, out value) && WriteInteger(json, (short)value, isKey);
            case MsgpackTag.Int32:
                return TryTake(ref rest, 4, out value) && WriteInteger(json, (int)value, isKey);
            case MsgpackTag.Int64:
                return TryTake(ref rest, 8, out value) && WriteInteger(json, (long)value, isKey);
            case MsgpackTag.Map16:
                return !isKey && TryTake(ref rest, 2, out ulong count) && TryReadMap(ref rest, json, count, depth);
            case MsgpackTag.Map32:
                return !isKey && TryTake(ref rest, 4, out count) && TryReadMap(ref rest, json, count, depth);
            case MsgpackTag.Array16:
                return !isKey && TryTake(ref rest, 2, out count) && TryReadArray(ref rest, json, count, depth);
            case MsgpackTag.Array32:
                return !isKey && TryTake(ref rest, 4, out count) && TryReadArray(ref rest, json, count, depth);
            default:
                return !isKey && TryReadScalar(ref rest, json, tag);
        }
    }

    private static bool TryReadScalar(ref ReadOnlySpan<byte> rest, JsonOutput json, byte tag)
    {
        switch (tag)
        {
            case MsgpackTag.Nil:
                json.WriteRaw("null"u8);
                return true;
            case MsgpackTag.False:
                json.WriteRaw("false"u8);
                return true;
            case MsgpackTag.True:
                json.WriteRaw("true"u8);
                return true;
            case MsgpackTag.Float32 when TryTake(ref rest, 4, out ulong bits):
                json.WriteFloat(BitConverter.UInt32BitsToSingle((uint)bits));
                return true;
            case MsgpackTag.Float64 when TryTake(ref rest, 8, out ulong bits):
                json.WriteFloat(BitConverter.UInt64BitsToDouble(bits));
                return true;
            default:
                return false;
        }
    }

    private static bool TryReadMap(ref ReadOnlySpan<byte> rest, JsonOutput json, ulong count, int depth)
    {
        json.WriteRaw((byte)'{');
        for (ulong i = 0; i < count; i++)
        {
            if (i > 0)
            {
                json.WriteRaw((byte)',');
            }

            if (!TryReadValue(ref rest, json, depth + 1, isKey: true))
            {
                return false;
            }

            json.WriteRaw((byte)':');
            if (!TryReadValue(ref rest, json, depth + 1, isKey: false))
            {
                return false;
            }
        }

        json.WriteRaw((byte)'}');
        return true;
    }

    private static bool TryReadArray(ref ReadOnlySpan<byte> rest, JsonOutput json, ulong count, int depth)
    {
        json.WriteRaw((byte)'[');
        for (ulong i = 0; i < count; i++)
        {
            if (i > 0)
            {
                json.WriteRaw((byte)',');
            }

            if (!TryReadValue(ref rest, json, depth + 1, isKey: false))
            {
                return false;
            }
        }

        json.WriteRaw((byte)']');
        return true;
    }

    private static bool TryReadText(ref ReadOnlySpan<byte> rest, JsonOutput json, ulong length)
    {
        if (length > (ulong)rest.Length)
        {
            return false;
        }

        json.WriteText(rest[..(int)length]);
        rest = rest[(int)length..];
        return true;
    }

    private static bool WriteInteger(JsonOutput json, long value, bool isKey)
    {
        Quote(json, isKey);
        json.WriteInteger(value);
        return Quote(json, isKey);
    }

    private static bool WriteInteger(JsonOutput json, ulong value, bool isKey)
    {
        Quote(json, isKey);
        json.WriteInteger(value);
        return Quote(json, isKey);
    }

    private static bool Quote(JsonOutput json, bool isKey)
    {
        if (isKey)
        {
            json.WriteRaw((byte)'"');
        }

        return true;
    }

    /// <summary>The next bytes as an unsigned number, the highest first.</summary>
    private static bool TryTake(ref ReadOnlySpan<byte> rest, int size, out ulong value)
    {
        value = 0;
        if (rest.Length < size)
        {
            return false;
        }

        value = size switch
        {
            1 => rest[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(rest),
            4 => BinaryPrimitives.ReadUInt32BigEndian(rest),
            _ => BinaryPrimitives.ReadUInt64BigEndian(rest),
        };
        rest = rest[size..];
        return true;
    }
}
