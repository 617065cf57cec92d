using System.Buffers.Binary;
using System.Numerics;
using System.Text.Json;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// Reads the external term format (https://www.erlang.org/doc/apps/erts/erl_ext_dist.html) as the real server takes it: keys are binaries, a
/// map has no key twice, and of atoms it knows nil, true and false. Throws <see cref="FormatException"/> for anything else.
/// </summary>
internal ref struct EtfDecoder(ReadOnlySpan<byte> bytes, Utf8JsonWriter json)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public void Decode()
    {
        Expect(131, "a version");
        Term();
        if (!_rest.IsEmpty)
        {
            throw new FormatException("bytes behind the term");
        }
    }

    private void Term()
    {
        byte tag = Take(1)[0];
        switch (tag)
        {
            case 97:
                json.WriteNumberValue(Take(1)[0]);
                break;
            case 98:
                json.WriteNumberValue(BinaryPrimitives.ReadInt32BigEndian(Take(4)));
                break;
            case 110:
                uint size = Unsigned(1);
                bool isNegative = Take(1)[0] != 0;
                BigInteger magnitude = new(Take(size), isUnsigned: true);
                json.WriteRawValue((isNegative ? -magnitude : magnitude).ToString());
                break;
            case 70:
                json.WriteNumberValue(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                break;
            case 109:
                json.WriteStringValue(Take(Unsigned(4)));
                break;
            case 119:
                Atom(Take(Unsigned(1)));
                break;
            case 106:
                json.WriteStartArray();
                json.WriteEndArray();
                break;
            case 108:
                json.WriteStartArray();
                for (uint count = Unsigned(4); count > 0; count--)
                {
                    Term();
                }
                json.WriteEndArray();
                Expect(106, "the end of a list");
                break;
            case 116:
                Map(Unsigned(4));
                break;
            default:
                throw new FormatException($"a term of type {tag}");
        }
    }

    private void Map(uint count)
    {
        json.WriteStartObject();
        HashSet<string> keys = [];
        for (; count > 0; count--)
        {
            Expect(109, "a binary as a key");
            ReadOnlySpan<byte> key = Take(Unsigned(4));
            if (!keys.Add(System.Text.Encoding.UTF8.GetString(key)))
            {
                throw new FormatException("a key stands twice in a map");
            }
            json.WritePropertyName(key);
            Term();
        }
        json.WriteEndObject();
    }

    private readonly void Atom(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("nil"u8))
        {
            json.WriteNullValue();
        }
        else if (name.SequenceEqual("true"u8) || name.SequenceEqual("false"u8))
        {
            json.WriteBooleanValue(name.Length == 4);
        }
        else
        {
            throw new FormatException("an unknown atom");
        }
    }

    private void Expect(byte tag, string what)
    {
        if (Take(1)[0] != tag)
        {
            throw new FormatException($"{what} is missing");
        }
    }

    private uint Unsigned(int size)
    {
        uint value = 0;
        foreach (byte part in Take((uint)size))
        {
            value = value << 8 | part;
        }
        return value;
    }

    private ReadOnlySpan<byte> Take(uint size)
    {
        if (size > (uint)_rest.Length)
        {
            throw new FormatException("the end is missing");
        }
        ReadOnlySpan<byte> taken = _rest[..(int)size];
        _rest = _rest[(int)size..];
        return taken;
    }
}
