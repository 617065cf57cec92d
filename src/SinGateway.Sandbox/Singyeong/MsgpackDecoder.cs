using System.Buffers.Binary;
using System.Text.Json;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// Reads MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) as the real server takes it: keys of maps are strings. Throws
/// <see cref="FormatException"/>, or what reading behind the end throws.
/// </summary>
internal ref struct MsgpackDecoder(ReadOnlySpan<byte> bytes, Utf8JsonWriter json)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public void Decode()
    {
        Value();
        if (!_rest.IsEmpty)
        {
            throw new FormatException("bytes behind the value");
        }
    }

    private void Value()
    {
        byte first = Take(1)[0];
        switch (first)
        {
            case < 0x80:
                json.WriteNumberValue(first);
                break;
            case < 0x90:
                Map((uint)first & 15);
                break;
            case < 0xa0:
                List((uint)first & 15);
                break;
            case < 0xc0 or 0xd9 or 0xda or 0xdb:
                json.WriteStringValue(Text(first));
                break;
            case 0xc0:
                json.WriteNullValue();
                break;
            case 0xc2 or 0xc3:
                json.WriteBooleanValue(first == 0xc3);
                break;
            case 0xca:
                json.WriteNumberValue(BinaryPrimitives.ReadSingleBigEndian(Take(4)));
                break;
            case 0xcb:
                json.WriteNumberValue(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                break;
            case 0xcc or 0xcd or 0xce or 0xcf:
                json.WriteNumberValue(Unsigned(1 << (first - 0xcc)));
                break;
            case 0xd0 or 0xd1 or 0xd2 or 0xd3:
                int size = 1 << (first - 0xd0);
                json.WriteNumberValue((long)(Unsigned(size) << (64 - 8 * size)) >> (64 - 8 * size));
                break;
            case 0xdc or 0xdd:
                List(Unsigned(first == 0xdc ? 2 : 4));
                break;
            case 0xde or 0xdf:
                Map(Unsigned(first == 0xde ? 2 : 4));
                break;
            case >= 0xe0:
                json.WriteNumberValue((sbyte)first);
                break;
            default:
                throw new FormatException($"a value of type {first:x2}");
        }
    }

    private void Map(ulong count)
    {
        json.WriteStartObject();
        for (; count > 0; count--)
        {
            json.WritePropertyName(Text(Take(1)[0]));
            Value();
        }
        json.WriteEndObject();
    }

    private void List(ulong count)
    {
        json.WriteStartArray();
        for (; count > 0; count--)
        {
            Value();
        }
        json.WriteEndArray();
    }

    private ReadOnlySpan<byte> Text(byte first) => first switch
    {
        >= 0xa0 and < 0xc0 => Take((ulong)first & 31),
        0xd9 => Take(Unsigned(1)),
        0xda => Take(Unsigned(2)),
        0xdb => Take(Unsigned(4)),
        _ => throw new FormatException("a key that is no string"),
    };

    private ulong Unsigned(int size)
    {
        ulong value = 0;
        foreach (byte part in Take((ulong)size))
        {
            value = value << 8 | part;
        }
        return value;
    }

    private ReadOnlySpan<byte> Take(ulong size)
    {
        if (size > (ulong)_rest.Length)
        {
            throw new FormatException("the end is missing");
        }
        ReadOnlySpan<byte> taken = _rest[..(int)size];
        _rest = _rest[(int)size..];
        return taken;
    }
}
