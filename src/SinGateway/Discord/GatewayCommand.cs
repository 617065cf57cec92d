using System.Text;
using System.Text.Json;

namespace SinGateway.Discord;

/// <summary>
/// A message that a worker wants sent to Discord: one of the opcodes that change no session
/// (https://docs.discord.com/developers/events/gateway-events#send-events). Immutable, so the same one can go to several shards.
/// </summary>
internal sealed class GatewayCommand
{
    /// <summary>What Discord takes, in bytes of the whole message; a longer one costs the connection (4002).</summary>
    public const int MaximumSize = 4_096;

    private readonly Action<CommandResult> _done;

    private GatewayCommand(GatewayOpcode op, ReadOnlySpan<byte> data, ulong guildId, bool hasEmptyQuery, Action<CommandResult> done)
    {
        Op = op;
        Payload = (byte[])[.. "{\"op\":"u8, .. Encoding.ASCII.GetBytes(((int)op).ToString()), .. ",\"d\":"u8, .. data, (byte)'}'];
        GuildId = guildId;
        AsksForAllMembers = op == GatewayOpcode.RequestGuildMembers && hasEmptyQuery;
        _done = done;
    }

    public GatewayOpcode Op { get; }

    /// <summary><c>{"op":8,"d":{…}}</c></summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary><c>d.guild_id</c>; 0 without one.</summary>
    public ulong GuildId { get; }

    /// <summary>Opcode 8 with an empty query: Discord serves it once in thirty seconds for each guild.</summary>
    public bool AsksForAllMembers { get; }

    /// <summary>Makes a command; null when <paramref name="op"/> is none for workers or <paramref name="data"/> is not a JSON object.</summary>
    /// <param name="op">3, 4, 8, 31 or 43.</param>
    /// <param name="data">The value of <c>d</c>; copied.</param>
    /// <param name="done">Told what became of it, once for each shard that it is given to, on that shard's loop.</param>
    public static GatewayCommand? TryCreate(GatewayOpcode op, ReadOnlySpan<byte> data, Action<CommandResult> done)
    {
        return IsForWorkers(op) && TryRead(data, out ulong guildId, out bool hasEmptyQuery)
            ? new GatewayCommand(op, data, guildId, hasEmptyQuery, done)
            : null;
    }

    /// <summary>Workers may send it: it changes no session.</summary>
    public static bool IsForWorkers(GatewayOpcode op) => op is GatewayOpcode.PresenceUpdate or GatewayOpcode.VoiceStateUpdate
        or GatewayOpcode.RequestGuildMembers or GatewayOpcode.RequestSoundboardSounds or GatewayOpcode.RequestChannelInfo;

    /// <summary>It is answered for.</summary>
    public void Finish(CommandResult result) => _done(result);

    private static bool TryRead(ReadOnlySpan<byte> data, out ulong guildId, out bool hasEmptyQuery)
    {
        guildId = 0;
        hasEmptyQuery = false;
        var reader = new Utf8JsonReader(data);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read())
            {
                if (reader is not { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 })
                {
                    continue;
                }

                bool isGuildId = reader.ValueTextEquals("guild_id"u8);
                bool isQuery = reader.ValueTextEquals("query"u8);
                reader.Read();
                if (isGuildId)
                {
                    guildId = ReadSnowflake(reader);
                }
                else if (isQuery)
                {
                    hasEmptyQuery = reader.TokenType == JsonTokenType.String && reader.ValueSpan.IsEmpty;
                }
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>A snowflake as a string or a number; 0 when it is neither.</summary>
    private static ulong ReadSnowflake(in Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String when ulong.TryParse(reader.ValueSpan, out ulong id) => id,
        JsonTokenType.Number when reader.TryGetUInt64(out ulong id) => id,
        _ => 0,
    };
}
