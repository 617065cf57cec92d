using System.Text;
using SinGateway.Discord;

namespace SinGateway.Forwarding;

/// <summary>
/// The rules, compiled for lookup by event name. Names in the file get their route at the start; others, when a rule takes <c>*</c>, at
/// their first event. Discord decides on those names, so only so many of them are kept. Not thread-safe: each loop has its own.
/// </summary>
internal sealed class RouteTable
{
    public const string AllEvents = "*";

    /// <summary>Names that are not in the file and are kept; the documented ones are 79.</summary>
    public const int MaxLearnedNames = 1024;

    /// <summary>In bytes; the longest documented name has 38.</summary>
    public const int MaxLearnedNameLength = 128;

    private readonly Dictionary<byte[], Route> _routes = new(EventNameComparer.Instance);
    private readonly Dictionary<byte[], Route>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly IReadOnlyList<ForwardingRule> _rules;
    private readonly int _cluster;
    private readonly int _shardCount;
    private readonly bool _takesAll;
    private readonly int _capacity;
    private readonly long[] _taken = new long[EventCatalogue.Indexes];

    /// <summary>
    /// <paramref name="rules"/> are in the file's order. <paramref name="cluster"/> is 0 without clustering, <paramref name="shardCount"/> is
    /// of the whole bot.
    /// </summary>
    public RouteTable(IReadOnlyList<ForwardingRule> rules, int cluster, int shardCount)
    {
        _rules = rules;
        _cluster = cluster;
        _shardCount = shardCount;
        _lookup = _routes.GetAlternateLookup<ReadOnlySpan<byte>>();
        _takesAll = rules.Any(rule => rule.Events.Contains(AllEvents));
        foreach (string name in rules.SelectMany(rule => rule.Events).Where(name => name != AllEvents).Distinct())
        {
            byte[] key = Encoding.UTF8.GetBytes(name);
            _routes.Add(key, Compile(name, key));
        }

        // Names that no rule takes are counted all the same.
        foreach (string name in _takesAll ? [] : EventCatalogue.Names)
        {
            _routes.TryAdd(Encoding.UTF8.GetBytes(name), new Route([], EventFields.None, EventCatalogue.IndexOf(name)));
        }

        _capacity = _routes.Count + MaxLearnedNames;
    }

    public int Rules => _rules.Count;

    /// <summary>How often events were looked for by <see cref="Take"/>, by their place in <see cref="EventCatalogue"/>.</summary>
    public ReadOnlySpan<long> Taken => _taken;

    /// <summary>Counts on from <paramref name="former"/>, which this table replaces.</summary>
    public void Continue(RouteTable former) => former._taken.CopyTo(_taken.AsSpan());

    /// <summary>As <see cref="Find"/>, for an event that came: counts it too.</summary>
    public Route? Take(ReadOnlySpan<byte> eventName)
    {
        Route? route = Look(eventName);
        _taken[route?.Name ?? _taken.Length - 1]++;
        return route is { Copies.IsEmpty: false } ? route : null;
    }

    /// <summary>
    /// The route of an event, or null when no rule matches. <paramref name="eventName"/> is UTF-8, and only read during the call.
    /// Does not allocate for a name that is kept.
    /// </summary>
    public Route? Find(ReadOnlySpan<byte> eventName) => Look(eventName) is { Copies.IsEmpty: false } route ? route : null;

    private Route? Look(ReadOnlySpan<byte> eventName)
    {
        if (_lookup.TryGetValue(eventName, out Route? route) || !_takesAll)
        {
            return route;
        }

        route = Compile(Encoding.UTF8.GetString(eventName), eventName);
        if (_routes.Count < _capacity && eventName.Length <= MaxLearnedNameLength)
        {
            _lookup[eventName] = route;
        }

        return route;
    }

    private Route Compile(string name, ReadOnlySpan<byte> eventName)
    {
        List<RouteCopy> copies = [];
        foreach (ForwardingRule rule in _rules)
        {
            if (rule.Events.Contains(AllEvents) || rule.Events.Contains(name))
            {
                copies.Add(new RouteCopy(rule, eventName, _cluster, _shardCount));
            }
        }

        EventFields fields = copies.Aggregate(EventFields.None, (all, copy) => all | copy.Fields);
        return new Route([.. copies], fields == EventFields.None ? fields : fields | SubjectOf(name), EventCatalogue.IndexOf(name));
    }

    /// <summary>What events of this name are about, whose id is then <c>d.id</c>.</summary>
    public static EventFields SubjectOf(string name) => name switch
    {
        "GUILD_CREATE" or "GUILD_UPDATE" or "GUILD_DELETE" => EventFields.IsGuild,
        _ when name.StartsWith("CHANNEL_", StringComparison.Ordinal) || name.StartsWith("THREAD_", StringComparison.Ordinal) => EventFields.IsChannel,
        _ => EventFields.None,
    };

    /// <summary>Event names by their bytes, so that a lookup needs no string.</summary>
    private sealed class EventNameComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly EventNameComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        // Collisions by chance are rare; who could make them on purpose is Discord, and only so many names are kept.
        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)TargetHash.Of(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
