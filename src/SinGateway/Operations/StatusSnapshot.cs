using System.Text.Json.Serialization;
using SinGateway.Discord;

namespace SinGateway.Operations;

/// <summary>
/// Everything that the endpoints tell, as it was at one moment: written by the loop, read by the HTTP server, never by both
/// (<see cref="StatusBoard"/>). Its arrays are made once and written again and again. What is no JSON is for the metrics.
/// </summary>
internal sealed class StatusSnapshot
{
    /// <summary>Lanes of a connection that are listed.</summary>
    public const int MaximumLanes = 16;

    private readonly LaneStatus[] _lanes;

    /// <param name="process">What never changes.</param>
    /// <param name="shards">Of this process.</param>
    /// <param name="connections">To 신경.</param>
    /// <param name="rules">Of the file.</param>
    public StatusSnapshot(StatusProcess process, int shards, int connections, int rules)
    {
        Process = process;
        Shards = new ShardStatus[shards];
        Connections = new BrokerStatus[connections];
        Rules = new RuleStatus[rules];
        _lanes = new LaneStatus[connections * MaximumLanes];
    }

    public StatusProcess Process { get; }

    /// <summary>The wall clock when it was taken, in ms since the epoch.</summary>
    public long TakenAt { get; set; }

    /// <summary>Since then, in ms; the reader's to set.</summary>
    public long Age { get; set; }

    /// <summary>The loop has not turned for too long, so all of this is old; the reader's to set.</summary>
    public bool Stalled { get; set; }

    /// <summary>Which it runs; 0 without clustering.</summary>
    public int Cluster { get; set; }

    /// <summary>Of the whole bot.</summary>
    public int ShardCount { get; set; }

    /// <summary>Of this process' shards.</summary>
    public int ReadyShards { get; set; }

    public StatusTotals Totals { get; set; }

    public StatusRates Rates { get; set; }

    public BudgetStatus SessionStarts { get; set; }

    public BrokerStatus[] Connections { get; }

    public RuleStatus[] Rules { get; }

    /// <summary>Null without one.</summary>
    public SpoolStatus? Spool { get; set; }

    public ShardStatus[] Shards { get; }

    /// <summary>Those that came, by name.</summary>
    public Dictionary<string, long> Events
    {
        get
        {
            Dictionary<string, long> events = [];
            for (int i = 0; i < EventCounts.Length; i++)
            {
                if (EventCounts[i] > 0)
                {
                    events[EventCatalogue.NameAt(i)] = EventCounts[i];
                }
            }

            return events;
        }
    }

    /// <summary>The newest first; the reader's to set.</summary>
    public Fault[] Faults { get; set; } = [];

    /// <summary>It is newer than what the reader has given back (<see cref="StatusBoard"/>).</summary>
    [JsonIgnore]
    public bool IsFresh { get; set; }

    /// <summary>By the index of <see cref="EventCatalogue.NameAt"/>.</summary>
    [JsonIgnore]
    public long[] EventCounts { get; } = new long[EventCatalogue.Indexes];

    /// <summary>By the index of <see cref="CloseCounts.NameAt"/>.</summary>
    [JsonIgnore]
    public long[] Closes { get; } = new long[CloseCounts.Indexes];

    [JsonIgnore]
    public CommandCounts? Commands { get; set; }

    [JsonIgnore]
    public Histogram IdentifyWait { get; } = new(Histogram.Hours);

    [JsonIgnore]
    public Histogram BarrierTime { get; } = new(Histogram.Seconds);

    [JsonIgnore]
    public Histogram EventLatency { get; } = new(Histogram.Seconds);

    [JsonIgnore]
    public Histogram SaveTime { get; } = new(Histogram.Seconds);

    /// <summary>Room for the lanes of a connection; whoever fills it names the part that is filled (<see cref="BrokerStatus.Lanes"/>).</summary>
    public Memory<LaneStatus> LaneRoom(int connection) => _lanes.AsMemory(connection * MaximumLanes, MaximumLanes);
}
