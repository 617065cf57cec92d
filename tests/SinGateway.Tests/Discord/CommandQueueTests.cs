using System.Text;
using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

public sealed class CommandQueueTests
{
    private readonly CommandQueue _queue = new();
    private readonly List<string> _results = [];
    private readonly SendLimiter _limiter = Limiter();

    [Test]
    public async Task Commands_go_in_their_order()
    {
        Add(GatewayOpcode.VoiceStateUpdate, "a", 0);
        Add(GatewayOpcode.PresenceUpdate, "b", 0);
        Add(GatewayOpcode.RequestChannelInfo, "c", 0);

        await Assert.That(Take(0)).IsEqualTo("a b c");
        await Assert.That(_queue.IsEmpty).IsTrue();
        await Assert.That(_queue.NextAt).IsEqualTo(long.MaxValue);
    }

    [Test]
    public async Task All_members_of_a_guild_are_asked_for_once_in_thirty_seconds_and_others_pass()
    {
        AddAllMembers("first", 1, 0);
        AddAllMembers("second", 1, 0);
        AddAllMembers("other guild", 2, 0);
        Add(GatewayOpcode.RequestGuildMembers, "some of the guild", 0, """ "guild_id":"1","query":"a","limit":5 """);

        await Assert.That(Take(0)).IsEqualTo("first other guild some of the guild");
        await Assert.That(_queue.NextAt).IsEqualTo(CommandQueue.AllMembersPace);
        await Assert.That(Take(CommandQueue.AllMembersPace - 1)).IsEqualTo("");
        await Assert.That(Take(CommandQueue.AllMembersPace)).IsEqualTo("second");
    }

    [Test]
    public async Task The_pace_of_all_members_outlives_the_connection()
    {
        AddAllMembers("first", 1, 0);
        Take(0);
        AddAllMembers("second", 1, 1_000);

        await Assert.That(Take(1_000, Limiter())).IsEqualTo("");
    }

    [Test]
    public async Task RATE_LIMITED_holds_its_opcode_in_the_guild_that_it_names()
    {
        _queue.Hold(new RateLimitedPayload(8, 2.5, new RateLimitedMeta(7)), 1_000);
        Add(GatewayOpcode.RequestGuildMembers, "held", 1_000, """ "guild_id":"7","user_ids":["1"] """);
        Add(GatewayOpcode.RequestGuildMembers, "other guild", 1_000, """ "guild_id":"8","user_ids":["1"] """);
        Add(GatewayOpcode.VoiceStateUpdate, "other opcode", 1_000, """ "guild_id":"7" """);

        await Assert.That(Take(1_000)).IsEqualTo("other guild other opcode");
        await Assert.That(_queue.NextAt).IsEqualTo(3_500);
        await Assert.That(Take(3_499)).IsEqualTo("");
        await Assert.That(Take(3_500)).IsEqualTo("held");
    }

    [Test]
    public async Task RATE_LIMITED_without_a_guild_holds_the_opcode()
    {
        _queue.Hold(new RateLimitedPayload(43, 1, null), 0);
        Add(GatewayOpcode.RequestChannelInfo, "held", 0, """ "guild_id":"7" """);
        Add(GatewayOpcode.RequestSoundboardSounds, "other opcode", 0);

        await Assert.That(Take(0)).IsEqualTo("other opcode");
        await Assert.That(Take(1_000)).IsEqualTo("held");
    }

    [Test]
    public async Task A_shorter_RATE_LIMITED_does_not_end_a_longer_one()
    {
        _queue.Hold(new RateLimitedPayload(43, 10, null), 0);
        _queue.Hold(new RateLimitedPayload(43, 1, null), 0);
        Add(GatewayOpcode.RequestChannelInfo, "held", 0);

        await Assert.That(Take(9_999)).IsEqualTo("");
        await Assert.That(Take(10_000)).IsEqualTo("held");
    }

    [Test]
    public async Task Presences_wait_for_their_limit_in_order_and_others_pass()
    {
        for (int i = 0; i < 7; i++)
        {
            Add(GatewayOpcode.PresenceUpdate, $"p{i}", 0);
        }

        Add(GatewayOpcode.VoiceStateUpdate, "voice", 0);

        await Assert.That(Take(0)).IsEqualTo("p0 p1 p2 p3 p4 voice");
        await Assert.That(_queue.NextAt).IsEqualTo(SendLimiter.PresenceWindow);
        await Assert.That(Take(SendLimiter.PresenceWindow)).IsEqualTo("p5 p6");
    }

    [Test]
    public async Task What_the_limiter_refuses_waits_until_it_may_go()
    {
        for (int i = 0; i < 150; i++)
        {
            Add(GatewayOpcode.VoiceStateUpdate, $"{i}", 0);
        }

        int first = Take(0).Split(' ').Length;
        await Assert.That(first).IsLessThan(120);
        await Assert.That(_queue.NextAt).IsEqualTo(SendLimiter.Window);
        await Assert.That(Take(SendLimiter.Window)).IsEqualTo(string.Join(' ', Enumerable.Range(first, 150 - first)));
    }

    [Test]
    public async Task A_command_that_waited_too_long_expires()
    {
        Add(GatewayOpcode.VoiceStateUpdate, "old", 0);
        Add(GatewayOpcode.VoiceStateUpdate, "new", 1);
        await Assert.That(_queue.NextAt).IsEqualTo(CommandQueue.Lifetime);

        _queue.Advance(CommandQueue.Lifetime);

        await Assert.That(string.Join(' ', _results)).IsEqualTo("old:Expired");
        await Assert.That(Take(CommandQueue.Lifetime)).IsEqualTo("new");
    }

    [Test]
    public async Task More_commands_than_the_bound_are_refused()
    {
        for (int i = 0; i < CommandQueue.MaximumCount; i++)
        {
            Add(GatewayOpcode.VoiceStateUpdate, "", 0);
        }

        await Assert.That(_results).IsEmpty();
        Add(GatewayOpcode.VoiceStateUpdate, "one more", 0);
        await Assert.That(string.Join(' ', _results)).IsEqualTo("one more:QueueFull");
    }

    [Test]
    public async Task More_bytes_than_the_bound_are_refused_and_room_comes_back()
    {
        string large = $"\"x\":\"{new string('x', 4_000)}\"";
        int fit = 0;
        while (_results.Count == 0)
        {
            Add(GatewayOpcode.VoiceStateUpdate, $"{fit++}", 0, large);
        }

        await Assert.That(_results[0]).IsEqualTo($"{fit - 1}:QueueFull");
        await Assert.That(fit * 4_000).IsLessThan(CommandQueue.MaximumBytes + 4_096);
        await Assert.That(_queue.TryTake(_limiter, 0, out _)).IsTrue();
        Add(GatewayOpcode.VoiceStateUpdate, "fits again", 0, large);
        await Assert.That(_results.Count).IsEqualTo(1);
    }

    [Test]
    [Arguments(4_096, "")]
    [Arguments(4_097, "x:TooLarge")]
    public async Task A_message_above_4096_bytes_is_never_sent(int size, string result)
    {
        byte[] data = Encoding.UTF8.GetBytes($$"""{"x":"{{new string('x', size - """{"op":4,"d":{"x":""}}""".Length)}}"}""");
        GatewayCommand command = GatewayCommand.TryCreate(GatewayOpcode.VoiceStateUpdate, data, what => _results.Add($"x:{what}"))!;
        await Assert.That(command.Payload.Length).IsEqualTo(size);

        _queue.Add(command, 0);

        await Assert.That(string.Join(' ', _results)).IsEqualTo(result);
        await Assert.That(_queue.IsEmpty).IsEqualTo(result.Length > 0);
    }

    [Test]
    public async Task What_waits_when_the_shard_stops_is_answered()
    {
        Add(GatewayOpcode.VoiceStateUpdate, "a", 0);
        Add(GatewayOpcode.VoiceStateUpdate, "b", 0);

        _queue.Clear();

        await Assert.That(string.Join(' ', _results)).IsEqualTo("a:Expired b:Expired");
    }

    private static SendLimiter Limiter()
    {
        SendLimiter limiter = new();
        limiter.SetHeartbeatInterval(41_250);
        return limiter;
    }

    private void AddAllMembers(string name, int guild, long now) =>
        Add(GatewayOpcode.RequestGuildMembers, name, now, $""" "guild_id":"{guild}","query":"","limit":0 """);

    private void Add(GatewayOpcode op, string name, long now, string fields = "")
    {
        byte[] data = Encoding.UTF8.GetBytes($$"""{{{fields}}}""");
        _queue.Add(GatewayCommand.TryCreate(op, data, result => _results.Add($"{name}:{result}"))!, now);
    }

    /// <summary>The names of what goes now, over another connection if there is one.</summary>
    private string Take(long now, SendLimiter? other = null)
    {
        _queue.Advance(now);
        _results.Clear();
        while (_queue.TryTake(other ?? _limiter, now, out GatewayCommand? command))
        {
            command.Finish(CommandResult.Sent);
        }

        return string.Join(' ', _results.Select(result => result.Replace(":Sent", "", StringComparison.Ordinal)));
    }
}
