using System.Net;
using System.Text;
using SinGateway.Forwarding;
using SinGateway.Loop;
using SinGateway.Sessions;
using SinGateway.Singyeong;
using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Spooling;
using SinGateway.WebSockets;

namespace SinGateway.Tests.SpoolFeeding;

/// <summary>What a forwarder makes of records of the spool: rules are looked up when they are read.</summary>
public sealed class ForwarderSpoolTests : IDisposable
{
    private const long Limit = 1 << 20;

    private readonly TemporaryDirectory _directory = new();
    private readonly RecordingLogger _logger = new();
    private readonly SpoolUnderTest _spool;
    private readonly SingyeongClient _client;
    private readonly Forwarder _forwarder;
    private readonly Session _session = new(3, "abc", null, -1);

    public ForwarderSpoolTests()
    {
        _spool = new SpoolUnderTest(new SpoolOptions { Directory = _directory.File("") }, start: false);
        EventLoop loop = _spool.Loop;
        SpoolFeed feed = new(loop, _spool.Spool, commits: true, _logger);
        MaskingKeys keys = new();
        SingyeongIdentity identity = new(
            new Uri("ws://127.0.0.1:1/"), "gateway", SingyeongMessages.Heartbeat("gateway"), SingyeongMessages.Identify("gateway", "app", null, 0, new[] { 3 }, 4), SingyeongEncoding.Json);
        UnroutedPolicy policy = new(Holds: true, 60_000, "worker", CostsConnection: false);
        Delivery delivery = new(Limit, [policy, policy], () => loop.Now, _logger);
        _client = new SingyeongClient(loop, new Dialer(loop, _ => Task.FromResult<IPAddress[]>([]), null), keys, identity, delivery, new Random(1), _logger);
        RouteTable routes = new([Rule(0, "X", "Y"), Rule(1, "X")], cluster: 0, shardCount: 4);
        _forwarder = new Forwarder(loop, routes, _client, keys, _logger, feed);
        feed.Add(_forwarder, [3]);
        feed.Start();
        _spool.Thread.RunAll();
    }

    public void Dispose()
    {
        _client.Dispose();
        _spool.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task A_record_goes_to_every_rule_that_takes_its_name_under_the_nonce_of_its_event()
    {
        int copies = _forwarder.Forward(Record("X"));

        await Assert.That(copies).IsEqualTo(2);
        string frames = Frames();
        await Assert.That(frames).Contains("\"nonce\":\"3:ba7816bf:7:0\"").And.Contains("\"nonce\":\"3:ba7816bf:7:1\"");
        await Assert.That(frames).Contains(Event("X"));
    }

    [Test]
    public async Task A_record_of_one_rule_goes_to_that_rule_alone()
    {
        await Assert.That(_forwarder.Forward(Record("X", rule: 1))).IsEqualTo(1);
        await Assert.That(Frames()).Contains("\"nonce\":\"3:ba7816bf:7:1\"").And.DoesNotContain(":7:0\"");
    }

    [Test]
    [Arguments("Y", 1)]
    [Arguments("X", 5)]
    [Arguments("Z", 0)]
    public async Task A_record_of_a_rule_that_takes_it_no_more_is_dropped_counted_and_said_once(string name, int rule)
    {
        await Assert.That(_forwarder.Forward(Record(name, rule)) + _forwarder.Forward(Record(name, rule))).IsEqualTo(0);

        await Assert.That(_forwarder.Outdated).IsEqualTo(2);
        await Assert.That(_logger.Entries.Count(entry => entry.Contains($"rule {rule}, which does not take it any more", StringComparison.Ordinal))).IsEqualTo(1);
    }

    [Test]
    public async Task A_record_that_no_rule_takes_is_dropped_in_silence()
    {
        await Assert.That(_forwarder.Forward(Record("Z"))).IsEqualTo(0);
        await Assert.That(_forwarder.Outdated).IsEqualTo(0);
    }

    [Test]
    public async Task An_event_above_half_of_the_outbox_is_kept_as_poison_and_settled()
    {
        byte[] message = Encoding.UTF8.GetBytes(Event("Y", padding: (int)Limit / 2));
        _forwarder.Receive(_session, "Y"u8, 7, message);
        _spool.Thread.RunAll();

        string[] kept = Directory.GetFiles(Path.Combine(_spool.Path, "poison"));
        await Assert.That(kept).HasSingleItem();
        await Assert.That(File.ReadAllText(kept[0])).EndsWith('\n' + Encoding.UTF8.GetString(message));
        await Assert.That((_forwarder.Oversized, _session.Committed)).IsEqualTo((1L, 7L));
    }

    [Test]
    public async Task A_full_outbox_sends_events_to_the_spool_and_their_session_waits_for_the_disk()
    {
        long seq = 0;
        while (!_client.Delivery.IsFull)
        {
            _forwarder.Receive(_session, "Y"u8, ++seq, Encoding.UTF8.GetBytes(Event("Y", padding: 100_000)));
        }

        Session other = new(3, "another", null, -1);
        _forwarder.Receive(other, "Y"u8, 1, Encoding.UTF8.GetBytes(Event("Y")));
        await Assert.That(_spool.Spool.Unread).IsEqualTo(1);
        await Assert.That(other.Committed).IsLessThan(1);

        _spool.Thread.RunAll();
        await Assert.That(other.Committed).IsEqualTo(1);
    }

    private static ForwardingRule Rule(int index, params string[] events)
    {
        TargetTemplateBuilder target = new();
        target.AddJson("""{"application":"worker"}""");
        return new ForwardingRule(index, DispatchKind.Send, target.Build(hasOps: false, "worker"), events, true, TimeSpan.FromMinutes(1));
    }

    private static string Event(string name, int padding = 1) => $$"""{"t":"{{name}}","s":7,"op":0,"d":"{{new string('x', padding)}}"}""";

    private SpoolRecord Record(string name, int rule = SpoolFeed.EveryRule) => new()
    {
        Number = 1,
        ShardId = 3,
        SessionTag = _session.Tag,
        Seq = 7,
        RuleIndex = rule,
        ReceivedAt = _spool.Loop.UnixNow,
        Payload = Encoding.UTF8.GetBytes(Event(name)),
    };

    /// <summary>The packets in the outbox, one behind the other.</summary>
    private unsafe string Frames()
    {
        StringBuilder frames = new();
        Outbox outbox = _client.Delivery.Outbox;
        outbox.VisitFrom(0, note => frames.Append(Encoding.UTF8.GetString(FrameWriter.Unmasked(outbox.BytesOf(note)))));
        return frames.ToString();
    }
}
