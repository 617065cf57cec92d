using System.Net.WebSockets;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Tests.WebSockets;

namespace SinGateway.Tests.Discord;

/// <summary>A shard whose heartbeats are acknowledged while its events stay away.</summary>
public sealed class ShardDeafnessTests
{
    private const int Interval = 41_250;
    private const string Resumed = """{"t":"RESUMED","s":1000,"op":0,"d":{}}""";

    private int _seq = 1;
    private long _acknowledged;

    [Test]
    public async Task A_deaf_shard_is_reported_and_resumed_once()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server, time);
        using (WebSocket first = await ReadyAsync(server, bot))
        {
            await BeatAsync(bot, first, 60, withEvents: true);
            await BeatAsync(bot, first, 14, withEvents: false);
            await Assert.That(bot.Shard.IsDeaf).IsFalse();
            await BeatUntilAsync(bot, first, () => bot.Shard.IsDeaf);
            await Assert.That(await ShardTests.ReceiveAsync(first)).IsEqualTo("closed 4000");
        }

        using WebSocket second = await server.AcceptAsync();
        await second.SendTextAsync(ShardTests.Hello);
        await Assert.That(await ShardTests.ReceiveAsync(second)).IsEqualTo($"6 abc {_seq}");
        await second.SendTextAsync(Resumed);
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.Ready);
        await BeatAsync(bot, second, 100, withEvents: false);

        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.Ready).Because("a resume was tried");
        await Assert.That(bot.Shard.Resumed).IsEqualTo(1);
        List<string> warnings = [.. bot.Log.Entries.Where(entry => entry.StartsWith("Warning", StringComparison.Ordinal))];
        await Assert.That(warnings.Count).IsEqualTo(2);
        await Assert.That(warnings[0]).StartsWith("Warning Shard 0 has had no event for 1").And.EndsWith("its session is resumed once");
        await Assert.That(warnings[1]).StartsWith("Warning Shard 0 still has no event, for 2");

        await BeatAsync(bot, second, 1, withEvents: true);
        await Assert.That(bot.Shard.IsDeaf).IsFalse();
    }

    [Test]
    public async Task A_deaf_shard_without_guild_intents_is_reported_and_left_alone()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server, time, intents: Intents.DirectMessages | Intents.MessageContent);
        using WebSocket peer = await ReadyAsync(server, bot);
        await BeatAsync(bot, peer, 60, withEvents: true);

        await BeatAsync(bot, peer, 100, withEvents: false);

        await Assert.That(bot.Shard.IsDeaf).IsTrue();
        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.Ready);
        await Assert.That(bot.Log.Entries.Any(entry => entry.EndsWith("the intents promise no events of guilds, so nothing is done", StringComparison.Ordinal))).IsTrue();
    }

    [Test]
    public async Task A_shard_that_has_no_room_for_events_is_not_deaf()
    {
        FakeTimeProvider time = new();
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server, time);
        using WebSocket peer = await ReadyAsync(server, bot);
        await BeatAsync(bot, peer, 60, withEvents: true);
        await bot.Running.RunAsync(() => bot.Room = 0);
        await peer.SendTextAsync(ShardTests.Event(++_seq));
        for (int i = 0; i < 100; i++)
        {
            await bot.Running.AdvanceAsync(Interval);
            await ShardTests.ReceiveAsync(peer);
            await peer.SendTextAsync("""{"op":11}""");
        }

        int received = bot.Received.Count;
        await bot.Running.RunAsync(() =>
        {
            bot.Room = int.MaxValue;
            bot.Shard.ContinueReading();
        });
        await bot.Running.UntilAsync(() => bot.Received.Count > received);
        await BeatAsync(bot, peer, 1, withEvents: false);

        await Assert.That(bot.Shard.IsDeaf).IsFalse();
        await Assert.That(bot.Shard.Phase).IsEqualTo(ShardPhase.Ready);
    }

    private static async Task<WebSocket> ReadyAsync(WebSocketServer server, ShardTests.Bot bot)
    {
        WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(ShardTests.Hello);
        await ShardTests.ReceiveAsync(peer);
        await peer.SendTextAsync(ShardTests.Ready);
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.Ready);
        return peer;
    }

    /// <summary>So many heartbeats with their acks, each behind an event or without one.</summary>
    private async Task BeatAsync(ShardTests.Bot bot, WebSocket peer, int count, bool withEvents)
    {
        for (int i = 0; i < count; i++)
        {
            await bot.Running.AdvanceAsync(Interval);
            await ShardTests.ReceiveAsync(peer);
            if (withEvents)
            {
                // Higher than the RESUMED of a later connection, once there has been one.
                _seq = bot.Shard.Resumed > 0 ? 1_000 + _seq : _seq + 1;
                await peer.SendTextAsync(ShardTests.Event(_seq));
            }

            await peer.SendTextAsync("""{"op":11}""");
            await bot.Running.UntilAsync(() => bot.Shard.LastHeartbeatAck > _acknowledged);
            _acknowledged = bot.Shard.LastHeartbeatAck;
        }
    }

    private async Task BeatUntilAsync(ShardTests.Bot bot, WebSocket peer, Func<bool> condition)
    {
        for (int i = 0; i < 20 && !await bot.Running.RunAsync(condition); i++)
        {
            await BeatAsync(bot, peer, 1, withEvents: false);
        }
    }
}
