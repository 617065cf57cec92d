using System.Buffers;
using System.Text;
using System.Text.Json;

namespace SinGateway.Sandbox.Discord;

/// <summary>
/// Renders GUILD_CREATE and READY (docs.discord.com, gateway events). A guild renders the same bytes each time, so a replay needs no stored
/// copy. The first guild of stream 0 is a large one, since gateways meet those of several hundred KB.
/// </summary>
internal sealed class GuildText(GuildCatalogue guilds, SandboxOptions options)
{
    private const int OrdinaryBytes = 8 * 1024;

    public void WriteGuildCreate(IBufferWriter<byte> output, int stream, int index, long seq)
    {
        long guildId = guilds.GuildId(stream, index);
        int target = stream == 0 && index == 0 ? options.LargeGuildBytes : OrdinaryBytes;
        Random random = new(options.Seed * 31 + stream * 1009 + index);
        using Utf8JsonWriter json = new(output, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("t"u8, "GUILD_CREATE"u8);
        json.WriteNumber("s"u8, seq);
        json.WriteNumber("op"u8, 0);
        json.WriteStartObject("d"u8);
        json.WriteString("id"u8, guildId.ToString());
        json.WriteString("name"u8, $"Guild {index} of shard {stream} 신경");
        json.WriteString("owner_id"u8, "198622483471925248"u8);
        json.WriteBoolean("large"u8, target > OrdinaryBytes);
        json.WriteBoolean("unavailable"u8, false);
        json.WriteNumber("member_count"u8, target / 60);
        json.WriteString("joined_at"u8, "2024-02-03T04:05:06.789000+00:00"u8);
        json.WriteString("preferred_locale"u8, "en-US"u8);
        json.WriteNumber("premium_tier"u8, index % 4);
        WriteList(json, "voice_states"u8, "presences"u8, "threads"u8, "stage_instances"u8, "guild_scheduled_events"u8, "stickers"u8);
        json.WriteStartArray("roles"u8);
        for (int i = 0; i < 12; i++)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, (guildId + i).ToString());
            json.WriteString("name"u8, i == 0 ? "@everyone" : $"role {random.Next(1000)}");
            json.WriteString("permissions"u8, random.NextInt64(1L << 40).ToString());
            json.WriteNumber("position"u8, i);
            json.WriteNumber("color"u8, random.Next(1 << 24));
            json.WriteBoolean("hoist"u8, false);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("channels"u8);
        for (int i = 0; i < 12; i++)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, (guilds.ChannelId(stream, index) + i).ToString());
            json.WriteString("name"u8, $"channel-{random.Next(1000)}");
            json.WriteNumber("type"u8, i % 3 == 2 ? 2 : 0);
            json.WriteNumber("position"u8, i);
            json.WriteNull("topic"u8);
            json.WriteStartArray("permission_overwrites"u8);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("members"u8);
        do
        {
            WriteMember(json, random);
        }
        while (json.BytesCommitted + json.BytesPending < target);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    public void WriteReady(IBufferWriter<byte> output, DiscordSession session, string? resumeUrl, bool withGuilds)
    {
        using Utf8JsonWriter json = new(output, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("t"u8, "READY"u8);
        json.WriteNumber("s"u8, 1);
        json.WriteNumber("op"u8, 0);
        json.WriteStartObject("d"u8);
        json.WriteNumber("v"u8, 10);
        json.WriteStartObject("user_settings"u8);
        json.WriteEndObject();
        json.WriteStartObject("user"u8);
        json.WriteBoolean("verified"u8, true);
        json.WriteString("username"u8, "sandbox-bot"u8);
        json.WriteBoolean("mfa_enabled"u8, true);
        json.WriteString("id"u8, "1000000000000000001"u8);
        json.WriteString("discriminator"u8, "0001"u8);
        json.WriteBoolean("bot"u8, true);
        json.WriteNull("avatar"u8);
        json.WriteEndObject();
        json.WriteStartArray("shard"u8);
        json.WriteNumberValue(session.ShardId);
        json.WriteNumberValue(session.ShardCount);
        json.WriteEndArray();
        json.WriteString("session_type"u8, "normal"u8);
        json.WriteString("session_id"u8, session.Id);
        if (resumeUrl is not null)
        {
            json.WriteString("resume_gateway_url"u8, resumeUrl);
        }
        WriteList(json, "relationships"u8, "private_channels"u8, "presences"u8);
        json.WriteStartArray("guilds"u8);
        if (withGuilds)
        {
            foreach ((int stream, int index) in session.Guilds())
            {
                json.WriteStartObject();
                json.WriteBoolean("unavailable"u8, true);
                json.WriteString("id"u8, guilds.GuildId(stream, index).ToString());
                json.WriteEndObject();
            }
        }
        json.WriteEndArray();
        json.WriteStartObject("application"u8);
        json.WriteString("id"u8, "1000000000000000001"u8);
        json.WriteNumber("flags"u8, 565248);
        json.WriteEndObject();
        json.WriteStartArray("_trace"u8);
        json.WriteStringValue("[\"gateway-sandbox\",{\"micros\":0}]"u8);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    // Empty lists, as Discord sends them. Spans cannot be in a params array, so there are as many arguments as it takes.
    private static void WriteList(
        Utf8JsonWriter json, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c,
        ReadOnlySpan<byte> d = default, ReadOnlySpan<byte> e = default, ReadOnlySpan<byte> f = default)
    {
        WriteEmpty(json, a);
        WriteEmpty(json, b);
        WriteEmpty(json, c);
        WriteEmpty(json, d);
        WriteEmpty(json, e);
        WriteEmpty(json, f);
    }

    private static void WriteEmpty(Utf8JsonWriter json, ReadOnlySpan<byte> name)
    {
        if (name.Length > 0)
        {
            json.WriteStartArray(name);
            json.WriteEndArray();
        }
    }

    private static void WriteMember(Utf8JsonWriter json, Random random)
    {
        string name = $"member{random.Next(1_000_000)}";
        json.WriteStartObject();
        json.WriteStartObject("user"u8);
        json.WriteString("username"u8, name);
        json.WriteString("id"u8, random.NextInt64(200_000_000_000_000_000, 1_200_000_000_000_000_000).ToString());
        json.WriteString("global_name"u8, name);
        json.WriteString("discriminator"u8, "0"u8);
        json.WriteBoolean("bot"u8, false);
        json.WriteString("avatar"u8, random.NextInt64().ToString("x16") + random.NextInt64().ToString("x16"));
        json.WriteEndObject();
        json.WriteStartArray("roles"u8);
        json.WriteEndArray();
        json.WriteNull("nick"u8);
        json.WriteString("joined_at"u8, "2024-05-06T07:08:09.100000+00:00"u8);
        json.WriteBoolean("mute"u8, false);
        json.WriteBoolean("deaf"u8, false);
        json.WriteEndObject();
    }
}
