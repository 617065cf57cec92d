using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Tests.WebSockets;

namespace SinGateway.Tests.Discord;

/// <summary>What a shard on a real loop sends to a gateway that a test plays.</summary>
public sealed class ShardSendingTests
{
    private const string Resumed = """{"t":"RESUMED","s":2,"op":0,"d":{}}""";

    [Test]
    public async Task A_flood_of_opcode_1_is_answered_as_far_as_the_limit_allows_and_the_connection_lives()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server, time);
        using WebSocket peer = await ReadyAsync(server, bot);
        for (int i = 0; i < 1_000; i++)
        {
            await peer.SendTextAsync("""{"op":1,"d":null}""");
        }

        await peer.SendTextAsync(ShardTests.Event(2));
        await bot.Running.UntilAsync(() => bot.Received.Count == 2);
        await peer.SendTextAsync("""{"op":11}""");
        await bot.Running.UntilAsync(() => bot.Shard.LastHeartbeatAck > 0);
        await bot.Running.AdvanceAsync(41_250);

        // The command is the last thing that is sent, a window later: what came before it are the answers and the scheduled heartbeats.
        await bot.Running.RunAsync(() => bot.Shard.Send(Command(GatewayOpcode.VoiceStateUpdate, "{}")));
        int heartbeats = await CountHeartbeatsAsync(peer, bot);

        await Assert.That(heartbeats).IsBetween(100, SendLimiter.Limit - 1).Because("IDENTIFY counts as well");
        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.Ready);
    }

    [Test]
    public async Task A_scheduled_heartbeat_is_sent_in_the_middle_of_a_flood_of_opcode_1()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server, time);
        using WebSocket peer = await ReadyAsync(server, bot);
        for (int i = 0; i < 1_000; i++)
        {
            await peer.SendTextAsync("""{"op":1,"d":null}""");
        }

        await peer.SendTextAsync("""{"op":11}""");
        await bot.Running.UntilAsync(() => bot.Shard.LastHeartbeatAck > 0);
        long flooded = bot.Shard.LastHeartbeat;
        await bot.Running.AdvanceAsync(41_250);

        await Assert.That(bot.Shard.LastHeartbeat).IsEqualTo(flooded + 41_250);
    }

    [Test]
    public async Task A_command_of_a_ready_shard_is_sent_at_once()
    {
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server);
        using WebSocket peer = await ReadyAsync(server, bot);
        List<CommandResult> results = [];

        await bot.Running.RunAsync(() => bot.Shard.Send(Command(GatewayOpcode.VoiceStateUpdate, """{"guild_id":"1"}""", results.Add)));

        await Assert.That(await peer.ReceiveTextAsync()).IsEqualTo("""{"op":4,"d":{"guild_id":"1"}}""");
        await Assert.That(results.Single()).IsEqualTo(CommandResult.Sent);
    }

    [Test]
    public async Task A_command_that_is_too_large_is_refused_and_the_connection_lives()
    {
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server);
        using WebSocket peer = await ReadyAsync(server, bot);
        List<CommandResult> results = [];

        await bot.Running.RunAsync(() =>
        {
            bot.Shard.Send(Command(GatewayOpcode.VoiceStateUpdate, $$"""{"x":"{{new string('x', 5_000)}}"}""", results.Add));
            bot.Shard.Send(Command(GatewayOpcode.VoiceStateUpdate, "{}"));
        });

        await Assert.That(await peer.ReceiveTextAsync()).IsEqualTo("""{"op":4,"d":{}}""");
        await Assert.That(results.Single()).IsEqualTo(CommandResult.TooLarge);
    }

    [Test]
    public async Task Commands_wait_in_order_while_the_shard_resumes()
    {
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server);
        using (WebSocket first = await ReadyAsync(server, bot))
        {
            await first.SendTextAsync("""{"op":7}""");
            await Assert.That(await ShardTests.ReceiveAsync(first)).IsEqualTo("closed 4000");
        }

        await bot.Running.RunAsync(() =>
        {
            bot.Shard.Send(Command(GatewayOpcode.VoiceStateUpdate, """{"a":1}"""));
            bot.Shard.Send(Command(GatewayOpcode.RequestChannelInfo, """{"b":2}"""));
        });
        using WebSocket second = await server.AcceptAsync();
        await second.SendTextAsync(ShardTests.Hello);
        await Assert.That(await ShardTests.ReceiveAsync(second)).IsEqualTo("6 abc 1");
        await second.SendTextAsync(Resumed);

        await Assert.That(await second.ReceiveTextAsync()).IsEqualTo("""{"op":4,"d":{"a":1}}""");
        await Assert.That(await second.ReceiveTextAsync()).IsEqualTo("""{"op":43,"d":{"b":2}}""");
    }

    [Test]
    public async Task A_command_that_no_connection_comes_for_expires()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server, time, remaining: 0);
        List<CommandResult> results = [];
        await bot.Running.RunAsync(() => bot.Shard.Send(Command(GatewayOpcode.VoiceStateUpdate, "{}", results.Add)));

        await bot.Running.AdvanceAsync(CommandQueue.Lifetime - 1);
        await Assert.That(results).IsEmpty();
        await bot.Running.AdvanceAsync(1);

        await Assert.That(results.Single()).IsEqualTo(CommandResult.Expired);
    }

    [Test]
    public async Task A_stopped_shard_answers_what_waits_and_what_comes()
    {
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server, remaining: 0);
        List<CommandResult> results = [];
        GatewayCommand command = Command(GatewayOpcode.VoiceStateUpdate, "{}", results.Add);

        await bot.Running.RunAsync(() =>
        {
            bot.Shard.Send(command);
            bot.Shard.Stop();
            bot.Shard.Send(command);
        });

        await Assert.That(string.Join(' ', results)).IsEqualTo("Expired Expired");
    }

    [Test]
    public async Task More_commands_than_the_limit_allows_follow_when_it_does_and_heartbeats_overtake_them()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server, time);
        using WebSocket peer = await ReadyAsync(server, bot);
        List<CommandResult> results = [];
        await bot.Running.RunAsync(() =>
        {
            for (int i = 0; i < 150; i++)
            {
                bot.Shard.Send(Command(GatewayOpcode.VoiceStateUpdate, $$"""{"i":{{i}}}""", results.Add));
            }
        });
        int first = results.Count;
        await Assert.That(first).IsBetween(100, 119);
        await bot.Running.AdvanceAsync(41_250);
        await bot.Running.AdvanceAsync(SendLimiter.Window - 41_250);

        List<string> received = [];
        for (int i = 0; i < 151; i++)
        {
            received.Add(await peer.ReceiveTextAsync());
        }

        await Assert.That(received[first]).IsEqualTo("""{"op":1,"d":1}""");
        received.RemoveAt(first);
        await Assert.That(string.Join(' ', received)).IsEqualTo(string.Join(' ', Enumerable.Range(0, 150).Select(i => $$$"""{"op":4,"d":{"i":{{{i}}}}}""")));
    }

    [Test]
    public async Task RATE_LIMITED_is_honoured_and_forwarded()
    {
        const string All = """{"guild_id":"7","query":"","limit":0,"nonce":"n"}""";
        const string Some = """{"guild_id":"7","user_ids":["1"]}""";
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server, time);
        using WebSocket peer = await ReadyAsync(server, bot);
        await bot.Running.RunAsync(() => bot.Shard.Send(Command(GatewayOpcode.RequestGuildMembers, All)));
        await peer.ReceiveTextAsync();
        await peer.SendTextAsync("""
            {"t":"RATE_LIMITED","s":2,"op":0,"d":{"opcode":8,"retry_after":12.345,"meta":{"guild_id":"7","nonce":"n"}}}
            """);
        await bot.Running.UntilAsync(() => bot.Received.Count == 2);

        List<CommandResult> results = [];
        await bot.Running.RunAsync(() => bot.Shard.Send(Command(GatewayOpcode.RequestGuildMembers, Some, results.Add)));
        await bot.Running.AdvanceAsync(12_344);
        await Assert.That(results).IsEmpty();
        await bot.Running.AdvanceAsync(1);

        await Assert.That(results.Single()).IsEqualTo(CommandResult.Sent);
        await Assert.That(string.Join(' ', bot.Received)).IsEqualTo("READY:1 RATE_LIMITED:2");
    }

    /// <summary>The other side of a shard that has just become ready.</summary>
    private static async Task<WebSocket> ReadyAsync(WebSocketServer server, ShardTests.Bot bot)
    {
        WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(ShardTests.Hello);
        await ShardTests.ReceiveAsync(peer);
        await peer.SendTextAsync(ShardTests.Ready);
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.Ready);
        return peer;
    }

    private static async Task<int> CountHeartbeatsAsync(WebSocket peer, ShardTests.Bot bot)
    {
        await bot.Running.AdvanceAsync(SendLimiter.Window - 41_250);
        int heartbeats = 0;
        while (await ShardTests.ReceiveAsync(peer) is var message && message != "4")
        {
            heartbeats += message.StartsWith("1 ", StringComparison.Ordinal) ? 1 : 0;
        }

        return heartbeats;
    }

    private static GatewayCommand Command(GatewayOpcode op, string data, Action<CommandResult>? done = null) =>
        GatewayCommand.TryCreate(op, Encoding.UTF8.GetBytes(data), done ?? (_ => { }))!;
}
