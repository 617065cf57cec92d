using System.Buffers.Binary;

namespace SinGateway.Singyeong;

/// <summary>
/// Writes the external term format of Erlang (https://www.erlang.org/doc/apps/erts/erl_ext_dist.html), as Elixir's decoder of JSON would have
/// made the terms: texts and keys are binaries, null is the atom <c>nil</c>. No other atom is written, since an unknown one is fatal to
/// the connection. Every integer is exact up to 2,040 bits; a larger one is the largest float.
/// </summary>
internal readonly struct EtfWriter : IValueWriter
{
    private const int LargestBigInteger = byte.MaxValue;

    /// <summary>Decimal digits of a number of 2,040 bits, and one.</summary>
    private const int MostDigits = 616;

    private const int DigitsOfStep = 9;

    public static int ContainerHeader => 5;

    /// <summary><c>131</c> (https://www.erlang.org/doc/apps/erts/erl_ext_dist.html#introduction)</summary>
    public static int WriteVersion(Span<byte> destination)
    {
        destination[0] = EtfTag.Version;
        return 1;
    }

    /// <summary><c>119 | length (8) | nil</c> (SMALL_ATOM_UTF8_EXT)</summary>
    public static int WriteNull(Span<byte> destination) => WriteAtom(destination, "nil"u8);

    /// <summary><c>119 | length (8) | true or false</c> (SMALL_ATOM_UTF8_EXT)</summary>
    public static int WriteBoolean(Span<byte> destination, bool value) => WriteAtom(destination, value ? "true"u8 : "false"u8);

    /// <summary>
    /// <c>97 | int (8, unsigned)</c> (SMALL_INTEGER_EXT), <c>98 | int (32, signed)</c> (INTEGER_EXT), else
    /// <c>110 | n (8) | sign (8) | n bytes, the lowest first</c> (SMALL_BIG_EXT)
    /// </summary>
    public static int WriteInteger(Span<byte> destination, bool negative, ulong magnitude)
    {
        if ((!negative || magnitude == 0) && magnitude <= byte.MaxValue)
        {
            destination[0] = EtfTag.SmallInteger;
            destination[1] = (byte)magnitude;
            return 2;
        }

        if (magnitude <= int.MaxValue + (negative ? 1UL : 0))
        {
            destination[0] = EtfTag.Integer;
            BinaryPrimitives.WriteInt32BigEndian(destination[1..], (int)(negative ? -(long)magnitude : (long)magnitude));
            return 5;
        }

        int length = 3;
        for (; magnitude != 0; magnitude >>= 8)
        {
            destination[length++] = (byte)magnitude;
        }

        destination[0] = EtfTag.SmallBig;
        destination[1] = (byte)(length - 3);
        destination[2] = negative ? (byte)1 : (byte)0;
        return length;
    }

    /// <summary><c>110 | n (8) | sign (8) | n bytes, the lowest first</c> (SMALL_BIG_EXT)</summary>
    public static int WriteLargeInteger(Span<byte> destination, bool negative, ReadOnlySpan<byte> digits)
    {
        const int Limbs = LargestBigInteger / sizeof(uint) + 2;
        Span<uint> number = stackalloc uint[Limbs];
        number.Clear();
        int used = 0;
        for (int at = 0; at < digits.Length && digits.Length <= MostDigits; at += DigitsOfStep)
        {
            uint factor = 1, carry = 0;
            foreach (byte digit in digits[at..Math.Min(at + DigitsOfStep, digits.Length)])
            {
                factor *= 10;
                carry = carry * 10 + (uint)(digit - '0');
            }

            for (int i = 0; i < used || carry > 0; i++)
            {
                ulong product = (ulong)number[i] * factor + carry;
                number[i] = (uint)product;
                carry = (uint)(product >> 32);
                used = Math.Max(used, i + 1);
            }
        }

        int bytes = used * sizeof(uint);
        while (bytes > 0 && ByteOf(number, bytes - 1) == 0)
        {
            bytes--;
        }

        if (bytes is 0 or > LargestBigInteger)
        {
            return WriteFloat(destination, negative ? double.MinValue : double.MaxValue);
        }

        destination[0] = EtfTag.SmallBig;
        destination[1] = (byte)bytes;
        destination[2] = negative ? (byte)1 : (byte)0;
        for (int i = 0; i < bytes; i++)
        {
            destination[3 + i] = ByteOf(number, i);
        }

        return 3 + bytes;
    }

    /// <summary><c>70 | IEEE 754 (64)</c> (NEW_FLOAT_EXT)</summary>
    public static int WriteFloat(Span<byte> destination, double value)
    {
        destination[0] = EtfTag.NewFloat;
        BinaryPrimitives.WriteDoubleBigEndian(destination[1..], value);
        return 9;
    }

    public static int MeasureTextHeader(int maximum) => 5;

    /// <summary><c>109 | length (32) | bytes</c> (BINARY_EXT)</summary>
    public static void WriteTextHeader(Span<byte> header, int length)
    {
        header[0] = EtfTag.Binary;
        BinaryPrimitives.WriteInt32BigEndian(header[1..], length);
    }

    /// <summary><c>116 | arity (32) | pairs</c> (MAP_EXT); a key stands there once</summary>
    public static int WriteMapHeader(Span<byte> destination, int count)
    {
        destination[0] = EtfTag.Map;
        BinaryPrimitives.WriteInt32BigEndian(destination[1..], count);
        return 5;
    }

    /// <inheritdoc cref="WriteMapHeader"/>
    public static int EndMap(Span<byte> container, int length, int count)
    {
        WriteMapHeader(container, count);
        return length;
    }

    /// <summary><c>108 | length (32) | elements | 106</c> (LIST_EXT with a NIL_EXT as its tail), <c>106</c> when there are none</summary>
    public static int EndList(Span<byte> container, int length, int count)
    {
        if (count == 0)
        {
            container[0] = EtfTag.Nil;
            return 1;
        }

        container[0] = EtfTag.List;
        BinaryPrimitives.WriteInt32BigEndian(container[1..], count);
        container[length] = EtfTag.Nil;
        return length + 1;
    }

    private static int WriteAtom(Span<byte> destination, ReadOnlySpan<byte> name)
    {
        destination[0] = EtfTag.SmallAtomUtf8;
        destination[1] = (byte)name.Length;
        name.CopyTo(destination[2..]);
        return 2 + name.Length;
    }

    private static byte ByteOf(ReadOnlySpan<uint> number, int index) => (byte)(number[index / sizeof(uint)] >> (index % sizeof(uint) * 8));
}
