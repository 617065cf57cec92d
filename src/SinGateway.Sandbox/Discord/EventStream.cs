namespace SinGateway.Sandbox.Discord;

/// <summary>What a session that has ended got of a stream.</summary>
/// <param name="First">The first message made while it was alive.</param>
/// <param name="Last">The last one.</param>
/// <param name="Acknowledged">The last one that the client has said to have; 0 for none.</param>
internal readonly record struct EndedSession(long First, long Last, long Acknowledged);

/// <summary>
/// The numbered messages of one stream (see <see cref="GuildCatalogue"/>): 1, 2, 3, … over the whole life of the process, whatever happens
/// to sessions. A message is made only while a session is there to get it, so each number can be asked for at the other end.
/// </summary>
internal sealed class EventStream(int index, GuildCatalogue guilds)
{
    // Of so many messages the time of making is known, for the latency that the ledger measures.
    private const int Timed = 8192;

    private readonly long[] _madeAt = new long[Timed];
    private readonly Dictionary<DiscordSession, long> _firstOf = [];
    private volatile DiscordSession[] _sessions = [];
    private volatile EndedSession[] _ended = [];
    private long _produced;

    public int Index { get; } = index;

    public Lock Gate { get; } = new();

    public long Produced => Volatile.Read(ref _produced);

    /// <summary>How many numbers no session was entitled to: only when sessions of another shard count cover the stream in part.</summary>
    public long Excused { get; private set; }

    /// <summary>The sessions that got messages of this stream and can no longer be resumed.</summary>
    public EndedSession[] Ended => _ended;

    public bool HasSession => _sessions.Length > 0;

    public void Subscribe(DiscordSession session)
    {
        lock (Gate)
        {
            _sessions = [.. _sessions, session];
            _firstOf[session] = _produced + 1;
        }
    }

    public void Unsubscribe(DiscordSession session)
    {
        lock (Gate)
        {
            _sessions = [.. _sessions.Where(other => other != session)];
            if (_firstOf.Remove(session, out long first))
            {
                _ended = [.. _ended, new EndedSession(first, _produced, session.Acknowledged(Index))];
            }
        }
    }

    /// <summary>
    /// Makes up to <paramref name="count"/> messages and hands them to the sessions. Returns how many; 0 without a session.
    /// </summary>
    public int Produce(int count)
    {
        lock (Gate)
        {
            DiscordSession[] sessions = _sessions;
            if (sessions.Length == 0)
            {
                return 0;
            }
            for (int i = 0; i < count; i++)
            {
                long number = _produced + 1;
                _madeAt[number % Timed] = System.Diagnostics.Stopwatch.GetTimestamp();
                Volatile.Write(ref _produced, number);
                bool taken = false;
                foreach (DiscordSession session in sessions)
                {
                    if (session.ShardCount == guilds.Streams || session.Sees(Index, guilds.GuildOf(number)))
                    {
                        session.Dispatch(new ReplayEntry(EventKind.Message, Index, number));
                        taken = true;
                    }
                }
                Excused += taken ? 0 : 1;
            }
            foreach (DiscordSession session in sessions)
            {
                session.Flush();
            }
            return count;
        }
    }

    /// <summary>The timestamp of making message <paramref name="number"/>; 0 when it is too long ago.</summary>
    public long MadeAt(long number) => number <= Produced - Timed + 1 ? 0 : Volatile.Read(ref _madeAt[number % Timed]);
}
