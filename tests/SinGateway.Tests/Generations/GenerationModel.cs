using SinGateway.Generations;

namespace SinGateway.Tests.Generations;

/// <summary>
/// A change from 4 shards in two processes to 8 in two, in steps of 100 ms, with one event of each of eight guilds a step. Redis is as
/// <see cref="RedisGenerations"/> makes it. Until <see cref="Calm"/>, shards lose their connections for seconds (Discord keeps what they
/// miss), Redis is away for some or all, and new processes are killed and come back.
/// </summary>
internal sealed class GenerationModel
{
    public const int Step = 100;

    private const int Guilds = 8;
    private const int Old = 4;
    private const int New = 8;
    private const int Processes = 2;

    private readonly Random _random;
    private readonly Member[] _members;
    private readonly List<bool[]> _forwarded = [];
    private readonly HashSet<int> _unmuting = [];
    private readonly long[] _readyAt = [long.MinValue / 2, long.MinValue / 2];
    private int _active = Old;
    private long _now;

    public GenerationModel(int seed)
    {
        _random = new Random(seed);
        _members = [.. Enumerable.Range(0, Processes).SelectMany(index => (Member[])[new(Old, index), new(New, index)])];
        foreach (Member member in _members)
        {
            Begin(member);
        }
    }

    /// <summary>Faults are over.</summary>
    public bool Calm { get; set; }

    public bool HasChangedOver => Of(Old).All(member => member.Life.Phase == GenerationPhase.Retired) && Of(New).All(member => member is { IsAlive: true, Forwards: true });

    /// <summary>Events that nobody has forwarded: by their step and guild.</summary>
    public IEnumerable<(int Step, int Guild)> Lost =>
        _forwarded.SelectMany((guilds, step) => Enumerable.Range(0, Guilds).Where(guild => !guilds[guild]).Select(guild => (step, guild)));

    public string State => string.Join(", ", _members.Select(member => $"{member.Count}:{member.Index} {member.Life.Phase}")) + $", active {_active}, unmuting {_unmuting.Count}";

    public void Advance()
    {
        _now += Step;
        foreach (Member member in _members)
        {
            Disturb(member);
        }

        int step = _forwarded.Count;
        _forwarded.Add(new bool[Guilds]);
        foreach (Member member in _members)
        {
            for (int guild = 0; guild < Guilds; guild++)
            {
                if (guild % member.Count / (member.Count / Processes) == member.Index)
                {
                    member.Waiting.Enqueue((step, guild));
                }
            }

            Receive(member);
            if (member.IsAlive && _now >= member.ReportsAt)
            {
                member.ReportsAt = _now + 1_000 + (_random.Next(4) == 0 ? _random.Next(500) : 0);
                Report(member);
            }
        }
    }

    private IEnumerable<Member> Of(int count) => _members.Where(member => member.Count == count);

    private void Disturb(Member member)
    {
        if (Calm)
        {
            (member.AwayUntil, member.RedisUntil) = (Math.Min(member.AwayUntil, _now), Math.Min(member.RedisUntil, _now));
        }
        else if (_random.Next(150) == 0)
        {
            member.AwayUntil = _now + _random.Next(10_000);
        }
        else if (_random.Next(150) == 0)
        {
            foreach (Member one in _random.Next(3) == 0 ? _members : [member])
            {
                one.RedisUntil = _now + _random.Next(15_000);
            }
        }
        else if (member is { Count: New, IsAlive: true } && _random.Next(200) == 0)
        {
            member.DeadUntil = _now + 5_000 + _random.Next(15_000);
            member.IsAlive = false;
        }

        if (!member.IsAlive && _now >= (Calm ? Math.Min(member.DeadUntil, _now) : member.DeadUntil) && _now >= member.RedisUntil)
        {
            Begin(member);
        }
    }

    private void Begin(Member member)
    {
        member.IsAlive = true;
        member.Life = new GenerationLife(isMuted: _active != member.Count);
        member.Forwards = !IsMuted(member);
        member.WasReady = false;
        member.ReportsAt = _now + _random.Next(1_000);
    }

    private void Receive(Member member)
    {
        if (!member.IsAlive || _now < member.AwayUntil || member.Life.Phase == GenerationPhase.Retired)
        {
            return;
        }

        while (member.Waiting.TryDequeue(out (int Step, int Guild) happened))
        {
            _forwarded[happened.Step][happened.Guild] |= member.Forwards;
        }
    }

    private void Report(Member member)
    {
        bool isReady = _now >= member.AwayUntil;
        member.WasReady |= isReady;
        if (_now < member.RedisUntil)
        {
            member.Life.Wait(isReady, _now);
            return;
        }

        if (member.Forwards && member.Life.Phase == GenerationPhase.Forwarding && _active == member.Count)
        {
            // One that begins anew is relied on only when it has caught up.
            if (member.WasReady)
            {
                _unmuting.Remove(member.Index);
            }
        }
        else if (IsMuted(member))
        {
            _readyAt[member.Index] = isReady ? _now : long.MinValue / 2;
            if (isReady && _active != member.Count && _readyAt.All(at => _now - at < 4_000))
            {
                _active = member.Count;
                _unmuting.UnionWith(Enumerable.Range(0, Processes));
            }
        }

        member.Life.See(_active, member.Count, _unmuting.Count, isReady, _now);
        member.Forwards |= member.Life.Phase == GenerationPhase.Forwarding;
    }

    private static bool IsMuted(Member member) => member.Life.Phase == GenerationPhase.Muted;

    private sealed class Member(int count, int index)
    {
        public int Count { get; } = count;

        public int Index { get; } = index;

        public GenerationLife Life { get; set; } = new(isMuted: true);

        public bool IsAlive { get; set; }

        public bool Forwards { get; set; }

        /// <summary>Since it began.</summary>
        public bool WasReady { get; set; }

        public long AwayUntil { get; set; }

        public long RedisUntil { get; set; }

        public long DeadUntil { get; set; }

        public long ReportsAt { get; set; }

        /// <summary>Events that Discord keeps for it.</summary>
        public Queue<(int Step, int Guild)> Waiting { get; } = new();
    }
}
