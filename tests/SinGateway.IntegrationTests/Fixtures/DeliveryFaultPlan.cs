namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>
/// What can happen between an event's arrival and its receipt by a worker, drawn at random: the gateway is killed, 신경 cuts or is away, workers
/// vanish, Discord drops sockets. About one fault in three seconds. The same seed gives the same orders at the same times.
/// </summary>
internal sealed class DeliveryFaultPlan
{
    /// <summary>In place of an order to the sandbox: the gateway is killed with SIGKILL.</summary>
    public const string Kill = "kill";

    /// <summary>In place of an order to the sandbox: the gateway is started again.</summary>
    public const string Restart = "restart";

    public const string GatewayKilled = "gateway: kill -9";
    public const string WorkersVanish = "workers vanish";

    private const int GapMinimum = 2_000;
    private const int GapMaximum = 4_000;

    /// <summary>
    /// Between two absences of 신경, of all workers or of the gateway, in ms: what waited is delivered and stored meanwhile, so that the lag
    /// stays below what heartbeats wait for (G5).
    /// </summary>
    private const int AbsencesApart = 5_000;

    private static readonly int[] CloseCodes = [1000, 1001, 1006, 1011];

    private readonly List<PlannedOrder> _orders = [];
    private readonly Random _random;
    private readonly int _shards;
    private readonly (int Weight, string Name, Action Draw)[] _faults;
    private int _now;
    private int _presentAt;
    private string _fault = "";

    /// <param name="seed">Of everything drawn.</param>
    /// <param name="shards">Whose sockets can be dropped.</param>
    /// <param name="workersVanish">Else they are always there.</param>
    /// <param name="longestAbsence">Of 신경, in ms.</param>
    private DeliveryFaultPlan(int seed, int shards, bool workersVanish, int longestAbsence)
    {
        _random = new Random(seed);
        _shards = shards;
        _faults =
        [
            (5, GatewayKilled, () =>
            {
                Add(_now, Kill);
                Add(_now + Between(0, 1_500), Restart, lifts: true);
            }),
            (4, "신경: TCP reset", () => Add(_now, "/singyeong/drop?application=gateway")),
            (2, "신경: goodbye", () => Add(_now, "/singyeong/goodbye?application=gateway")),
            (2, "신경: close", () => Add(_now, $"/singyeong/close?application=gateway&code={CloseCodes[_random.Next(CloseCodes.Length)]}")),
            (3, "신경: away", () => Absence("/singyeong/stop", "/singyeong/start", Between(1_000, longestAbsence))),
            (workersVanish ? 5 : 0, WorkersVanish, () => Absence("/singyeong/sink?on=false", "/singyeong/sink?on=true", Between(500, 8_000))),
            (3, "Discord: TCP reset of a shard", () => Add(_now, $"/discord/drop?shard={_random.Next(_shards)}")),
            (2, "Discord: TCP reset of all", () => Add(_now, "/discord/drop?shard=all")),
            (2, "Discord: op 7", () => Add(_now, $"/discord/op7?shard={_random.Next(_shards)}")),
        ];
    }

    /// <summary>The orders in the order of their times; the last ones lift whatever lasts.</summary>
    public static PlannedOrder[] Draw(int seed, int shards, TimeSpan duration, bool workersVanish, TimeSpan longestAbsence) =>
        [.. new DeliveryFaultPlan(seed, shards, workersVanish, (int)longestAbsence.TotalMilliseconds).Orders((int)duration.TotalMilliseconds)];

    private IEnumerable<PlannedOrder> Orders(int duration)
    {
        int weights = _faults.Sum(fault => fault.Weight);
        for (_now = Between(GapMinimum, GapMaximum); _now < duration; _now += Between(GapMinimum, GapMaximum))
        {
            int at = _random.Next(weights);
            (_, _fault, Action draw) = _faults.First(fault => (at -= fault.Weight) < 0);
            draw();
        }
        _fault = "";
        foreach (string lift in (string[])[Restart, "/singyeong/start", "/singyeong/sink?on=true"])
        {
            Add(duration, lift, lifts: true);
        }
        return _orders.Where(order => order.At.TotalMilliseconds <= duration).OrderBy(order => order.At);
    }

    /// <summary>When the last one is too near, the fault is a cut instead.</summary>
    private void Absence(string order, string lift, int lasts)
    {
        if (_now < _presentAt)
        {
            _fault = "신경: TCP reset";
            Add(_now, "/singyeong/drop?application=gateway");
            return;
        }
        Add(_now, order);
        Add(_now + lasts, lift, lifts: true);
        _presentAt = _now + lasts + AbsencesApart;
    }

    private int Between(int minimum, int maximum) => _random.Next(minimum, maximum);

    private void Add(int at, string order, bool lifts = false) =>
        _orders.Add(new PlannedOrder(TimeSpan.FromMilliseconds(at), _fault, order, Lifts: lifts));
}
