using Microsoft.Extensions.Logging;

namespace SinGateway.Discord;

/// <summary>
/// Asks GET /gateway/bot again when someone on the loop needs it: the base URL is dead, or the budget of IDENTIFYs is to be looked at. One
/// request at a time and not more often than <see cref="MinimumInterval"/>, since a loop of such requests gets an address banned
/// (https://docs.discord.com/developers/events/gateway#get-gateway-bot: the URL may be kept, the rest changes from call to call).
/// </summary>
/// <param name="ask">Asks until there is an answer that waiting does not change.</param>
/// <param name="time">Clock of the interval.</param>
/// <param name="answered">Takes a success; called off the loop.</param>
/// <param name="unauthorized">The token is no good any more; nothing is asked after that.</param>
/// <param name="logger">Told of a refusal.</param>
/// <param name="stop">Ends it.</param>
internal sealed partial class GatewayBotRefresh(
    Func<CancellationToken, Task<GatewayBotOutcome>> ask,
    TimeProvider time,
    Action<GatewayBotInfo> answered,
    Action unauthorized,
    ILogger logger,
    CancellationToken stop)
{
    public static readonly TimeSpan MinimumInterval = TimeSpan.FromSeconds(30);

    private int _isAsking;
    private long? _lastAsked;

    /// <summary>Asks soon, unless that is under way. Any thread; never blocks.</summary>
    public void Request()
    {
        if (Interlocked.Exchange(ref _isAsking, 1) == 0)
        {
            _ = AskAsync();
        }
    }

    private async Task AskAsync()
    {
        try
        {
            TimeSpan since = _lastAsked is { } last ? time.GetElapsedTime(last) : MinimumInterval;
            if (since < MinimumInterval)
            {
                await Task.Delay(MinimumInterval - since, time, stop).ConfigureAwait(false);
            }

            GatewayBotOutcome outcome = await ask(stop).ConfigureAwait(false);
            _lastAsked = time.GetTimestamp();
            switch (outcome)
            {
                case GatewayBotOutcome.Unauthorized:
                    unauthorized();
                    return;
                case GatewayBotOutcome.Success success:
                    answered(success.Info);
                    break;
                case GatewayBotOutcome.Refused refused:
                    LogRefused(refused.Message);
                    break;
            }

            Volatile.Write(ref _isAsking, 0);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The gateway stops.
        }
        catch (Exception e)
        {
            // Whatever it was: without another request, no shard might identify again.
            LogRefused($"/gateway/bot could not be asked ({e.Message})");
            _lastAsked = time.GetTimestamp();
            Volatile.Write(ref _isAsking, 0);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason}; sessions go on, and it is asked again when it is needed")]
    private partial void LogRefused(string reason);
}
