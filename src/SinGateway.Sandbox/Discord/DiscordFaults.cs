namespace SinGateway.Sandbox.Discord;

/// <summary>What the control API has ordered to go wrong. Countdowns are taken one at a time by whoever they hit.</summary>
internal sealed class DiscordFaults
{
    public Countdown RefuseUpgrade { get; } = new();

    /// <summary>The HTTP status of a refused upgrade.</summary>
    public int RefuseUpgradeStatus { get; set; } = 503;

    /// <summary>Seconds in the Retry-After header of a refused upgrade; 0 for no such header.</summary>
    public int RefuseUpgradeRetryAfter { get; set; }

    /// <summary>Connections that get bytes which are neither TLS nor HTTP, and then their end.</summary>
    public Countdown Garbage { get; } = new();

    /// <summary>HELLOs that do not come until they are released.</summary>
    public Hold Hello { get; } = new();

    /// <summary>IDENTIFYs that are not answered until they are released: during outages READY may take long.</summary>
    public Hold Ready { get; } = new();

    /// <summary>RESUMEs that are not answered until they are released.</summary>
    public Hold Resumed { get; } = new();

    public Countdown ReconnectBeforeHello { get; } = new();

    public Countdown RefuseIdentify { get; } = new();

    /// <summary>The close code of a refused IDENTIFY; 0 for op 9 false.</summary>
    public int RefuseIdentifyCode { get; set; }

    public Countdown RefuseResume { get; } = new();

    /// <summary>The close code of a refused RESUME; 0 for op 9 false.</summary>
    public int RefuseResumeCode { get; set; }

    public Countdown Rest { get; } = new();

    public int RestStatus { get; set; } = 429;

    /// <summary>Seconds, with a fraction, as in the body of a 429.</summary>
    public double RestRetryAfter { get; set; }

    /// <summary>A Cloudflare answer has HTML in place of JSON.</summary>
    public bool RestHtml { get; set; }

    /// <summary>ms between the upgrade and HELLO.</summary>
    public int HelloDelay { get; set; }

    /// <summary>No websocket frame carries more payload; 0 is no limit.</summary>
    public int FragmentBytes { get; set; }

    /// <summary>Ends each message with an empty FIN frame, as some proxies do.</summary>
    public bool FragmentEndsEmpty { get; set; }
}

/// <summary>A number of times that something still has to happen, to any shard or to one.</summary>
internal sealed class Countdown
{
    private int _left;
    private int _shard = -1;

    /// <summary>So many times; <paramref name="shard"/> spares all others.</summary>
    public void Set(int count, int? shard = null)
    {
        Volatile.Write(ref _shard, shard ?? -1);
        Volatile.Write(ref _left, count);
    }

    public bool Take(int? shard = null)
    {
        if (Volatile.Read(ref _shard) is var wanted && wanted >= 0 && shard != wanted)
        {
            return false;
        }
        while (true)
        {
            int left = Volatile.Read(ref _left);
            if (left <= 0)
            {
                return false;
            }
            if (Interlocked.CompareExchange(ref _left, left - 1, left) == left)
            {
                return true;
            }
        }
    }
}
