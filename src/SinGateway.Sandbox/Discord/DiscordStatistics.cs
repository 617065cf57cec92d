using System.Collections.Concurrent;

namespace SinGateway.Sandbox.Discord;

/// <summary>What the fake Discord has seen since the start; read by the control API.</summary>
internal sealed class DiscordStatistics
{
    public long ConnectionsTotal;
    public long Identifies;
    public long ResumesOk;
    public long ResumesOnResumeUrl;
    public long ResumesOnBaseUrl;
    public long PacingViolations;

    /// <summary>IDENTIFYs of a shard whose session was alive, known to the client, and would have been resumed.</summary>
    public long IdentifiesNeedless;

    /// <summary>IDENTIFYs that were withheld from an answer until their connection ended.</summary>
    public long IdentifiesUnanswered;

    /// <summary>Presence updates (op 3) beyond 5 in 20 s of a connection; they are ignored.</summary>
    public long PresenceLimitViolations;

    /// <summary>Requests for all members of a guild within 30 s of the last one; answered with RATE_LIMITED.</summary>
    public long MemberRequestsLimited;
    public long BudgetViolations;
    public long SendLimitViolations;
    public long Heartbeats;
    public long HeartbeatTimeouts;
    public long HeartbeatsAhead;
    public long ProtocolErrors;
    public long RestRequests;
    public long RestUnauthorized;

    /// <summary>Dispatches written to a connection, replays included.</summary>
    public long EventsSent;
    public long EventsReplayed;
    public long BytesUncompressed;
    public long BytesSent;

    public ConcurrentDictionary<string, long> ResumesRefused { get; } = new();

    /// <summary>The same, by the answer: a close code, or 9 for opcode 9.</summary>
    public ConcurrentDictionary<int, long> ResumesRefusedWith { get; } = new();

    public ConcurrentDictionary<string, long> IdentifiesRefused { get; } = new();

    public ConcurrentDictionary<int, long> IdentifiesOfShard { get; } = new();

    /// <summary>Sessions that can no longer be resumed, by what ended them.</summary>
    public ConcurrentDictionary<string, long> SessionsEnded { get; } = new();

    /// <summary>Close codes that clients sent first; 1005 for a close frame without one, 1006 for none at all.</summary>
    public ConcurrentDictionary<int, long> ClientCloses { get; } = new();

    public ConcurrentDictionary<int, long> ServerCloses { get; } = new();

    public ConcurrentDictionary<int, long> Received { get; } = new();

    public ConcurrentQueue<string> Violations { get; } = new();

    /// <summary>The gateway commands (op 3, 4, 8, 31, 43) received last, as <c>shard payload</c>.</summary>
    public ConcurrentQueue<(int Shard, byte[] Payload)> Commands { get; } = new();

    public static void Count<TKey>(ConcurrentDictionary<TKey, long> counters, TKey key)
        where TKey : notnull => counters.AddOrUpdate(key, 1, static (_, count) => count + 1);

    /// <summary>Notes, and says on stderr, something that a correct client never does.</summary>
    public void Violation(string what)
    {
        Violations.Enqueue(what);
        while (Violations.Count > 100)
        {
            Violations.TryDequeue(out _);
        }
        Console.Error.WriteLine($"discord: violation: {what}");
    }
}
