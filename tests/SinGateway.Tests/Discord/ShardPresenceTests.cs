using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Tests.WebSockets;

namespace SinGateway.Tests.Discord;

/// <summary>A presence that changes while shards run.</summary>
public sealed class ShardPresenceTests
{
    private const string Resumed = """{"t":"RESUMED","s":2,"op":0,"d":{}}""";
    private const string Busy = """{"since":null,"activities":[],"status":"dnd","afk":false}""";
    private const string Unseen = """{"since":null,"activities":[],"status":"invisible","afk":false}""";
    private const string Plain = """{"since":null,"activities":[],"status":"online","afk":false}""";

    [Test]
    public async Task A_ready_shard_sends_a_changed_presence_once()
    {
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server);
        using WebSocket peer = await ReadyAsync(server, bot);
        await ChangeAsync(bot, Busy);
        await bot.Running.RunAsync(bot.Shard.ShowPresence);
        await ChangeAsync(bot, Unseen);

        await Assert.That(await peer.ReceiveTextAsync()).IsEqualTo(Opcode3(Busy));
        await Assert.That(await peer.ReceiveTextAsync()).IsEqualTo(Opcode3(Unseen));
    }

    [Test]
    public async Task A_presence_that_is_taken_away_leaves_the_plain_one()
    {
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server);
        using WebSocket peer = await ReadyAsync(server, bot);
        await ChangeAsync(bot, Busy);
        await ChangeAsync(bot, "");

        await Assert.That(await peer.ReceiveTextAsync()).IsEqualTo(Opcode3(Busy));
        await Assert.That(await peer.ReceiveTextAsync()).IsEqualTo(Opcode3(Plain));
    }

    [Test]
    public async Task A_session_that_is_resumed_after_the_change_is_told()
    {
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server);
        using (WebSocket first = await ReadyAsync(server, bot))
        {
            first.Abort();
        }

        await bot.Running.UntilAsync(() => bot.Shard.Phase != ShardPhase.Ready);
        await ChangeAsync(bot, Busy);
        using WebSocket second = await server.AcceptAsync();
        await second.SendTextAsync(ShardTests.Hello);
        await Assert.That(await ShardTests.ReceiveAsync(second)).StartsWith("6 ");
        await second.SendTextAsync(Resumed);

        await Assert.That(await second.ReceiveTextAsync()).IsEqualTo(Opcode3(Busy));
    }

    [Test]
    public async Task A_session_that_begins_after_the_change_is_told_by_its_IDENTIFY_alone()
    {
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server);
        await ChangeAsync(bot, Busy);
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(ShardTests.Hello);
        await Assert.That(await peer.ReceiveTextAsync()).Contains($"\"presence\":{Busy}");
        await peer.SendTextAsync(ShardTests.Ready);
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.Ready);
        await ChangeAsync(bot, Unseen);

        await Assert.That(await peer.ReceiveTextAsync()).IsEqualTo(Opcode3(Unseen));
    }

    [Test]
    public async Task A_change_between_IDENTIFY_and_READY_is_told_after_READY()
    {
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server);
        using WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(ShardTests.Hello);
        await peer.ReceiveTextAsync();
        await ChangeAsync(bot, Busy);
        await peer.SendTextAsync(ShardTests.Ready);

        await Assert.That(await peer.ReceiveTextAsync()).IsEqualTo(Opcode3(Busy));
    }

    [Test]
    public async Task More_changes_than_Discord_takes_wait_for_the_limit()
    {
        using WebSocketServer server = new();
        using ShardTests.Bot bot = new(server, new FakeTimeProvider());
        using WebSocket peer = await ReadyAsync(server, bot);
        string[] presences = [.. Enumerable.Range(0, SendLimiter.PresenceLimit + 1).Select(i => Busy.Replace("null", i.ToString(), StringComparison.Ordinal))];
        foreach (string presence in presences)
        {
            await ChangeAsync(bot, presence);
        }

        await bot.Running.RunAsync(() => bot.Shard.Send(GatewayCommand.TryCreate(GatewayOpcode.VoiceStateUpdate, "{}"u8, _ => { })!));
        await bot.Running.AdvanceAsync(SendLimiter.PresenceWindow);

        List<string> received = [];
        while (received.Count < presences.Length + 1)
        {
            string message = await peer.ReceiveTextAsync();
            if (!message.StartsWith("{\"op\":1,", StringComparison.Ordinal))
            {
                received.Add(message);
            }
        }

        await Assert.That(string.Join('\n', received)).IsEqualTo(
            string.Join('\n', [.. presences[..^1].Select(Opcode3), """{"op":4,"d":{}}""", Opcode3(presences[^1])]));
    }

    private static string Opcode3(string presence) => $$"""{"op":3,"d":{{presence}}}""";

    private static Task ChangeAsync(ShardTests.Bot bot, string presence) => bot.Running.RunAsync(() =>
    {
        bot.Settings.Presence = Encoding.UTF8.GetBytes(presence);
        bot.Shard.ShowPresence();
    });

    private static async Task<WebSocket> ReadyAsync(WebSocketServer server, ShardTests.Bot bot)
    {
        WebSocket peer = await server.AcceptAsync();
        await peer.SendTextAsync(ShardTests.Hello);
        await ShardTests.ReceiveAsync(peer);
        await peer.SendTextAsync(ShardTests.Ready);
        await bot.Running.UntilAsync(() => bot.Shard.Phase == ShardPhase.Ready);
        return peer;
    }
}
