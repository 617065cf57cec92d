using System.Text.Json;
using SinGateway.Sandbox.Verification;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// Reads packets of the json encoding. Two ways: a packet that carries one of the fake Discord's own messages is recognised by comparing
/// bytes, without parsing them; everything else is parsed to the end, and refused where the real server would refuse it. What came in
/// another encoding is JSON in its canonical spelling.
/// </summary>
internal sealed class JsonPacketReader(Ledger ledger, bool isCanonical)
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = CanonicalJson.MaxDepth };

    private byte[] _lastTarget = [];

    /// <summary>False when the real server would answer "bad JSON": malformed, a lone surrogate, or a number beyond a double.</summary>
    public bool TryRead(ReadOnlySpan<byte> bytes, out Packet packet)
    {
        packet = default;
        if (TryReadKnownMessage(bytes, ref packet))
        {
            return true;
        }
        packet = default;
        try
        {
            Parse(bytes, ref packet);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return false;
        }
        packet.Message = ledger.Recognise(packet.Payload, isCanonical);
        return true;
    }

    // {"op":4,"t":"SEND","d":{"target":TARGET,"nonce":"NONCE","payload":PAYLOAD}}
    private bool TryReadKnownMessage(ReadOnlySpan<byte> bytes, ref Packet packet)
    {
        ReadOnlySpan<byte> send = "{\"op\":4,\"t\":\"SEND\",\"d\":{\"target\":"u8;
        ReadOnlySpan<byte> broadcast = "{\"op\":4,\"t\":\"BROADCAST\",\"d\":{\"target\":"u8;
        bool isSend = bytes.StartsWith(send);
        if (!isSend && !bytes.StartsWith(broadcast))
        {
            return false;
        }
        ReadOnlySpan<byte> rest = bytes[(isSend ? send : broadcast).Length..];
        int target = _lastTarget.Length;
        ReadOnlySpan<byte> beforeNonce = ",\"nonce\":\""u8;
        if (target == 0 || !rest.StartsWith(_lastTarget) || !rest[target..].StartsWith(beforeNonce))
        {
            target = LengthOfValue(rest);
            if (target == 0 || !rest[target..].StartsWith(beforeNonce))
            {
                return false;
            }
            _lastTarget = rest[..target].ToArray();
        }
        packet.Target = rest[..target];
        rest = rest[(target + beforeNonce.Length - 1)..];
        int quote = rest[1..].IndexOf((byte)'"');
        ReadOnlySpan<byte> beforePayload = ",\"payload\":"u8;
        if (quote < 0 || !rest[(quote + 2)..].StartsWith(beforePayload) || !rest.EndsWith("}}"u8))
        {
            return false;
        }
        packet.Nonce = rest[..(quote + 2)];
        packet.Payload = rest[(quote + 2 + beforePayload.Length)..^2];
        packet.Op = 4;
        packet.Type = isSend ? "SEND"u8 : "BROADCAST"u8;
        packet.Message = ledger.Recognise(packet.Payload, isCanonical);
        return packet.Message is { IsUnaltered: true };
    }

    private static int LengthOfValue(ReadOnlySpan<byte> bytes)
    {
        try
        {
            Utf8JsonReader reader = new(bytes, isFinalBlock: false, new JsonReaderState(Options));
            return reader.Read() && reader.TrySkip() ? (int)reader.BytesConsumed : 0;
        }
        catch (JsonException)
        {
            return 0;
        }
    }

    private static void Parse(ReadOnlySpan<byte> bytes, ref Packet packet)
    {
        packet.Op = -1;
        Utf8JsonReader reader = new(bytes, Options);
        Expect(ref reader, JsonTokenType.StartObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("op"u8))
            {
                reader.Read();
                packet.Op = reader.GetInt32();
            }
            else if (reader.ValueTextEquals("t"u8))
            {
                reader.Read();
                packet.Type = reader.TokenType == JsonTokenType.String ? reader.ValueSpan : default;
            }
            else if (reader.ValueTextEquals("d"u8))
            {
                reader.Read();
                int start = (int)reader.TokenStartIndex;
                if (reader.TokenType == JsonTokenType.StartObject)
                {
                    ParseData(bytes, ref reader, ref packet);
                }
                else
                {
                    SkipChecked(ref reader);
                }
                packet.Data = bytes[start..(int)reader.BytesConsumed];
            }
            else
            {
                reader.Read();
                SkipChecked(ref reader);
            }
        }
        if (reader.Read())
        {
            throw new JsonException();
        }
    }

    private static void ParseData(ReadOnlySpan<byte> bytes, ref Utf8JsonReader reader, ref Packet packet)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            int part = reader.ValueTextEquals("target"u8) ? 1 : reader.ValueTextEquals("nonce"u8) ? 2 : reader.ValueTextEquals("payload"u8) ? 3 : 0;
            reader.Read();
            int start = (int)reader.TokenStartIndex;
            SkipChecked(ref reader);
            ReadOnlySpan<byte> value = bytes[start..(int)reader.BytesConsumed];
            switch (part)
            {
                case 1:
                    packet.Target = value;
                    break;
                case 2:
                    packet.Nonce = value;
                    break;
                case 3:
                    packet.Payload = value;
                    break;
                default:
                    break;
            }
        }
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (!reader.Read() || reader.TokenType != type)
        {
            throw new JsonException();
        }
    }

    // Moves to the end of the value, and looks at each string and number as the real server's decoder does.
    private static void SkipChecked(ref Utf8JsonReader reader)
    {
        int depth = reader.CurrentDepth;
        do
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
            {
                _ = reader.GetString();
            }
            else if (reader.TokenType == JsonTokenType.Number && reader.ValueSpan.IndexOfAny((byte)'e', (byte)'E') >= 0
                && double.IsInfinity(reader.GetDouble()))
            {
                throw new JsonException();
            }
        }
        while (!(reader.CurrentDepth == depth
            && reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray or JsonTokenType.PropertyName)) && reader.Read());
    }
}
