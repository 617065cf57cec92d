using System.Text;

namespace SinGateway.Discord;

/// <summary>
/// How many commands of workers ended how, by opcode: what <c>singateway_commands_total{op,result}</c> tells. One for several shards counts
/// once for each. Counted on the loop's thread; any thread may read.
/// </summary>
internal sealed class CommandCounts
{
    /// <summary>The opcodes that are told apart; <see cref="GatewayOpcode.Dispatch"/>, which is none, stands for all others.</summary>
    public static readonly GatewayOpcode[] Opcodes =
    [
        GatewayOpcode.PresenceUpdate, GatewayOpcode.VoiceStateUpdate, GatewayOpcode.RequestGuildMembers,
        GatewayOpcode.RequestSoundboardSounds, GatewayOpcode.RequestChannelInfo, GatewayOpcode.Dispatch,
    ];

    private static readonly CommandResult[] Results = Enum.GetValues<CommandResult>();

    private readonly long[] _counts = new long[Opcodes.Length * Results.Length];

    /// <summary>All that were answered for, whatever the answer.</summary>
    public long Total => Opcodes.Sum(op => Results.Sum(result => Of(op, result)));

    /// <summary>All of them together, as they are now.</summary>
    public static CommandCounts Sum(IEnumerable<CommandCounts> parts)
    {
        CommandCounts sum = new();
        foreach (CommandCounts part in parts)
        {
            sum.Add(part);
        }

        return sum;
    }

    /// <summary>Adds another's, as they are now.</summary>
    public void Add(CommandCounts part)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += Volatile.Read(ref part._counts[i]);
        }
    }

    /// <summary>An opcode that workers may not send counts with all such.</summary>
    public void Count(GatewayOpcode op, CommandResult result)
    {
        ref long count = ref _counts[Index(op, result)];
        Volatile.Write(ref count, count + 1);
    }

    public long Of(GatewayOpcode op, CommandResult result) => Volatile.Read(ref _counts[Index(op, result)]);

    /// <summary>Those above zero: <c>op 8: 3 Sent, 1 Invalid; other: 2 NotForWorkers</c>.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        foreach (GatewayOpcode op in Opcodes)
        {
            string[] results = [.. Results.Where(result => Of(op, result) > 0).Select(result => $"{Of(op, result)} {result}")];
            if (results.Length > 0)
            {
                string name = op == GatewayOpcode.Dispatch ? "other" : $"op {(int)op}";
                text.Append(text.Length > 0 ? "; " : "").Append($"{name}: {string.Join(", ", results)}");
            }
        }

        return text.ToString();
    }

    private static int Index(GatewayOpcode op, CommandResult result)
    {
        int row = Array.IndexOf(Opcodes, op);
        return ((row < 0 ? Opcodes.Length - 1 : row) * Results.Length) + (int)result;
    }
}
