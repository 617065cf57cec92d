using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace SinGateway.Singyeong;

/// <summary>
/// Reads the external term format of Erlang (https://www.erlang.org/doc/apps/erts/erl_ext_dist.html) as far as it stands for JSON: numbers,
/// atoms (<c>nil</c> is null, others but true and false are strings), binaries, lists, tuples (as lists), maps with keys of binaries, atoms
/// or integers. Not read: processes, functions, compressed terms, improper lists, integers above 2,040 bits.
/// </summary>
internal readonly struct EtfReader : IPacketReader
{
    private const int FloatText = 31;

    /// <summary>What one step takes from a large integer, and its digits.</summary>
    private const uint StepOfDigits = 1_000_000_000;
    private const int DigitsOfStep = 9;

    public static bool TryRead(ReadOnlySpan<byte> packet, JsonOutput json)
    {
        if (packet.IsEmpty || packet[0] != EtfTag.Version)
        {
            return false;
        }

        packet = packet[1..];
        return TryReadTerm(ref packet, json, 0) && packet.IsEmpty;
    }

    private static bool TryReadTerm(ref ReadOnlySpan<byte> rest, JsonOutput json, int depth)
    {
        if (rest.IsEmpty || depth > IPacketReader.MaximumDepth)
        {
            return false;
        }

        byte tag = rest[0];
        rest = rest[1..];
        switch (tag)
        {
            case EtfTag.SmallInteger or EtfTag.Integer or EtfTag.SmallBig:
                return TryReadInteger(ref rest, json, tag);
            case EtfTag.NewFloat when TryTake(ref rest, sizeof(double), out ReadOnlySpan<byte> bits):
                json.WriteFloat(BinaryPrimitives.ReadDoubleBigEndian(bits));
                return true;
            case EtfTag.Float when TryTake(ref rest, FloatText, out ReadOnlySpan<byte> text):
                return TryReadFloat(json, text);
            case EtfTag.SmallAtomUtf8 or EtfTag.AtomUtf8 or EtfTag.SmallAtom or EtfTag.Atom:
                return TryReadAtom(ref rest, json, tag, isKey: false);
            case EtfTag.Binary:
                return TryReadBinary(ref rest, json);
            case EtfTag.Nil:
                json.WriteRaw("[]"u8);
                return true;
            case EtfTag.String:
                return TryReadBytes(ref rest, json);
            case EtfTag.List:
                return TryTakeNumber(ref rest, 4, out uint count) && TryReadElements(ref rest, json, count, depth)
                    && TryTakeNumber(ref rest, 1, out uint tail) && tail == EtfTag.Nil;
            case EtfTag.SmallTuple:
                return TryTakeNumber(ref rest, 1, out count) && TryReadElements(ref rest, json, count, depth);
            case EtfTag.LargeTuple:
                return TryTakeNumber(ref rest, 4, out count) && TryReadElements(ref rest, json, count, depth);
            case EtfTag.Map:
                return TryTakeNumber(ref rest, 4, out count) && TryReadMap(ref rest, json, count, depth);
            default:
                return false;
        }
    }

    private static bool TryReadMap(ref ReadOnlySpan<byte> rest, JsonOutput json, uint count, int depth)
    {
        json.WriteRaw((byte)'{');
        for (uint i = 0; i < count; i++)
        {
            if (i > 0)
            {
                json.WriteRaw((byte)',');
            }

            if (!TryReadKey(ref rest, json))
            {
                return false;
            }

            json.WriteRaw((byte)':');
            if (!TryReadTerm(ref rest, json, depth + 1))
            {
                return false;
            }
        }

        json.WriteRaw((byte)'}');
        return true;
    }

    private static bool TryReadKey(ref ReadOnlySpan<byte> rest, JsonOutput json)
    {
        if (!TryTake(ref rest, 1, out ReadOnlySpan<byte> tag))
        {
            return false;
        }

        switch (tag[0])
        {
            case EtfTag.Binary:
                return TryReadBinary(ref rest, json);
            case EtfTag.SmallAtomUtf8 or EtfTag.AtomUtf8 or EtfTag.SmallAtom or EtfTag.Atom:
                return TryReadAtom(ref rest, json, tag[0], isKey: true);
            case EtfTag.SmallInteger or EtfTag.Integer or EtfTag.SmallBig:
                json.WriteRaw((byte)'"');
                bool read = TryReadInteger(ref rest, json, tag[0]);
                json.WriteRaw((byte)'"');
                return read;
            default:
                return false;
        }
    }

    private static bool TryReadElements(ref ReadOnlySpan<byte> rest, JsonOutput json, uint count, int depth)
    {
        json.WriteRaw((byte)'[');
        for (uint i = 0; i < count; i++)
        {
            if (i > 0)
            {
                json.WriteRaw((byte)',');
            }

            if (!TryReadTerm(ref rest, json, depth + 1))
            {
                return false;
            }
        }

        json.WriteRaw((byte)']');
        return true;
    }

    /// <summary>A list of small integers, which Erlang writes as a string: <c>107 | length (16) | characters</c> (STRING_EXT)</summary>
    private static bool TryReadBytes(ref ReadOnlySpan<byte> rest, JsonOutput json)
    {
        if (!TryTakeNumber(ref rest, 2, out uint length) || !TryTake(ref rest, length, out ReadOnlySpan<byte> elements))
        {
            return false;
        }

        json.WriteRaw((byte)'[');
        for (int i = 0; i < elements.Length; i++)
        {
            if (i > 0)
            {
                json.WriteRaw((byte)',');
            }

            json.WriteInteger((ulong)elements[i]);
        }

        json.WriteRaw((byte)']');
        return true;
    }

    private static bool TryReadBinary(ref ReadOnlySpan<byte> rest, JsonOutput json)
    {
        if (!TryTakeNumber(ref rest, 4, out uint length) || !TryTake(ref rest, length, out ReadOnlySpan<byte> text))
        {
            return false;
        }

        json.WriteText(text);
        return true;
    }

    /// <summary><c>119|115 | length (8) | name</c>, <c>118|100 | length (16) | name</c>; the older two are Latin-1</summary>
    private static bool TryReadAtom(ref ReadOnlySpan<byte> rest, JsonOutput json, byte tag, bool isKey)
    {
        bool isSmall = tag is EtfTag.SmallAtomUtf8 or EtfTag.SmallAtom;
        if (!TryTakeNumber(ref rest, isSmall ? 1u : 2, out uint length) || !TryTake(ref rest, length, out ReadOnlySpan<byte> name))
        {
            return false;
        }

        if (!isKey && name.SequenceEqual("nil"u8))
        {
            json.WriteRaw("null"u8);
        }
        else if (!isKey && (name.SequenceEqual("true"u8) || name.SequenceEqual("false"u8)))
        {
            json.WriteRaw(name);
        }
        else if (tag is EtfTag.SmallAtomUtf8 or EtfTag.AtomUtf8)
        {
            json.WriteText(name);
        }
        else
        {
            return TryWriteLatin1(json, name);
        }

        return true;
    }

    private static bool TryWriteLatin1(JsonOutput json, ReadOnlySpan<byte> name)
    {
        if (name.Length > byte.MaxValue)
        {
            return false;
        }

        Span<byte> text = stackalloc byte[2 * byte.MaxValue];
        int length = 0;
        foreach (byte character in name)
        {
            length += new Rune((char)character).EncodeToUtf8(text[length..]);
        }

        json.WriteText(text[..length]);
        return true;
    }

    /// <summary>
    /// <c>97 | int (8)</c>, <c>98 | int (32)</c>, <c>110 | n (8) | sign (8) | n bytes, the lowest first</c>
    /// </summary>
    private static bool TryReadInteger(ref ReadOnlySpan<byte> rest, JsonOutput json, byte tag)
    {
        if (tag != EtfTag.SmallBig)
        {
            bool isSmall = tag == EtfTag.SmallInteger;
            if (!TryTakeNumber(ref rest, isSmall ? 1u : 4, out uint value))
            {
                return false;
            }

            json.WriteInteger(isSmall ? value : (int)value);
            return true;
        }

        if (!TryTakeNumber(ref rest, 1, out uint length) || !TryTakeNumber(ref rest, 1, out uint sign)
            || !TryTake(ref rest, length, out ReadOnlySpan<byte> bytes))
        {
            return false;
        }

        WriteBigInteger(json, sign != 0, bytes);
        return true;
    }

    private static void WriteBigInteger(JsonOutput json, bool negative, ReadOnlySpan<byte> bytes)
    {
        const int Limbs = (byte.MaxValue + 3) / sizeof(uint);
        Span<uint> number = stackalloc uint[Limbs];
        number.Clear();
        for (int i = 0; i < bytes.Length; i++)
        {
            number[i / sizeof(uint)] |= (uint)bytes[i] << (i % sizeof(uint) * 8);
        }

        // From the last digits to the first: each step divides by a power of ten and leaves its digits.
        Span<byte> digits = stackalloc byte[(Limbs * sizeof(uint) * 8 / 29 + 1) * DigitsOfStep];
        int start = digits.Length;
        while (number.IndexOfAnyExcept(0u) >= 0)
        {
            ulong remainder = 0;
            for (int i = number.Length - 1; i >= 0; i--)
            {
                ulong dividend = remainder << 32 | number[i];
                number[i] = (uint)(dividend / StepOfDigits);
                remainder = dividend % StepOfDigits;
            }

            for (int i = 0; i < DigitsOfStep; i++, remainder /= 10)
            {
                digits[--start] = (byte)('0' + remainder % 10);
            }
        }

        int first = digits[start..].IndexOfAnyExcept((byte)'0');
        if (first < 0)
        {
            json.WriteRaw((byte)'0');
            return;
        }

        if (negative)
        {
            json.WriteRaw((byte)'-');
        }

        json.WriteRaw(digits[(start + first)..]);
    }

    /// <summary><c>99 | 31 characters of "%.20e", zeros behind them</c> (FLOAT_EXT)</summary>
    private static bool TryReadFloat(JsonOutput json, ReadOnlySpan<byte> text)
    {
        text = text.TrimEnd((byte)0);
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
        {
            return false;
        }

        json.WriteFloat(value);
        return true;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, uint size, out ReadOnlySpan<byte> bytes)
    {
        bool holds = size <= (uint)rest.Length;
        bytes = holds ? rest[..(int)size] : default;
        rest = rest[bytes.Length..];
        return holds;
    }

    /// <summary>The next one, two or four bytes as an unsigned number, the highest first.</summary>
    private static bool TryTakeNumber(ref ReadOnlySpan<byte> rest, uint size, out uint value)
    {
        value = 0;
        if (!TryTake(ref rest, size, out ReadOnlySpan<byte> bytes))
        {
            return false;
        }

        foreach (byte part in bytes)
        {
            value = value << 8 | part;
        }

        return true;
    }
}
