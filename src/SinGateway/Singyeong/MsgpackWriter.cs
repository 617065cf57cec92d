using System.Buffers.Binary;
using System.Globalization;

namespace SinGateway.Singyeong;

/// <summary>
/// Writes MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md). Integers are exact from -2^63 to 2^64-1, which is all that
/// the format has; one beyond is the nearest float. Numbers and texts take their shortest form (a text with escapes: that of its length in
/// JSON), containers the one or the five bytes that <see cref="EndMap"/> tells.
/// </summary>
internal readonly struct MsgpackWriter : IValueWriter
{
    /// <summary>
    /// A container of at most so many bytes is moved to the front of its free header, so that it begins with one byte in place of five. A
    /// larger one stays: nothing ever moves more than this, however deep it lies.
    /// </summary>
    private const int MostMoved = 1_024;

    private const ulong MostNegative = 1UL << 63;

    public static int ContainerHeader => 5;

    /// <summary>Nothing: a packet is one value.</summary>
    public static int WriteVersion(Span<byte> destination) => 0;

    /// <summary><c>c0</c> (https://github.com/msgpack/msgpack/blob/master/spec.md#nil-format)</summary>
    public static int WriteNull(Span<byte> destination)
    {
        destination[0] = MsgpackTag.Nil;
        return 1;
    }

    /// <summary><c>c2</c> or <c>c3</c> (https://github.com/msgpack/msgpack/blob/master/spec.md#bool-format-family)</summary>
    public static int WriteBoolean(Span<byte> destination, bool value)
    {
        destination[0] = value ? MsgpackTag.True : MsgpackTag.False;
        return 1;
    }

    /// <summary>
    /// <c>0XXXXXXX</c>, <c>111XXXXX</c>, <c>cc|cd|ce|cf | uint (8|16|32|64)</c>, <c>d0|d1|d2|d3 | int (8|16|32|64)</c>
    /// (https://github.com/msgpack/msgpack/blob/master/spec.md#int-format-family)
    /// </summary>
    public static int WriteInteger(Span<byte> destination, bool negative, ulong magnitude)
    {
        if (!negative || magnitude == 0)
        {
            return WritePositive(destination, magnitude);
        }

        return magnitude <= MostNegative ? WriteNegative(destination, (long)(0 - magnitude)) : WriteFloat(destination, -(double)magnitude);
    }

    /// <summary>
    /// <c>cb | IEEE 754 (64)</c>: the nearest float, or the largest one (https://github.com/msgpack/msgpack/blob/master/spec.md#limitation)
    /// </summary>
    public static int WriteLargeInteger(Span<byte> destination, bool negative, ReadOnlySpan<byte> digits)
    {
        double nearest = double.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        return WriteFloat(destination, Math.Min(nearest, double.MaxValue) * (negative ? -1 : 1));
    }

    /// <summary><c>cb | IEEE 754 (64)</c> (https://github.com/msgpack/msgpack/blob/master/spec.md#float-format-family)</summary>
    public static int WriteFloat(Span<byte> destination, double value)
    {
        destination[0] = MsgpackTag.Float64;
        BinaryPrimitives.WriteDoubleBigEndian(destination[1..], value);
        return 9;
    }

    public static int MeasureTextHeader(int maximum) => maximum switch
    {
        <= MsgpackTag.MaximumFixStr => 1,
        <= byte.MaxValue => 2,
        <= ushort.MaxValue => 3,
        _ => 5,
    };

    /// <summary>
    /// <c>101XXXXX | bytes</c>, <c>d9|da|db | length (8|16|32) | bytes</c>
    /// (https://github.com/msgpack/msgpack/blob/master/spec.md#str-format-family)
    /// </summary>
    public static void WriteTextHeader(Span<byte> header, int length)
    {
        switch (header.Length)
        {
            case 1:
                header[0] = (byte)(MsgpackTag.FixStr | length);
                break;
            case 2:
                header[0] = MsgpackTag.Str8;
                header[1] = (byte)length;
                break;
            case 3:
                header[0] = MsgpackTag.Str16;
                BinaryPrimitives.WriteUInt16BigEndian(header[1..], (ushort)length);
                break;
            default:
                header[0] = MsgpackTag.Str32;
                BinaryPrimitives.WriteInt32BigEndian(header[1..], length);
                break;
        }
    }

    /// <summary>
    /// <c>1000XXXX | pairs</c>, <c>df | pairs (32) | pairs</c>
    /// (https://github.com/msgpack/msgpack/blob/master/spec.md#map-format-family)
    /// </summary>
    public static int WriteMapHeader(Span<byte> destination, int count) => WriteHeader(destination, MsgpackTag.FixMap, MsgpackTag.Map32, count);

    /// <inheritdoc cref="WriteMapHeader"/>
    public static int EndMap(Span<byte> container, int length, int count) => End(container, length, MsgpackTag.FixMap, MsgpackTag.Map32, count);

    /// <summary>
    /// <c>1001XXXX | values</c>, <c>dd | values (32) | values</c>
    /// (https://github.com/msgpack/msgpack/blob/master/spec.md#array-format-family)
    /// </summary>
    public static int EndList(Span<byte> container, int length, int count) => End(container, length, MsgpackTag.FixArray, MsgpackTag.Array32, count);

    private static int End(Span<byte> container, int length, byte few, byte many, int count)
    {
        if (count > MsgpackTag.MaximumFixCount || length > MostMoved)
        {
            container[0] = many;
            BinaryPrimitives.WriteInt32BigEndian(container[1..], count);
            return length;
        }

        int content = length - ContainerHeader;
        container[0] = (byte)(few | count);
        container.Slice(ContainerHeader, content).CopyTo(container[1..]);
        return 1 + content;
    }

    private static int WriteHeader(Span<byte> destination, byte few, byte many, int count)
    {
        if (count <= MsgpackTag.MaximumFixCount)
        {
            destination[0] = (byte)(few | count);
            return 1;
        }

        destination[0] = many;
        BinaryPrimitives.WriteInt32BigEndian(destination[1..], count);
        return 5;
    }

    private static int WritePositive(Span<byte> destination, ulong value)
    {
        switch (value)
        {
            case <= MsgpackTag.MaximumFixInt:
                destination[0] = (byte)value;
                return 1;
            case <= byte.MaxValue:
                destination[0] = MsgpackTag.Uint8;
                destination[1] = (byte)value;
                return 2;
            case <= ushort.MaxValue:
                destination[0] = MsgpackTag.Uint16;
                BinaryPrimitives.WriteUInt16BigEndian(destination[1..], (ushort)value);
                return 3;
            case <= uint.MaxValue:
                destination[0] = MsgpackTag.Uint32;
                BinaryPrimitives.WriteUInt32BigEndian(destination[1..], (uint)value);
                return 5;
            default:
                destination[0] = MsgpackTag.Uint64;
                BinaryPrimitives.WriteUInt64BigEndian(destination[1..], value);
                return 9;
        }
    }

    private static int WriteNegative(Span<byte> destination, long value)
    {
        switch (value)
        {
            case >= -32:
                destination[0] = (byte)value;
                return 1;
            case >= sbyte.MinValue:
                destination[0] = MsgpackTag.Int8;
                destination[1] = (byte)value;
                return 2;
            case >= short.MinValue:
                destination[0] = MsgpackTag.Int16;
                BinaryPrimitives.WriteInt16BigEndian(destination[1..], (short)value);
                return 3;
            case >= int.MinValue:
                destination[0] = MsgpackTag.Int32;
                BinaryPrimitives.WriteInt32BigEndian(destination[1..], (int)value);
                return 5;
            default:
                destination[0] = MsgpackTag.Int64;
                BinaryPrimitives.WriteInt64BigEndian(destination[1..], value);
                return 9;
        }
    }
}
