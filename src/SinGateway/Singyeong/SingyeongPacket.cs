using System.Text.Json;

namespace SinGateway.Singyeong;

/// <summary>Opcodes of 신경: https://github.com/queer/singyeong/blob/master/PROTOCOL.md</summary>
internal enum SingyeongOpcode
{
    Hello = 0,
    Identify = 1,
    Ready = 2,
    Invalid = 3,
    Dispatch = 4,
    Heartbeat = 5,
    HeartbeatAck = 6,
    Goodbye = 7,
    Error = 8,
}

/// <summary>
/// A packet from 신경, in JSON: <c>{"d":object,"op":int,"t":string|null,"ts":ms}</c>, its keys in any order. Borrowed from the receive
/// buffer.
/// </summary>
internal readonly ref struct SingyeongPacket
{
    /// <summary>
    /// A no_route gives a whole event back, which in JSON went as it came, however deep. The reader keeps a bit a level, and nothing here calls
    /// itself.
    /// </summary>
    private static readonly JsonReaderOptions Options = new() { MaxDepth = int.MaxValue };

    private readonly ReadOnlySpan<byte> _data;

    private readonly ReadOnlySpan<byte> _type;

    private SingyeongPacket(int op, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Op = (SingyeongOpcode)op;
        _type = type;
        _data = data;
    }

    public SingyeongOpcode Op { get; }

    /// <summary>The name of a dispatch; empty for others.</summary>
    public string Type => _type.IsEmpty ? "" : ReadText(Whole(_type));

    /// <summary>False when <paramref name="message"/> is not a packet. Allocates nothing: acks come by the thousand.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out SingyeongPacket packet)
    {
        packet = default;
        int op = -1;
        ReadOnlySpan<byte> data = default, type = default;
        var reader = new Utf8JsonReader(message, Options);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isOp = reader.ValueTextEquals("op"u8);
                bool isData = reader.ValueTextEquals("d"u8);
                bool isType = reader.ValueTextEquals("t"u8);
                reader.Read();
                int start = (int)reader.TokenStartIndex;
                reader.Skip();
                if (isData)
                {
                    data = message[start..(int)reader.BytesConsumed];
                }
                else if (isType)
                {
                    type = message[start..(int)reader.BytesConsumed];
                }
                else if (isOp && !reader.TryGetInt32(out op))
                {
                    return false;
                }
            }
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            return false;
        }

        packet = new SingyeongPacket(op, type, data);
        return op >= 0;
    }

    /// <summary>The integer at <paramref name="key"/> of <c>d</c>, or null.</summary>
    public long? Integer(ReadOnlySpan<byte> key) =>
        Find(_data, key, out Utf8JsonReader value) && value.TokenType == JsonTokenType.Number && value.TryGetInt64(out long number) ? number : null;

    /// <summary>True when <c>d</c> holds <c>true</c> at <paramref name="key"/>.</summary>
    public bool Flag(ReadOnlySpan<byte> key) => Find(_data, key, out Utf8JsonReader value) && value.TokenType == JsonTokenType.True;

    /// <summary>The string at <paramref name="key"/> of <c>d</c>, or an empty one.</summary>
    public string Text(ReadOnlySpan<byte> key) => Find(_data, key, out Utf8JsonReader value) ? ReadText(value) : "";

    /// <summary>The nonce of the dispatch that a no_route gives back (<c>d.extra_info.d.nonce</c>), or an empty string.</summary>
    public string UnroutedNonce()
    {
        return Enter(_data, "extra_info"u8, out ReadOnlySpan<byte> packet)
            && Enter(packet, "d"u8, out ReadOnlySpan<byte> data)
            && Find(data, "nonce"u8, out Utf8JsonReader nonce)
            ? ReadText(nonce)
            : "";
    }

    /// <summary>The application of the client that a CLIENT_CONNECTED is about, <c>d.payload.app</c>, or an empty string.</summary>
    public string ConnectedApplication() =>
        Enter(_data, "payload"u8, out ReadOnlySpan<byte> payload) && Find(payload, "app"u8, out Utf8JsonReader app) ? ReadText(app) : "";

    /// <summary>The payload of a dispatch, <c>d.payload</c>, as it stands; empty without one.</summary>
    public ReadOnlySpan<byte> Payload() => Enter(_data, "payload"u8, out ReadOnlySpan<byte> payload) ? payload : default;

    /// <summary>The event that a dispatch of ours carries, <c>d.payload.t</c>, or an empty string.</summary>
    public string EventName() =>
        Enter(_data, "payload"u8, out ReadOnlySpan<byte> payload) && Find(payload, "t"u8, out Utf8JsonReader name) ? ReadText(name) : "";

    private static Utf8JsonReader Whole(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, Options);
        reader.Read();
        return reader;
    }

    /// <summary>A string; empty when it is none, or no valid text (the parser looks into strings only here).</summary>
    private static string ReadText(in Utf8JsonReader value)
    {
        try
        {
            return value.TokenType == JsonTokenType.String ? value.GetString()! : "";
        }
        catch (InvalidOperationException)
        {
            return "";
        }
    }

    /// <summary>The bytes of the value at <paramref name="key"/>.</summary>
    private static bool Enter(ReadOnlySpan<byte> json, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> inner)
    {
        inner = default;
        if (!Find(json, key, out Utf8JsonReader value))
        {
            return false;
        }

        int start = (int)value.TokenStartIndex;
        value.Skip();
        inner = json[start..(int)value.BytesConsumed];
        return true;
    }

    /// <summary>A key with half of a surrogate pair is none that is looked for.</summary>
    private static bool Is(in Utf8JsonReader property, ReadOnlySpan<byte> key)
    {
        try
        {
            return property.ValueTextEquals(key);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static bool Find(ReadOnlySpan<byte> json, ReadOnlySpan<byte> key, out Utf8JsonReader value)
    {
        value = new Utf8JsonReader(json, Options);
        if (json.IsEmpty || !value.Read() || value.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (value.Read() && value.TokenType == JsonTokenType.PropertyName)
        {
            bool found = Is(value, key);
            value.Read();
            if (found)
            {
                return true;
            }

            value.Skip();
        }

        return false;
    }
}
