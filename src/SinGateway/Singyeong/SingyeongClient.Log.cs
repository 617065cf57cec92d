using Microsoft.Extensions.Logging;

namespace SinGateway.Singyeong;

/// <summary>What a connection says of itself.</summary>
internal sealed partial class SingyeongClient
{
    [LoggerMessage(Level = LogLevel.Information, Message = "신경 at {Address} is ready ({Waiting} bytes are waiting to be sent)")]
    private partial void LogReady(string address, long waiting);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Cause}; connecting again in {Delay} ms (attempt {Attempt}); what is unconfirmed will be sent again")]
    private partial void LogReconnect(string cause, int delay, int attempt);

    [LoggerMessage(Level = LogLevel.Warning, Message = "신경 calls a packet invalid: {Error}")]
    private partial void LogInvalid(string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Address} sent something that is no packet of 신경; ignored")]
    private partial void LogUnreadable(string address);

    [LoggerMessage(Level = LogLevel.Debug, Message = "신경 sent the unknown opcode {Op}; ignored")]
    private partial void LogUnknownOpcode(int op);
}
