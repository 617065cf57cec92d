using System.Buffers.Text;
using System.Diagnostics;
using SinGateway.Sandbox.Discord;
using SinGateway.Sandbox.Singyeong;

namespace SinGateway.Sandbox.Verification;

/// <summary>
/// A forwarded message that one of the fake Discord's streams has made: which one, and whether it is still byte for byte the same.
/// </summary>
internal readonly record struct ForwardedMessage(int Stream, long Number, long Seq, bool IsUnaltered);

/// <summary>
/// Compares what arrives at 신경 with what Discord sent: each message of each stream once, in order, and unaltered. It counts a message when
/// 신경 has found a receiver for it, since one that was answered with no_route has not arrived anywhere.
/// </summary>
internal sealed class Ledger(DiscordServer discord)
{
    private const int MaxRules = 64;

    private readonly StreamEntry[] _streams = [.. discord.Streams.Select(stream => new StreamEntry(stream))];
    private readonly long[] _rules = new long[MaxRules];
    private long _firstAt;
    private long _lastAt;
    private long _foreign;
    private long _otherEvents;
    private long _altered;
    private long _seqMismatches;
    private ulong _rulesWithMessages;

    [ThreadStatic]
    private static byte[]? t_rendered;

    [ThreadStatic]
    private static CanonicalJson? t_canonical;

    public LatencyHistogram Latency { get; private set; } = new();

    /// <summary>µs of <see cref="Clock"/>; 0 before the first arrival.</summary>
    public long FirstAt => Volatile.Read(ref _firstAt);

    public long LastAt => Volatile.Read(ref _lastAt);

    /// <summary>Dispatches without a nonce of the form shard:session:seq:rule.</summary>
    public long Foreign => Volatile.Read(ref _foreign);

    /// <summary>Forwarded events other than numbered messages.</summary>
    public long OtherEvents => Volatile.Read(ref _otherEvents);

    /// <summary>Numbered messages whose bytes are not those that Discord sent.</summary>
    public long Altered => Volatile.Read(ref _altered);

    /// <summary>Messages whose nonce names another seq than their payload.</summary>
    public long SeqMismatches => Volatile.Read(ref _seqMismatches);

    public ReadOnlySpan<long> Rules => _rules;

    /// <summary>
    /// Recognises <c>{"t":"MESSAGE_CREATE","s":seq,"op":0,"d":{"type":0,"nonce":"stream:n","content":"#n …</c> and compares the whole of it
    /// with what was sent, in its canonical spelling if <paramref name="isCanonical"/>. Null for anything else.
    /// </summary>
    public ForwardedMessage? Recognise(ReadOnlySpan<byte> payload, bool isCanonical = false)
    {
        ReadOnlySpan<byte> rest = payload;
        if (!Skip(ref rest, "{\"t\":\"MESSAGE_CREATE\",\"s\":"u8) || !Take(ref rest, out long seq)
            || !Skip(ref rest, ",\"op\":0,\"d\":{\"type\":0,\"nonce\":\""u8) || !Take(ref rest, out long stream)
            || !Skip(ref rest, ":"u8) || !Take(ref rest, out long number)
            || !Skip(ref rest, "\",\"content\":\"#"u8) || stream >= _streams.Length)
        {
            return null;
        }
        t_rendered ??= new byte[discord.Templates.MaxLength];
        if (t_rendered.Length < discord.Templates.MaxLength)
        {
            t_rendered = new byte[discord.Templates.MaxLength];
        }
        int length = discord.Templates.Render(t_rendered, (int)stream, number, seq);
        ReadOnlySpan<byte> sent = t_rendered.AsSpan(0, length);
        if (isCanonical)
        {
            sent = (t_canonical ??= new CanonicalJson()).Rewrite(sent);
        }
        return new ForwardedMessage((int)stream, number, seq, payload.SequenceEqual(sent));
    }

    /// <summary>Enters one dispatch that found a receiver. <paramref name="nonce"/> comes without its quotes.</summary>
    public void Enter(ReadOnlySpan<byte> nonce, ForwardedMessage? message)
    {
        ReadOnlySpan<byte> rest = nonce;
        int colon = -1;
        if (!Take(ref rest, out _) || !Skip(ref rest, ":"u8) || (colon = rest.IndexOf((byte)':')) < 1)
        {
            Interlocked.Increment(ref _foreign);
            return;
        }
        rest = rest[(colon + 1)..];
        if (!Take(ref rest, out long seq) || !Skip(ref rest, ":"u8) || !Take(ref rest, out long rule) || rest.Length > 0 || rule >= MaxRules)
        {
            Interlocked.Increment(ref _foreign);
            return;
        }
        Interlocked.Increment(ref _rules[rule]);
        if (message is not { } known)
        {
            Interlocked.Increment(ref _otherEvents);
            return;
        }
        if (!known.IsUnaltered)
        {
            Interlocked.Increment(ref _altered);
        }
        if (known.Seq != seq)
        {
            Interlocked.Increment(ref _seqMismatches);
        }
        long now = Stopwatch.GetTimestamp();
        bool isFirst;
        StreamEntry entry = _streams[known.Stream];
        lock (entry.Gate)
        {
            isFirst = entry.Track((int)rule).Add(known.Number);
        }
        if ((Volatile.Read(ref _rulesWithMessages) & (1UL << (int)rule)) == 0)
        {
            Interlocked.Or(ref _rulesWithMessages, 1UL << (int)rule);
        }
        long at = Clock.ToMicroseconds(now);
        Volatile.Write(ref _lastAt, at);
        if (_firstAt == 0)
        {
            Interlocked.CompareExchange(ref _firstAt, at, 0);
        }
        if (isFirst && discord.Streams[known.Stream].MadeAt(known.Number) is var made && made != 0)
        {
            Latency.Add((long)Stopwatch.GetElapsedTime(made, now).TotalMicroseconds);
        }
    }

    /// <summary>The state of one stream, summed over the rules that have forwarded messages at all (at least one).</summary>
    public LedgerTotals Totals(int stream)
    {
        ulong rules = Volatile.Read(ref _rulesWithMessages);
        StreamEntry entry = _streams[stream];
        LedgerTotals totals = default;
        lock (entry.Gate)
        {
            long expected = entry.Stream.Produced - entry.Baseline - (entry.Stream.Excused - entry.ExcusedBaseline);
            if (rules == 0)
            {
                return new LedgerTotals(0, 0, 0, expected, 0, Undeliverable(entry, entry.Track(0)).Sum(tail => tail.Last - tail.First + 1));
            }
            for (int rule = 0; rule < MaxRules; rule++)
            {
                if ((rules & (1UL << rule)) != 0)
                {
                    LedgerTrack track = entry.Track(rule);
                    long undeliverable = Undeliverable(entry, track).Sum(tail => tail.Last - tail.First + 1);
                    totals += new LedgerTotals(
                        track.Received, track.Distinct, track.Duplicates, expected - track.Distinct, track.OutOfOrder, undeliverable);
                }
            }
        }
        return totals;
    }

    public LedgerTotals Totals()
    {
        LedgerTotals totals = default;
        for (int stream = 0; stream < _streams.Length; stream++)
        {
            totals += Totals(stream);
        }
        return totals;
    }

    /// <summary>
    /// The first missing numbers of a stream by one rule, as ranges (first, last), without those that could not be delivered: exactly the
    /// tail of each session that has ended, from behind the last message of it that has arrived, or that the client has said to
    /// have (in a heartbeat or a RESUME), to the last one made while it was alive. A gap before that is missing, whatever ended the session.
    /// </summary>
    public List<(long First, long Last)> Missing(int stream, int rule, int limit)
    {
        StreamEntry entry = _streams[stream];
        List<(long First, long Last)> ranges = [];
        lock (entry.Gate)
        {
            LedgerTrack track = entry.Track(rule);
            long produced = entry.Stream.Produced;
            List<(long First, long Last)> tails = Undeliverable(entry, track);
            for (long number = track.Baseline + 1; number <= produced && ranges.Count < limit; number++)
            {
                long first = number;
                while (number <= produced && !track.Contains(number) && !tails.Exists(tail => number >= tail.First && number <= tail.Last))
                {
                    number++;
                }
                if (number > first)
                {
                    ranges.Add((first, number - 1));
                }
            }
        }
        return ranges;
    }

    /// <summary>Starts anew: what Discord has sent until now is neither expected nor counted any more.</summary>
    public void Reset()
    {
        foreach (StreamEntry entry in _streams)
        {
            lock (entry.Gate)
            {
                entry.Reset();
            }
        }
        Array.Clear(_rules);
        _rulesWithMessages = 0;
        _firstAt = _lastAt = _foreign = _otherEvents = _altered = _seqMismatches = 0;
        Latency = new LatencyHistogram();
    }

    private static List<(long First, long Last)> Undeliverable(StreamEntry entry, LedgerTrack track)
    {
        List<(long First, long Last)> tails = [];
        foreach (EndedSession session in entry.Stream.Ended)
        {
            long known = Math.Max(session.First - 1, session.Acknowledged);
            long first = session.Last + 1;
            while (first - 1 > known && !track.Contains(first - 1))
            {
                first--;
            }
            if (first <= session.Last)
            {
                tails.Add((first, session.Last));
            }
        }
        return tails;
    }

    private static bool Skip(ref ReadOnlySpan<byte> rest, ReadOnlySpan<byte> expected)
    {
        if (!rest.StartsWith(expected))
        {
            return false;
        }
        rest = rest[expected.Length..];
        return true;
    }

    private static bool Take(ref ReadOnlySpan<byte> rest, out long number)
    {
        if (!Utf8Parser.TryParse(rest, out number, out int length) || number < 0)
        {
            return false;
        }
        rest = rest[length..];
        return true;
    }

    private sealed class StreamEntry(EventStream stream)
    {
        private LedgerTrack?[] _tracks = new LedgerTrack?[1];

        public EventStream Stream { get; } = stream;

        public Lock Gate { get; } = new();

        public long Baseline { get; private set; }

        public long ExcusedBaseline { get; private set; }

        public LedgerTrack Track(int rule)
        {
            if (rule >= _tracks.Length)
            {
                Array.Resize(ref _tracks, rule + 1);
            }
            return _tracks[rule] ??= new LedgerTrack(Baseline);
        }

        public void Reset()
        {
            Baseline = Stream.Produced;
            ExcusedBaseline = Stream.Excused;
            _tracks = new LedgerTrack?[1];
        }
    }
}
