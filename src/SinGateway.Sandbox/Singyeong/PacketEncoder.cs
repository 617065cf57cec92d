using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// Writes answers, which are made as JSON, in the other encodings as the real server does: in etf the envelope has atoms as keys, and what a
/// client has sent as payload binaries.
/// </summary>
internal static class PacketEncoder
{
    public static byte[] Encode(PacketEncoding encoding, ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = CanonicalJson.MaxDepth });
        JsonElement packet = JsonElement.ParseValue(ref reader);
        ArrayBufferWriter<byte> output = new(json.Length);
        if (encoding == PacketEncoding.Msgpack)
        {
            Msgpack(output, packet);
        }
        else
        {
            output.Write<byte>([131]);
            Etf(output, packet, inEnvelope: true);
        }
        return output.WrittenSpan.ToArray();
    }

    private static void Msgpack(ArrayBufferWriter<byte> output, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                Number(output, 0xdf, value.GetPropertyCount());
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    Text(output, 0xdb, property.Name);
                    Msgpack(output, property.Value);
                }
                break;
            case JsonValueKind.Array:
                Number(output, 0xdd, value.GetArrayLength());
                foreach (JsonElement element in value.EnumerateArray())
                {
                    Msgpack(output, element);
                }
                break;
            case JsonValueKind.String:
                Text(output, 0xdb, value.GetString()!);
                break;
            case JsonValueKind.Number when !IsInteger(value):
                Float(output, 0xcb, value.GetDouble());
                break;
            case JsonValueKind.Number when value.TryGetUInt64(out ulong unsigned):
                Span<byte> bytes = output.GetSpan(9);
                bytes[0] = 0xcf;
                BinaryPrimitives.WriteUInt64BigEndian(bytes[1..], unsigned);
                output.Advance(9);
                break;
            case JsonValueKind.Number:
                bytes = output.GetSpan(9);
                bytes[0] = 0xd3;
                BinaryPrimitives.WriteInt64BigEndian(bytes[1..], value.GetInt64());
                output.Advance(9);
                break;
            default:
                output.Write<byte>([value.ValueKind switch { JsonValueKind.True => 0xc3, JsonValueKind.False => 0xc2, _ => (byte)0xc0 }]);
                break;
        }
    }

    private static void Etf(ArrayBufferWriter<byte> output, JsonElement value, bool inEnvelope)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                Number(output, 116, value.GetPropertyCount());
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    if (inEnvelope)
                    {
                        Atom(output, property.Name);
                    }
                    else
                    {
                        Text(output, 109, property.Name);
                    }
                    Etf(output, property.Value, inEnvelope && property.Name != "payload");
                }
                break;
            case JsonValueKind.Array when value.GetArrayLength() == 0:
                output.Write<byte>([106]);
                break;
            case JsonValueKind.Array:
                Number(output, 108, value.GetArrayLength());
                foreach (JsonElement element in value.EnumerateArray())
                {
                    Etf(output, element, inEnvelope);
                }
                output.Write<byte>([106]);
                break;
            case JsonValueKind.String:
                Text(output, 109, value.GetString()!);
                break;
            case JsonValueKind.Number when !IsInteger(value):
                Float(output, 70, value.GetDouble());
                break;
            case JsonValueKind.Number when value.TryGetInt32(out int small):
                Number(output, 98, small);
                break;
            case JsonValueKind.Number:
                BigInteger integer = BigInteger.Parse(value.GetRawText());
                byte[] magnitude = BigInteger.Abs(integer).ToByteArray(isUnsigned: true);
                output.Write<byte>([110, (byte)magnitude.Length, integer.Sign < 0 ? (byte)1 : (byte)0, .. magnitude]);
                break;
            default:
                Atom(output, value.ValueKind switch { JsonValueKind.True => "true", JsonValueKind.False => "false", _ => "nil" });
                break;
        }
    }

    private static bool IsInteger(JsonElement number) => number.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') < 0;

    private static void Atom(ArrayBufferWriter<byte> output, string name) => output.Write<byte>([119, (byte)name.Length, .. Encoding.UTF8.GetBytes(name)]);

    private static void Text(ArrayBufferWriter<byte> output, byte tag, string text)
    {
        Number(output, tag, Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, output);
    }

    private static void Number(ArrayBufferWriter<byte> output, byte tag, int number)
    {
        Span<byte> bytes = output.GetSpan(5);
        bytes[0] = tag;
        BinaryPrimitives.WriteInt32BigEndian(bytes[1..], number);
        output.Advance(5);
    }

    private static void Float(ArrayBufferWriter<byte> output, byte tag, double value)
    {
        Span<byte> bytes = output.GetSpan(9);
        bytes[0] = tag;
        BinaryPrimitives.WriteDoubleBigEndian(bytes[1..], value);
        output.Advance(9);
    }
}
