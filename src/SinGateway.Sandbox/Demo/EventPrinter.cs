using System.Text.Json;

namespace SinGateway.Sandbox.Demo;

/// <summary>Prints arriving events for a human: a line each while they are few, a line a second for all the others.</summary>
internal sealed class EventPrinter(bool countOnly)
{
    private const int LinesPerSecond = 10;
    private const int LongestContent = 60;

    private readonly Lock _gate = new();
    private int _lines;
    private long _more;
    private long _total;

    public void Say(string line)
    {
        lock (_gate)
        {
            Console.WriteLine(line);
        }
    }

    /// <summary>Counts an event without decoding it, when it would not be printed anyway. False for all other packets.</summary>
    public bool TryCount(ReadOnlySpan<byte> packet)
    {
        // {"d":{"nonce":…,"payload":…,"target":null},"op":4,"t":"SEND","ts":…}
        if (packet[^Math.Min(packet.Length, 80)..].IndexOf("\"op\":4,"u8) < 0)
        {
            return false;
        }
        lock (_gate)
        {
            if (!countOnly && _lines < LinesPerSecond)
            {
                return false;
            }
            _more++;
            _total++;
            return true;
        }
    }

    public void Print(JsonElement packet)
    {
        JsonElement data = packet.GetProperty("d"u8);
        string shard = data.TryGetProperty("nonce"u8, out JsonElement nonce) && nonce.ValueKind == JsonValueKind.String
            ? nonce.GetString()!.Split(':')[0]
            : "-";
        JsonElement payload = data.GetProperty("payload"u8);
        string name = Text(payload, "t") ?? Text(packet, "t") ?? "?";
        string guild = "";
        string content = "";
        if (payload.ValueKind == JsonValueKind.Object && payload.TryGetProperty("d"u8, out JsonElement inner))
        {
            guild = Text(inner, "guild_id") ?? (name.StartsWith("GUILD_", StringComparison.Ordinal) ? Text(inner, "id") : null) ?? "";
            content = Text(inner, "content") ?? Text(inner, "name") ?? "";
        }
        content = content.ReplaceLineEndings(" ");
        content = content.Length > LongestContent ? content[..LongestContent] + "…" : content;
        lock (_gate)
        {
            _lines++;
            _total++;
            Console.WriteLine($"{name,-16} shard {shard,-3} guild {guild,-19} {content}");
        }
    }

    /// <summary>Once a second: sums up what was not printed.</summary>
    public void Tick()
    {
        lock (_gate)
        {
            if (_more > 0)
            {
                Console.WriteLine(countOnly ? $"{_more} events/s" : $"… and {_more} more");
            }
            _lines = 0;
            _more = 0;
        }
    }

    public void Finish()
    {
        Tick();
        Say($"{_total} events in all");
    }

    private static string? Text(JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
