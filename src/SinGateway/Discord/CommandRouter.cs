using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Extensions.Logging;

namespace SinGateway.Discord;

/// <summary>
/// Takes what workers want sent to Discord, <c>{"op":8,"d":{…},"shard":3}</c>, to the shard that must send it: the one that has the guild
/// (https://docs.discord.com/developers/events/gateway#sharding-sharding-formula), or for a presence the one that it names, or all. What
/// Discord would not take is refused here, counted, and said in few lines. Belongs to the loop's thread.
/// </summary>
/// <param name="shards">Those of this connection (G24) by their ids, and how each takes a command.</param>
/// <param name="shardCount">Of the whole bot.</param>
/// <param name="now">The loop's clock, in ms.</param>
/// <param name="logger">Told of refusals.</param>
internal sealed partial class CommandRouter(
    IReadOnlyDictionary<int, Action<GatewayCommand>> shards, int shardCount, Func<long> now, ILogger logger)
{
    /// <summary>The least time between two lines about refusals, in ms.</summary>
    public const int LinePeriod = 10_000;

    /// <summary>A larger payload, in bytes, is not looked into: none that Discord takes comes near it.</summary>
    public const int MaximumPayload = 16 * GatewayCommand.MaximumSize;

    /// <summary>Bits of a snowflake below its time.</summary>
    private const int SnowflakeShift = 22;

    /// <summary>Who writes a key twice would have one checked and the other obeyed.</summary>
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private static readonly CommandRefusal Malformed = new(CommandResult.Malformed, "the payload is not {\"op\":int,\"d\":{…},\"shard\":int?}");
    private static readonly CommandRefusal TooLarge = new(CommandResult.TooLarge, $"it is longer than {GatewayCommand.MaximumSize} bytes");

    private long _refused;
    private long _saidAt = long.MinValue / 2;

    public CommandCounts Counts { get; } = new();

    /// <summary>Sends a command on, or refuses it.</summary>
    /// <param name="payload">JSON; of a dispatch to this gateway. Copied where it is kept.</param>
    public void Receive(ReadOnlySpan<byte> payload)
    {
        GatewayOpcode op = GatewayOpcode.Dispatch;
        if (payload.Length > MaximumPayload)
        {
            Refuse(op, TooLarge);
            return;
        }

        try
        {
            if (!IsText(payload))
            {
                Refuse(op, Malformed);
                return;
            }

            using JsonDocument document = JsonDocument.Parse(payload.ToArray(), Strict);
            if (Route(document.RootElement, ref op) is { } refusal)
            {
                Refuse(op, refusal);
            }
        }
        catch (JsonException)
        {
            Refuse(op, Malformed);
        }
    }

    /// <summary>JSON parsers look into strings late or never; Discord does, and closes.</summary>
    private static bool IsText(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
        {
            return false;
        }

        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.ValueIsEscaped)
                {
                    reader.GetString();
                }
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            return false;
        }
    }

    private CommandRefusal? Route(JsonElement request, ref GatewayOpcode op)
    {
        if (request.ValueKind != JsonValueKind.Object
            || !request.TryGetProperty("op", out JsonElement opcode)
            || opcode.ValueKind != JsonValueKind.Number || !opcode.TryGetInt32(out int number)
            || !request.TryGetProperty("d", out JsonElement data)
            || !TryReadShard(request, out int? named))
        {
            return Malformed;
        }

        op = (GatewayOpcode)number;
        if (!GatewayCommand.IsForWorkers(op))
        {
            return new(CommandResult.NotForWorkers, $"workers may not send opcode {number}");
        }

        if (data.ValueKind != JsonValueKind.Object)
        {
            return Malformed;
        }

        if (CommandRules.Check(op, data) is { } wrong)
        {
            return new(CommandResult.Invalid, wrong);
        }

        foreach (ulong guild in CommandRules.Guilds(op, data))
        {
            int owner = (int)((guild >> SnowflakeShift) % (ulong)shardCount);
            if ((named ??= owner) != owner)
            {
                return new(CommandResult.Misrouted, $"guild {guild} is of shard {owner}, and the command is for shard {named}");
            }
        }

        return Send(op, CommandRules.Complete(op, data), named);
    }

    private static bool TryReadShard(JsonElement request, out int? shard)
    {
        shard = null;
        if (!request.TryGetProperty("shard", out JsonElement named) || named.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        if (named.ValueKind != JsonValueKind.Number || !named.TryGetInt32(out int number) || number < 0)
        {
            return false;
        }

        shard = number;
        return true;
    }

    private CommandRefusal? Send(GatewayOpcode op, byte[] data, int? shard)
    {
        GatewayCommand command = GatewayCommand.TryCreate(op, data, result => Finish(op, result))!;
        if (command.Payload.Length > GatewayCommand.MaximumSize)
        {
            return TooLarge;
        }

        if (shard is not { } one)
        {
            foreach (Action<GatewayCommand> send in shards.Values)
            {
                send(command);
            }

            return null;
        }

        if (!shards.TryGetValue(one, out Action<GatewayCommand>? owner))
        {
            return new(CommandResult.NotHere, one < shardCount ? $"shard {one} is not of this gateway" : $"there is no shard {one} of {shardCount}");
        }

        owner(command);
        return null;
    }

    /// <summary>A shard tells what became of a command that it took.</summary>
    private void Finish(GatewayOpcode op, CommandResult result)
    {
        switch (result)
        {
            case CommandResult.Sent:
                Counts.Count(op, result);
                break;
            case CommandResult.QueueFull:
                Refuse(op, new(result, "too many commands wait for its shard"));
                break;
            case CommandResult.Expired:
                Refuse(op, new(result, $"its shard could not send it within {CommandQueue.Lifetime / 1000} s, or stops"));
                break;
            default:
                Refuse(op, new(result, "the shard refused it"));
                break;
        }
    }

    private void Refuse(GatewayOpcode op, in CommandRefusal refusal)
    {
        Counts.Count(op, refusal.Result);
        _refused++;
        if (now() - _saidAt >= LinePeriod)
        {
            LogRefused(_refused, op == GatewayOpcode.Dispatch ? "unknown" : $"{(int)op}", refusal.Reason);
            _refused = 0;
            _saidAt = now();
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Commands of workers that were not sent to Discord since the last such line: {Count}. The latest, with opcode {Op}: {Reason}")]
    private partial void LogRefused(long count, string op, string reason);
}
