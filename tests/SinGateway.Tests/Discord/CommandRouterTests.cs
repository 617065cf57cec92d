using System.Text;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Discord;

/// <summary>A gateway with shards 4 to 7 of 16.</summary>
public sealed class CommandRouterTests
{
    private const int First = 4, Count = 4, Total = 16;

    private readonly List<(int Shard, GatewayCommand Command)> _sent = [];
    private readonly RecordingLogger _logger = new();
    private readonly FakeTimeProvider _time = new();
    private readonly CommandRouter _router;

    public CommandRouterTests() => _router = new CommandRouter(
        Enumerable.Range(First, Count).ToDictionary(id => id, id => (Action<GatewayCommand>)(command => _sent.Add((id, command)))),
        Total,
        () => _time.GetUtcNow().ToUnixTimeMilliseconds(),
        _logger);

    [Test]
    [Arguments(4, """ "channel_id":null """)]
    [Arguments(8, """ "user_ids":["1"] """)]
    [Arguments(43, """ "fields":["status"] """)]
    public async Task A_command_goes_to_the_shard_that_has_its_guild(int op, string data)
    {
        for (int shard = First; shard < First + Count; shard++)
        {
            Receive($$$"""{"op":{{{op}}},"d":{"guild_id":"{{{Guild(shard)}}}",{{{data}}}}}""");
        }

        await Assert.That(string.Join(' ', _sent.Select(sent => $"{sent.Shard}:{(int)sent.Command.Op}"))).IsEqualTo($"4:{op} 5:{op} 6:{op} 7:{op}");
    }

    [Test]
    public async Task What_Discord_gets_is_the_opcode_and_the_data()
    {
        Receive($$$"""{"shard":5,"d":{"guild_id":"{{{Guild(5)}}}","user_ids":["1"],"nonce":"é"},"op":8}""");

        await Assert.That(Encoding.UTF8.GetString(_sent.Single().Command.Payload.Span)).IsEqualTo(
            $$$"""{"op":8,"d":{"guild_id":"{{{Guild(5)}}}","user_ids":["1"],"nonce":"é"}}""");
    }

    [Test]
    [Arguments("", "4 5 6 7")]
    [Arguments(""","shard":null""", "4 5 6 7")]
    [Arguments(""","shard":6""", "6")]
    public async Task A_presence_goes_to_all_shards_or_to_the_one_that_it_names(string shard, string expected)
    {
        Receive($$$"""{"op":3,"d":{"status":"idle","activities":[]}{{{shard}}}}""");

        await Assert.That(string.Join(' ', _sent.Select(sent => sent.Shard))).IsEqualTo(expected);
    }

    [Test]
    public async Task Soundboard_sounds_are_asked_for_at_the_shard_of_all_the_guilds()
    {
        Receive($$$"""{"op":31,"d":{"guild_ids":["{{{Guild(6)}}}","{{{Guild(6, 1)}}}"]}}""");

        await Assert.That(_sent.Single().Shard).IsEqualTo(6);
    }

    [Test]
    [Arguments("", nameof(CommandResult.Malformed))]
    [Arguments("null", nameof(CommandResult.Malformed))]
    [Arguments("[]", nameof(CommandResult.Malformed))]
    [Arguments("\"op\"", nameof(CommandResult.Malformed))]
    [Arguments("{", nameof(CommandResult.Malformed))]
    [Arguments("""{"d":{}}""", nameof(CommandResult.Malformed))]
    [Arguments("""{"op":3}""", nameof(CommandResult.Malformed))]
    [Arguments("""{"op":"3","d":{}}""", nameof(CommandResult.Malformed))]
    [Arguments("""{"op":3.5,"d":{}}""", nameof(CommandResult.Malformed))]
    [Arguments("""{"op":3,"d":[]}""", nameof(CommandResult.Malformed))]
    [Arguments("""{"op":3,"d":{"status":"idle","activities":[]},"shard":-1}""", nameof(CommandResult.Malformed))]
    [Arguments("""{"op":3,"d":{"status":"idle","activities":[]},"shard":"4"}""", nameof(CommandResult.Malformed))]
    [Arguments("""{"op":3,"d":{"status":"idle","status":"idle","activities":[]}}""", nameof(CommandResult.Malformed))]
    [Arguments("""{"op":2,"op":3,"d":{"status":"idle","activities":[]}}""", nameof(CommandResult.Malformed))]
    [Arguments("""{"op":3,"d":{"status":"idle","activities":[],"x":"\ud800"}}""", nameof(CommandResult.Malformed))]
    [Arguments("""{"t":"MESSAGE_CREATE","s":1,"op":0,"d":{}}""", nameof(CommandResult.NotForWorkers))]
    [Arguments("""{"op":1,"d":null}""", nameof(CommandResult.NotForWorkers))]
    [Arguments("""{"op":2,"d":{}}""", nameof(CommandResult.NotForWorkers))]
    [Arguments("""{"op":6,"d":{}}""", nameof(CommandResult.NotForWorkers))]
    [Arguments("""{"op":-1,"d":{}}""", nameof(CommandResult.NotForWorkers))]
    [Arguments("""{"op":36,"d":{}}""", nameof(CommandResult.NotForWorkers))]
    [Arguments("""{"op":3,"d":{}}""", nameof(CommandResult.Invalid))]
    [Arguments("""{"op":8,"d":{"user_ids":["1"]},"shard":5}""", nameof(CommandResult.Invalid))]
    [Arguments("""{"op":3,"d":{"status":"idle","activities":[]},"shard":3}""", nameof(CommandResult.NotHere))]
    [Arguments("""{"op":3,"d":{"status":"idle","activities":[]},"shard":16}""", nameof(CommandResult.NotHere))]
    public async Task What_cannot_be_sent_is_refused_and_counted(string payload, string expected)
    {
        Receive(payload);

        await Assert.That(_sent).IsEmpty();
        await Assert.That(_router.Counts.Total).IsEqualTo(1);
        await Assert.That(Counts).EndsWith($": 1 {expected}");
        await Assert.That(_logger.Entries.Single()).StartsWith("Warning Commands of workers that were not sent to Discord since the last such line: 1. ");
    }

    [Test]
    public async Task Bytes_that_are_no_text_are_refused()
    {
        _router.Receive([.. "{\"op\":3,\"d\":{\"status\":\"idle\",\"activities\":[],\"x\":\""u8, 0xC3, 0x28, .. "\"}}"u8]);

        await Assert.That(_sent).IsEmpty();
        await Assert.That(Counts).IsEqualTo("other: 1 Malformed");
    }

    [Test]
    public async Task A_guild_of_another_process_is_refused()
    {
        Receive($$$"""{"op":4,"d":{"guild_id":"{{{Guild(8)}}}","channel_id":null}}""");

        await Assert.That(_sent).IsEmpty();
        await Assert.That(Counts).IsEqualTo("op 4: 1 NotHere");
        await Assert.That(_logger.Entries.Single()).EndsWith("The latest, with opcode 4: shard 8 is not of this gateway");
    }

    [Test]
    public async Task A_guild_of_another_shard_than_the_named_one_is_refused()
    {
        Receive($$$"""{"op":4,"d":{"guild_id":"{{{Guild(5)}}}","channel_id":null},"shard":6}""");

        await Assert.That(_sent).IsEmpty();
        await Assert.That(Counts).IsEqualTo("op 4: 1 Misrouted");
    }

    [Test]
    [Arguments("")]
    [Arguments(""","shard":5""")]
    public async Task Guilds_of_several_shards_are_refused(string shard)
    {
        Receive($$$"""{"op":31,"d":{"guild_ids":["{{{Guild(5)}}}","{{{Guild(6)}}}"]}{{{shard}}}}""");

        await Assert.That(_sent).IsEmpty();
        await Assert.That(Counts).IsEqualTo("op 31: 1 Misrouted");
    }

    [Test]
    [Arguments(4_096, "")]
    [Arguments(4_097, "op 3: 1 TooLarge")]
    [Arguments(CommandRouter.MaximumPayload, "op 3: 1 TooLarge")]
    [Arguments(CommandRouter.MaximumPayload + 1, "other: 1 TooLarge")]
    public async Task A_command_that_is_longer_than_Discord_takes_is_refused(int length, string counts)
    {
        const string Start = """{"op":3,"d":{"since":null,"afk":false,"status":"idle","activities":[],"x":" """, End = "\"}}";
        Receive(Start + new string('x', length - Start.Length - End.Length) + End);

        await Assert.That(_sent.Count).IsEqualTo(length > GatewayCommand.MaximumSize ? 0 : Count);
        await Assert.That(Counts).IsEqualTo(counts);
    }

    [Test]
    public async Task What_became_of_a_command_is_counted_for_each_shard()
    {
        Receive("""{"op":3,"d":{"status":"idle","activities":[]}}""");
        CommandResult[] results = [CommandResult.Sent, CommandResult.Sent, CommandResult.Expired, CommandResult.QueueFull];
        foreach ((CommandResult result, GatewayCommand command) in results.Zip(_sent.Select(sent => sent.Command)))
        {
            command.Finish(result);
        }

        await Assert.That(Counts).IsEqualTo("op 3: 2 Sent, 1 Expired, 1 QueueFull");
    }

    [Test]
    public async Task Refusals_are_said_in_few_lines_that_repeat_nothing_of_the_worker()
    {
        for (int i = 0; i < 100; i++)
        {
            Receive("""{"op":8,"d":{"guild_id":"secret"}}""");
        }

        _time.Advance(TimeSpan.FromMilliseconds(CommandRouter.LinePeriod));
        Receive("""{"op":99,"d":{}}""");

        await Assert.That(string.Join('\n', _logger.Entries)).IsEqualTo("""
            Warning Commands of workers that were not sent to Discord since the last such line: 1. The latest, with opcode 8: guild_id is no id
            Warning Commands of workers that were not sent to Discord since the last such line: 100. The latest, with opcode 99: workers may not send opcode 99
            """);
        await Assert.That(Counts).IsEqualTo("op 8: 100 Invalid; other: 1 NotForWorkers");
    }

    [Test]
    [Arguments(1)]
    [Arguments(2)]
    public async Task Noise_never_throws(int seed)
    {
        Random random = new(seed);
        byte[] alphabet = [.. "{}[]\",:\\ue0158n"u8, 0xFF, 0xC3];
        byte[] sample = Encoding.UTF8.GetBytes($$$"""{"op":8,"d":{"guild_id":"{{{Guild(5)}}}","user_ids":["1",2],"nonce":"\u00e9\ud83d\ude00","presences":true},"shard":5}""");
        const int Rounds = 20_000;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] input = [.. sample];
            for (int i = random.Next(0, 3); i > 0; i--)
            {
                input[random.Next(input.Length)] = alphabet[random.Next(alphabet.Length)];
            }

            _router.Receive(input);
        }

        await Assert.That(_router.Counts.Total + _sent.Count).IsEqualTo(Rounds);
        await Assert.That(_sent.Count).IsBetween(Rounds / 4, Rounds - 100);
    }

    private static ulong Guild(int shard, int number = 0) => ((ulong)((Total * (1_000 + number)) + shard) << 22) | 12_345;

    private string Counts => _router.Counts.ToString();

    private void Receive(string payload) => _router.Receive(Encoding.UTF8.GetBytes(payload));
}
