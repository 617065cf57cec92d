using System.Globalization;
using SinGateway.WebSockets;

namespace SinGateway.Discord;

/// <summary>
/// How connections to Discord ended that the gateway did not end itself: by close code where there is one
/// (https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes). Belongs to the loop's thread.
/// </summary>
internal sealed class CloseCounts
{
    private const int FirstProtocolCode = 1000;
    private const int ProtocolCodes = 16;
    private const int FirstDiscordCode = 4000;
    private const int DiscordCodes = 15;
    private const int Other = ProtocolCodes + DiscordCodes;
    private const int NoCode = Other + 1;
    private const int Unreached = Other + 2;

    /// <summary>Places of a table by how a connection ended.</summary>
    public const int Indexes = Other + 3;

    private readonly long[] _counts = new long[Indexes];

    public ReadOnlySpan<long> All => _counts;

    public void Count(in CloseReason reason) => _counts[IndexOf(reason)]++;

    /// <summary>What a place counts: a close code, <c>other</c> codes, <c>none</c>, or <c>unreached</c> where no connection came about.</summary>
    public static string NameAt(int index) => index switch
    {
        < ProtocolCodes => (FirstProtocolCode + index).ToString(CultureInfo.InvariantCulture),
        < Other => (FirstDiscordCode + index - ProtocolCodes).ToString(CultureInfo.InvariantCulture),
        Other => "other",
        NoCode => "none",
        _ => "unreached",
    };

    private static int IndexOf(in CloseReason reason) => reason switch
    {
        { Kind: CloseKind.ConnectFailed or CloseKind.UpgradeRefused } => Unreached,
        { Kind: not CloseKind.Closed } or { Code: 0 } => NoCode,
        { Code: >= FirstProtocolCode and < FirstProtocolCode + ProtocolCodes and var code } => code - FirstProtocolCode,
        { Code: >= FirstDiscordCode and < FirstDiscordCode + DiscordCodes and var code } => ProtocolCodes + code - FirstDiscordCode,
        _ => Other,
    };
}
