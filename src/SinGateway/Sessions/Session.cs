using System.Security.Cryptography;
using System.Text;

namespace SinGateway.Sessions;

/// <summary>
/// One session of one shard with Discord: its names and how far it got. A new session is a new object, so confirmations of an older one
/// cannot touch it (G2). Belongs to the loop's thread.
/// </summary>
internal sealed class Session
{
    /// <summary>Bytes of <see cref="Tag"/>.</summary>
    public const int TagSize = 8;

    private const long MaximumHeartbeatLag = 1_000;
    private const long MaximumHeartbeatLagTime = 45_000;

    private int _openBarriers;
    private long _laggingSince;
    private long _confirmed;

    /// <summary>Copies of events that wait for a receiver; null while there was never one.</summary>
    private SortedSet<(long Seq, int Rule)>? _held;

    /// <summary>The floor under what may be committed: every spooled event before it is settled; none when there is nothing spooled.</summary>
    private long _spooledFrom = long.MaxValue;
    private long _spooledTo;

    public Session(int shardId, string id, string? resumeUrl, long committed)
    {
        ShardId = shardId;
        Id = id;
        ResumeUrl = resumeUrl;
        Received = Committed = Stored = _confirmed = committed;
        Tag = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)).AsSpan(0, TagSize / 2)));
    }

    public int ShardId { get; }

    /// <summary>Discord's name for the session. A secret: never logged.</summary>
    public string Id { get; }

    /// <summary>Where to resume; null when READY carried no URL.</summary>
    public string? ResumeUrl { get; }

    /// <summary>The first eight hexadecimal digits of the id's SHA-256, for nonces (G7): names the session without telling it.</summary>
    public byte[] Tag { get; }

    /// <summary>The last seq that arrived; -1 before the first.</summary>
    public long Received { get; private set; }

    /// <summary>The largest seq up to which everything is settled (G2); -1 before the first.</summary>
    public long Committed { get; private set; }

    /// <summary>The largest committed seq that the store is known to hold: from where a crash would resume; -1 before the first.</summary>
    public long Stored { get; private set; }

    /// <summary>True while events arrived that the next barrier will be the first to cover.</summary>
    public bool AwaitsBarrier { get; private set; }

    /// <summary>
    /// An event arrived: <paramref name="forwarded"/> when a copy of it is on its way, else it is settled as soon as everything before it
    /// is (G1). True when the session is to be covered by the next barrier and was not so before.
    /// </summary>
    public bool Receive(long seq, bool forwarded, long now)
    {
        if (Received == Stored)
        {
            _laggingSince = now;
        }

        Received = seq;
        if (AwaitsBarrier)
        {
            return false;
        }

        if (!forwarded && _openBarriers == 0)
        {
            Confirm(seq);
            return false;
        }

        return AwaitsBarrier = true;
    }

    /// <summary>
    /// A barrier behind everything received so far begins; its owner passes the result to <see cref="Commit"/> when it is acknowledged.
    /// </summary>
    public long Cover()
    {
        AwaitsBarrier = false;
        _openBarriers++;
        return Received;
    }

    /// <summary>A barrier over this session's events up to <paramref name="seq"/> was acknowledged.</summary>
    public void Commit(long seq)
    {
        _openBarriers--;
        Confirm(seq);
    }

    /// <summary>A copy of an event found no receiver and waits: nothing from it on is committed until it is settled (G1, G2).</summary>
    public void Hold(long seq, int rule) => (_held ??= []).Add((seq, rule));

    /// <summary>The copy was taken at last, or dropped by policy.</summary>
    public void Settle(long seq, int rule)
    {
        if (_held?.Remove((seq, rule)) == true)
        {
            Confirm(_confirmed);
        }
    }

    /// <summary>The event is in the spool: nothing from it on is committed until it is settled there. In the order of seqs.</summary>
    public void Spool(long seq)
    {
        _spooledFrom = Math.Min(_spooledFrom, seq);
        _spooledTo = Math.Max(_spooledTo, seq);
    }

    /// <summary>Every event up to <paramref name="seq"/> that went into the spool is settled: on the disk, or processed by 신경 (G14).</summary>
    public void SettleSpooled(long seq)
    {
        if (seq >= _spooledFrom)
        {
            _spooledFrom = seq < _spooledTo ? seq + 1 : long.MaxValue;
            Confirm(_confirmed);
        }
    }

    /// <summary>Everything up to <paramref name="seq"/> was processed by 신경; what of it is held or spooled is not settled.</summary>
    private void Confirm(long seq)
    {
        _confirmed = seq;
        long open = Math.Min(_spooledFrom, _held is { Count: > 0 } ? _held.Min.Seq : long.MaxValue);
        Committed = open == long.MaxValue ? seq : Math.Max(Committed, Math.Min(seq, open - 1));
    }

    /// <summary>The store holds <paramref name="seq"/>, which was committed.</summary>
    public void MarkStored(long seq, long now)
    {
        if (seq > Stored)
        {
            Stored = seq;
            _laggingSince = now;
        }
    }

    /// <summary>
    /// The seq for a heartbeat (G5): the stored one while it lags little, so that Discord keeps what a crash would need again; else the
    /// received one. What is committed and not yet stored will be asked for again after a crash, so it must not be given away either.
    /// </summary>
    public long HeartbeatSeq(long now)
    {
        bool lagsLittle = Received - Stored < MaximumHeartbeatLag && (Received == Stored || now - _laggingSince < MaximumHeartbeatLagTime);
        return Stored >= 0 && lagsLittle ? Stored : Received;
    }
}
