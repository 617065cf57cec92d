using System.Text;
using SinGateway.Forwarding;

namespace SinGateway.Tests.Forwarding;

/// <summary>Where the ids of an event stand, and what must not be taken for them.</summary>
public sealed class EventFieldScanTests
{
    private const EventFields All = EventFields.Guild | EventFields.Channel | EventFields.User;

    /// <summary>The ids as <c>guild channel user</c>, - for an absent one.</summary>
    [Test]
    [Arguments("""{"guild_id":"1","channel_id":"2","user_id":"3"}""", "1 2 3")]
    [Arguments("""{"guild_id":1,"channel_id":2,"user_id":3}""", "1 2 3")]
    [Arguments(""" { "guild_id" : "1" , "channel_id" : 2 , "author" : { "id" : "3" } } """, "1 2 3")]
    [Arguments("""{"guild_id":"18446744073709551615","channel_id":18446744073709551615}""", "18446744073709551615 18446744073709551615 -")]
    [Arguments("""{"guild_id":"18446744073709551616","channel_id":99999999999999999999}""", "- - -")]
    [Arguments("""{"guild_id":"0","channel_id":0}""", "0 0 -")]
    [Arguments("""{"guild_id":"01","channel_id":"","user_id":" 3"}""", "- - -")]
    [Arguments("""{"guild_id":"+1","channel_id":-1,"user_id":"3a"}""", "- - -")]
    [Arguments("""{"guild_id":1.0,"channel_id":1e3,"user_id":"\"},{"}""", "- - -")]
    [Arguments("""{"guild_id":null,"channel_id":true,"user_id":["3"]}""", "- - -")]
    [Arguments("""{"guild_id":{"guild_id":"1"},"x":{"guild_id":"2"},"y":[{"guild_id":"3"}]}""", "- - -")]
    [Arguments("""{"x":{"guild_id":"2"},"guild_id":"1"}""", "1 - -")]
    [Arguments("""{"x":"\"guild_id\":\"2\",{[","guild_id":"1"}""", "1 - -")]
    [Arguments("""{"x":["\\","}]\"}","\\\"",{"y":"]"}],"guild_id":"1"}""", "1 - -")]
    [Arguments("""{"guild\u005fid":"1","\u0063hannel_id":"\u0032","\u0075\u0073\u0065\u0072_id":"3"}""", "1 2 3")]
    [Arguments("""{"guild\u005Fid":"1","channel\/id":"2","user_id\u0000":"3"}""", "1 - -")]
    [Arguments("""{"guild_id\"":"1","\\channel_id":"2"}""", "- - -")]
    [Arguments("""{"guild_id":"1","guild_id":"2"}""", "1 - -")]
    [Arguments("""{"guild_id":null,"guild_id":"2"}""", "- - -")]
    [Arguments("""{"user_id":"1","user":{"id":"2"},"author":{"id":"3"},"member":{"user":{"id":"4"}}}""", "- - 1")]
    [Arguments("""{"member":{"user":{"id":"4"}},"author":{"id":"3"},"user":{"id":"2"},"user_id":"1"}""", "- - 1")]
    [Arguments("""{"member":{"user":{"id":"4"}},"author":{"id":"3"},"user":{"id":"2"}}""", "- - 2")]
    [Arguments("""{"member":{"user":{"id":"4"}},"author":{"id":"3"}}""", "- - 3")]
    [Arguments("""{"member":{"roles":[{"user":{"id":"5"}}],"id":"6","user":{"x":{"id":"7"},"id":"4"}}}""", "- - 4")]
    [Arguments("""{"user_id":null,"user":{"id":null},"author":"a","member":{"user":{"id":"4"}}}""", "- - 4")]
    [Arguments("""{"user":{},"user":{"id":"2"},"author":{"id":"3"}}""", "- - 3")]
    [Arguments("""{"author":{"x":1,"id":"3","id":"4"}}""", "- - 3")]
    [Arguments("""{"member":{"user":5,"user":{"id":"4"}}}""", "- - -")]
    [Arguments("""{"member":{"user":{"id":"4"}},"member":{"user":{"id":"5"}}}""", "- - 4")]
    [Arguments("""{"id":"1"}""", "- - -")]
    [Arguments("{}", "- - -")]
    [Arguments("null", "- - -")]
    [Arguments("[{\"guild_id\":\"1\"}]", "- - -")]
    public async Task An_id_is_found_where_it_stands_and_nowhere_else(string data, string expected) =>
        await Assert.That(Scan($$"""{"t":"X","s":1,"op":0,"d":{{data}}}""", All)).IsEqualTo(expected);

    [Test]
    [Arguments("""{"id":"1","guild_id":"2"}""", "1 - -")]
    [Arguments("""{"guild_id":"2","channels":[{"id":"3"}],"id":"1","user_id":"4"}""", "1 - 4")]
    [Arguments("""{"guild_id":"2"}""", "- - -")]
    public async Task An_event_about_a_guild_has_it_as_its_id(string data, string expected) =>
        await Assert.That(Scan($$"""{"d":{{data}}}""", All | EventFields.IsGuild)).IsEqualTo(expected);

    [Test]
    [Arguments("""{"id":"1","guild_id":"2"}""", "2 1 -")]
    [Arguments("""{"id":"1","channel_id":"3"}""", "- 3 -")]
    [Arguments("""{"channel_id":null,"id":"1"}""", "- 1 -")]
    public async Task An_event_about_a_channel_has_it_as_its_id_when_it_names_none(string data, string expected) =>
        await Assert.That(Scan($$"""{"d":{{data}}}""", All | EventFields.IsChannel)).IsEqualTo(expected);

    [Test]
    [Arguments("""{"d":{"guild_id":"1"},"op":0}""", "1 - -")]
    [Arguments("""{"\u0064":{"guild_id":"1"}}""", "1 - -")]
    [Arguments("""{"d":{"guild_id":"1"},"d":{"guild_id":"2","user_id":"3"}}""", "1 - -")]
    [Arguments("""{"guild_id":"1","x":{"d":{"guild_id":"2"}}}""", "- - -")]
    public async Task Data_is_the_first_d_of_the_message(string message, string expected) =>
        await Assert.That(Scan(message, All)).IsEqualTo(expected);

    [Test]
    public async Task Reading_stops_when_nothing_more_is_wanted()
    {
        // What follows is broken, and would end the reading without the user.
        await Assert.That(Scan("""{"d":{"guild_id":"1",!""", EventFields.Guild)).IsEqualTo("1 - -");
        await Assert.That(Scan("""{"d":{"guild_id":"1",!,"user_id":"3"}}""", All)).IsEqualTo("1 - -");
        await Assert.That(Scan("""{"d":{"guild_id":"1","user_id":"3","channel_id":"2"!""", All)).IsEqualTo("1 2 3");
    }

    [Test]
    public async Task Containers_of_every_length_and_alignment_are_skipped()
    {
        for (int padding = 0; padding < 200; padding++)
        {
            string text = new('x', padding);
            string quoted = string.Concat(Enumerable.Repeat("\\\\\\\"", padding / 3));
            string message = $$$"""{"d":{"a":["{{{text}}}",{"b":"{{{quoted}}}]}"},[[{}]]],"guild_id":"1"}}""";

            await Assert.That(Scan(message, All)).IsEqualTo("1 - -");
        }
    }

    [Test]
    [Arguments(0ul, 16, 0)]
    [Arguments((1ul << 22) - 1, 16, 0)]
    [Arguments(1ul << 22, 16, 1)]
    [Arguments(17ul << 22, 16, 1)]
    [Arguments(197038439483310086ul, 16, 2)]
    [Arguments(ulong.MaxValue, 1_000_000, 511_103)]
    public async Task A_slot_is_the_time_of_the_guild_modulo_their_number(ulong guild, int slots, int expected)
    {
        await Assert.That(new EventIds(guild, null, null).GuildSlot(slots)).IsEqualTo(expected);
        await Assert.That(default(EventIds).GuildSlot(slots)).IsEqualTo(0);
    }

    [Test]
    public async Task Reading_allocates_nothing()
    {
        string inner = string.Join(',', Enumerable.Repeat("""{"id":"\u0031"}""", 500));
        byte[] message = Encoding.UTF8.GetBytes("""{"t":"X","d":{"x":[""" + inner + """],"\u0067uild_id":"1","member":{"user":{"id":2}}}}""");
        long allocated = 0;

        // The first turns let the runtime allocate what it needs for itself.
        for (int turn = 0; turn < 100; turn++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            EventFieldScan.Read(message, All);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        await Assert.That(allocated).IsEqualTo(0);
    }

    private static string Scan(string message, EventFields fields)
    {
        EventIds ids = EventFieldScan.Read(Encoding.UTF8.GetBytes(message), fields);
        return $"{ids.Guild?.ToString() ?? "-"} {ids.Channel?.ToString() ?? "-"} {ids.User?.ToString() ?? "-"}";
    }
}
