namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>
/// Every fault that the sandbox can make and that a gateway must outlive, drawn at random: one or two a second, each on one shard, some or
/// all. The same seed gives the same orders at the same times, whatever happens to them. Close codes that stop a bot for good (4004,
/// 4010-4014), and the answer 401, are left out: a gateway must not outlive them.
/// </summary>
internal sealed class FaultPlan
{
    private const int GapMinimum = 400;
    private const int GapMaximum = 1_000;

    /// <summary>
    /// A shard's session is ended again so many ms later at the earliest, or after a quarter of the plan: each IDENTIFY doubles the wait before
    /// the next one, up to minutes.
    /// </summary>
    private const int DeathsApart = 25_000;

    private static readonly int[] ResumableCodes = [1000, 1001, 1011, 1012, 4000, 4002, 4008, 4242, 4999];
    private static readonly int[] EndingCodes = [4001, 4003, 4005, 4006, 4007, 4009];
    private static readonly int[] UpgradeStatuses = [400, 403, 500, 502, 503, 520];

    /// <summary>What ends all that may still last when the plan is over.</summary>
    private static readonly string[] Lifts =
    [
        "/discord/refuse-resume?count=0", "/discord/refuse-identify?count=0", "/discord/refuse-upgrade?count=0", "/discord/garbage?count=0",
        "/discord/reconnect-before-hello?count=0", "/discord/rest?count=0", "/discord/hello-delay?ms=0", "/discord/fragment?bytes=0",
        "/discord/release", "/discord/stop-reading?on=false", "/discord/stall-acks?on=false", "/discord/deaf?on=false",
        "/singyeong/start", "/singyeong/stop-reading?on=false", "/singyeong/rate?messages=0",
    ];

    private readonly List<PlannedOrder> _orders = [];
    private readonly Random _random;
    private readonly int _shards;
    private readonly int _deathsApart;
    private readonly int[] _mayDieAt;
    private readonly (int Weight, string Name, Action Draw)[] _faults;
    private int _now;
    private string _fault = "";

    private FaultPlan(int seed, int shards, TimeSpan duration)
    {
        _random = new Random(seed);
        _shards = shards;
        _deathsApart = Math.Max(DeathsApart, (int)duration.TotalMilliseconds / 4);
        _mayDieAt = new int[shards];
        _faults =
        [
            (6, "TCP reset", () => OnShards("/discord/drop?")),
            (4, "FIN without a close frame", () => OnShards("/discord/fin?")),
            (8, "close, resumable", () => OnShards($"/discord/close?code={Pick(ResumableCodes)}&")),
            (5, "op 7", () => OnShards("/discord/op7?")),
            (4, "op 9 true", () => OnShards("/discord/op9?resumable=true&")),
            (3, "broken compression", () => OnShards("/discord/corrupt?")),
            (3, "garbage for JSON", () => OnShards("/discord/send-raw?", body: "{\"op\":")),
            (2, "unknown opcode", () => OnShards("/discord/send-raw?", body: "{\"t\":null,\"s\":null,\"op\":99,\"d\":{\"a\":[1]}}")),
            (3, "op 1, heartbeat request", () => OnShards("/discord/heartbeat-request?")),
            (4, "no heartbeat acks", () => OnShards("/discord/stall-acks?")),
            (4, "deaf", () => OnShards("/discord/deaf?", lift: "/discord/deaf?on=false&", lasts: Between(2_000, 10_000))),
            (3, "Discord stops reading", () => OnShards(
                "/discord/stop-reading?", lift: "/discord/stop-reading?on=false&", lasts: Between(1_000, 8_000))),
            (2, "messages in fragments", () => ForAWhile(
                $"/discord/fragment?bytes={Between(30, 2_000)}", "/discord/fragment?bytes=0", Between(1_000, 8_000))),

            (3, "upgrade refused", () => Reconnecting($"/discord/refuse-upgrade?status={Pick(UpgradeStatuses)}&count={Between(1, 6)}")),
            (1, "upgrade refused, 429", () => Reconnecting("/discord/refuse-upgrade?status=429&retry_after=1")),
            (3, "garbage for a handshake", () => Reconnecting($"/discord/garbage?count={Between(1, 6)}")),
            (3, "op 7 before HELLO", () => Reconnecting($"/discord/reconnect-before-hello?count={Between(1, 4)}")),
            (2, "HELLO late", () => Reconnecting(
                $"/discord/hello-delay?ms={Between(200, 2_000)}", "/discord/hello-delay?ms=0", Between(1_000, 5_000))),
            (2, "HELLO withheld", () => Reconnecting($"/discord/hold-hello?count={Between(1, 4)}", "/discord/release", Held())),
            (2, "RESUMED withheld", () => Reconnecting($"/discord/hold-resumed?count={Between(1, 4)}", "/discord/release", Held())),
            (2, "REST fails", () => Reconnecting(
                $"/discord/rest?status={Pick([429, 500, 502, 503])}&retry_after=0.5&html={Flip()}&count={Between(1, 4)}")),

            (2, "op 9 false", () => Death(shard => [$"/discord/op9?resumable=false&shard={shard}"])),
            (3, "close, session over", () => Death(shard => [$"/discord/close?code={Pick(EndingCodes)}&shard={shard}"])),
            (2, "RESUME refused", () => Death(shard =>
                [$"/discord/refuse-resume?code={Pick([0, .. EndingCodes])}&shard={shard}", $"/discord/drop?shard={shard}"])),
            (1, "session forgotten", () => Death(shard => [$"/discord/kill-session?shard={shard}", $"/discord/drop?shard={shard}"])),
            (1, "session expired", () => Death(shard => [$"/discord/expire-session?shard={shard}", $"/discord/drop?shard={shard}"])),
            (1, "IDENTIFY refused", () => Death(shard => [$"/discord/refuse-identify?shard={shard}", $"/discord/op9?resumable=false&shard={shard}"])),
            (1, "READY withheld", () => Death(
                shard => [$"/discord/hold-ready?shard={shard}", $"/discord/op9?resumable=false&shard={shard}"], "/discord/release", Between(5_000, 15_000))),

            (3, "신경: TCP reset", () => Order("/singyeong/drop?application=gateway")),
            (2, "신경: goodbye", () => Order("/singyeong/goodbye?application=gateway")),
            (2, "신경: close", () => Order($"/singyeong/close?application=gateway&code={Pick([1000, 1001, 1006, 1011])}")),
            (2, "신경: away", () => ForAWhile("/singyeong/stop", "/singyeong/start", Between(100, 3_000))),
            (2, "신경: stops reading", () => ForAWhile(
                "/singyeong/stop-reading?application=gateway", "/singyeong/stop-reading?on=false", Between(300, 3_000))),
            (2, "신경: slow", () => ForAWhile($"/singyeong/rate?messages={Between(200, 2_000)}", "/singyeong/rate?messages=0", Between(1_000, 5_000))),
        ];
    }

    /// <summary>The orders in the order of their times; the last ones lift whatever lasts.</summary>
    public static PlannedOrder[] Draw(int seed, int shards, TimeSpan duration) =>
        [.. new FaultPlan(seed, shards, duration).Orders(duration)];

    /// <summary>The names of all faults.</summary>
    public static string[] Names { get; } = [.. new FaultPlan(0, 1, TimeSpan.Zero)._faults.Select(fault => fault.Name)];

    private IEnumerable<PlannedOrder> Orders(TimeSpan duration)
    {
        int weights = _faults.Sum(fault => fault.Weight);
        for (_now = Between(GapMinimum, GapMaximum); _now < duration.TotalMilliseconds; _now += Between(GapMinimum, GapMaximum))
        {
            int at = _random.Next(weights);
            (_, _fault, Action draw) = _faults.First(fault => (at -= fault.Weight) < 0);
            draw();
        }
        _fault = "";
        Array.ForEach(Lifts, lift => Add((int)duration.TotalMilliseconds, lift, lifts: true));
        return _orders.Where(order => order.At <= duration).OrderBy(order => order.At);
    }

    private int Between(int minimum, int maximum) => _random.Next(minimum, maximum);

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];

    private string Flip() => _random.Next(2) == 0 ? "true" : "false";

    /// <summary>
    /// How long something is withheld, in ms: mostly shorter than the gateway's patience, now and then longer (HELLO 30 s, RESUMED 60 s).
    /// </summary>
    private int Held() => _random.Next(8) == 0 ? Between(35_000, 65_000) : Between(500, 6_000);

    /// <summary>One shard mostly, sometimes a few, seldom all.</summary>
    private string[] Shards() => _random.Next(20) switch
    {
        0 => ["all"],
        < 4 => [.. Enumerable.Range(0, Between(2, 5)).Select(_ => Shard()).Distinct()],
        _ => [Shard()],
    };

    private string Shard() => _random.Next(_shards).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private void OnShards(string order, string body = "", string? lift = null, int lasts = 0)
    {
        foreach (string shard in Shards())
        {
            Add(_now, $"{order}shard={shard}", body);
            if (lift is not null)
            {
                Add(_now + lasts, $"{lift}shard={shard}", lifts: true);
            }
        }
    }

    private void Order(string order) => Add(_now, order);

    private void ForAWhile(string order, string lift, int lasts)
    {
        Add(_now, order);
        Add(_now + lasts, lift, lifts: true);
    }

    /// <summary>Something that only a new connection meets: so some shards get one.</summary>
    private void Reconnecting(string order, string? lift = null, int lasts = 0)
    {
        Add(_now, order);
        foreach (string shard in Shards())
        {
            Add(_now, $"/discord/drop?shard={shard}");
        }
        if (lift is not null)
        {
            Add(_now + lasts, lift, lifts: true);
        }
    }

    /// <summary>Ends the session of one shard, the next one whose turn it can be.</summary>
    private void Death(Func<int, string[]> orders, string? lift = null, int lasts = 0)
    {
        int first = _random.Next(_shards);
        int shard = Enumerable.Range(first, _shards).Select(shard => shard % _shards).FirstOrDefault(shard => _mayDieAt[shard] <= _now, -1);
        string[] given = orders(Math.Max(shard, 0));
        if (shard < 0)
        {
            return;
        }
        _mayDieAt[shard] = _now + _deathsApart;
        Array.ForEach(given, order => Add(_now, order));
        if (lift is not null)
        {
            Add(_now + lasts, lift, lifts: true);
        }
    }

    private void Add(int at, string order, string body = "", bool lifts = false) =>
        _orders.Add(new PlannedOrder(TimeSpan.FromMilliseconds(at), _fault, order, body, lifts));
}
