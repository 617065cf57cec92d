using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

public sealed class SyntaxErrorTests
{
    private const string Comma = "a comma stands after the value, and YAML takes no comma there. Remove it, or put it inside quotes if it is part of the value.";
    private const string Hint = "Look for a wrong indent, a missing quote, bracket or colon, or a missing space behind a colon, here or in the line above.";
    private const string ColonHint = "Look for a wrong indent or a missing space behind a colon, here or in the line above, or put a text with a colon in quotes.";
    private const string NoFit = "this fits nothing above it: it is neither a key with its value nor an item of a list. " + Hint;

    [Test]
    [Arguments("", "1:1: the file is empty. Start from config.example.yaml.")]
    [Arguments("# nothing\n", "1:1: the file is empty. Start from config.example.yaml.")]
    [Arguments("- a", "1:1: a list stands where the keys belong. Start from config.example.yaml.")]
    [Arguments("a", "1:1: a single value stands where the keys belong. Start from config.example.yaml.")]
    public async Task A_yaml_file_without_keys_is_an_error(string text, string expected) =>
        await Assert.That(Sample.ErrorsOf(text)).IsEqualTo("config.yaml:" + expected);

    [Test]
    [Arguments("token: \"abc\",", "1:13: token: " + Comma)]
    [Arguments("token: abc,", "1:11: token: " + Comma)]
    [Arguments("token: 'a' ,", "1:12: token: " + Comma)]
    [Arguments("token: !!str abc", "1:8: token: YAML tags are not understood here. Remove it; quotes make a value text.")]
    [Arguments("token: abc\ntoken: def", "2:1: token: the key stands twice. Remove one of the two.")]
    [Arguments("token: abc\n<<: {stateFile: a}", "2:1: <<: merge keys are not part of YAML 1.2. Write the keys out.")]
    [Arguments("token: abc\n? [a]\n: b", "2:3: a key is a list or a mapping. Keys are text. A value that starts with { or [ needs quotes around it.")]
    [Arguments("token: abc\nstateFile: |\n  x,\n", "")]
    [Arguments("token: abc\nstateFile: \"x,\"", "")]
    public async Task A_mistake_that_leaves_the_rest_readable_is_one_error(string firstLine, string expected) =>
        await Assert.That(Sample.ErrorsOf(Sample.With(1, firstLine))).IsEqualTo(expected.Length == 0 ? "" : "config.yaml:" + expected);

    [Test]
    [Arguments("a: [1, 2],\nb: 2,", "1:10: a: " + Comma)]
    [Arguments("a:\n  - \"b\",\n  - \"c\"", "2:8: a[0]: " + Comma)]
    [Arguments("a: é\nb: \"😀\",", "2:8: b: " + Comma)]
    [Arguments("a: [*]", "1:5: a: a value starts with *. A * alone needs quotes: \"*\".")]
    [Arguments("a: *b", "1:4: a: the alias has no anchor before it. Write the value out, or put it in quotes if it is meant as text.")]
    [Arguments("a: @b", "1:4: a: a value starts with @. Put it in quotes.")]
    [Arguments("a: 1\nb:\n\tc: 1", "3:1: b: a tab stands in an indent. Indent with spaces.")]
    [Arguments("a:\n{\nb: 1}", "3:1: a: not valid YAML: what follows here cannot be read. " + Hint)]
    [Arguments("a: !![", "1:7: a: not valid YAML: what follows here cannot be read. " + Hint)]
    [Arguments("a: \"b", "1:4: a: the text in quotes that starts here does not end well. Look for the missing quote, or double each \\ in it.")]
    [Arguments("a: 1\n  b: 2", "2:4: a: a colon stands where no key can be. " + ColonHint)]
    [Arguments("a: b: c", "1:5: a: a colon stands where no key can be. " + ColonHint)]
    [Arguments("a:\n  - b: x\n\tc: 1", "3:1: a[0].b: a tab stands in an indent. Indent with spaces.")]
    [Arguments("a:\n  - b: 1\n   c: 2", "3:4: a[0]: " + NoFit)]
    [Arguments("a: 1\nb:2", "2:1: a: what stands here is no key with its value. " + Hint)]
    [Arguments("a:1\nb: 2", "2:2: a colon stands where no key can be. " + ColonHint)]
    [Arguments("a: 1\nb: \0\nc: 2", "2:4: a zero byte stands here. Save the file as plain text in UTF-8.")]
    [Arguments("a: 1\n---\nb: 1", "2:1: the file holds a second document. Remove the line --- and what follows.")]
    public async Task What_is_not_yaml_is_pointed_at(string text, string expected) =>
        await Assert.That(Sample.ErrorsOf(text)).Contains("config.yaml:" + expected);

    [Test]
    [Arguments("", "1:1: the file is empty. Start from config.example.yaml.")]
    [Arguments(" \n", "1:1: the file is empty. Start from config.example.yaml.")]
    [Arguments("[]", "1:1: a list stands where the keys belong. Start from config.example.yaml.")]
    [Arguments("{\n\t\"token\": \"abc\",\n}", "3:1: token: not valid JSON. JSON takes no comma before a closing bracket.")]
    [Arguments("{\"a\": [1,\t]}", "1:11: a[0]: not valid JSON. JSON takes no comma before a closing bracket.")]
    [Arguments("{ // why\n}", "1:3: not valid JSON. JSON takes no comments; config.yaml does.")]
    [Arguments("{'a': 1}", "1:2: not valid JSON. JSON takes only double quotes.")]
    [Arguments("{\"é😀\": nul}", "1:12: é😀: not valid JSON. Look for a missing comma, quote or bracket, here or just before.")]
    [Arguments("{\"a\": 1", "1:8: a: not valid JSON. The file ends before its last bracket or quote is closed.")]
    [Arguments("{\"a\": 1}\n{}", "2:1: not valid JSON. Look for a missing comma, quote or bracket, here or just before.")]
    [Arguments("{\"a\":\n \"\\ud800\"}", "2:2: a: not valid JSON: a \\u escape is half of a pair. Write both halves, or the character itself.")]
    public async Task What_is_not_json_is_pointed_at(string text, string expected) =>
        await Assert.That(Sample.ErrorsOf(text, "config.json")).IsEqualTo("config.json:" + expected);

    [Test]
    public async Task A_json_key_that_stands_twice_is_an_error()
    {
        const string Text = """
            {"token": "a", "singyeongDSN": "singyeong://g@h",
             "token": "b", "forwarding": {"type": "send", "target": {"application": "w"}, "events": ["*"]}}
            """;

        await Assert.That(Sample.ErrorsOf(Text, "config.json")).IsEqualTo("config.json:2:2: token: the key stands twice. Remove one of the two.");
    }

    [Test]
    public async Task Tabs_may_indent_json_inside_yaml() =>
        await Assert.That(Sample.ErrorsOf(Sample.With(5, "  target: {\n\t\t\"application\":\"worker\"\n\t}"))).IsEmpty();

    /// <summary>Seeded, so that a failure comes back: bytes of a real file are changed, moved, doubled and cut at random.</summary>
    [Test]
    [Arguments("config.yaml")]
    [Arguments("config.json")]
    public async Task No_mutation_of_a_file_makes_the_reader_throw(string name)
    {
        const string Special = "{}[]:,-?*&!|>'\"%@`#\n\r\t \\$/0é\uD83D\uDE00~<=.…\0\u2028";
        string[] seeds = name.EndsWith("yaml", StringComparison.Ordinal)
            ? [Sample.Text, Sample.WithOperator("{path: /a, op: $and, with: [{op: $eq}]}"), "a: &a [1, *a]\nb: >-\n  x\n  y\n? z\n: !t 'u'\n---\n..."]
            : ["""{"token":"a","forwarding":[{"type":"send","target":{"application":"b","ops":[]},"events":["*"]}],"x":[1,-2e3,null,true,"\u00e9\ud83d\ude00"]}"""];
        Random random = new(20260724);
        int read = 0;
        for (int turn = 0; turn < 5_000; turn++)
        {
            List<char> text = [.. seeds[random.Next(seeds.Length)]];
            for (int edits = random.Next(1, 6); edits > 0 && text.Count > 0; edits--)
            {
                int at = random.Next(text.Count);
                switch (random.Next(4))
                {
                    case 0:
                        text[at] = Special[random.Next(Special.Length)];
                        break;
                    case 1:
                        text.Insert(at, Special[random.Next(Special.Length)]);
                        break;
                    case 2:
                        text.RemoveRange(at, Math.Min(random.Next(1, 8), text.Count - at));
                        break;
                    default:
                        text.InsertRange(at, text.GetRange(random.Next(text.Count), 1));
                        break;
                }
            }

            ConfigurationResult result = Sample.Load(new string([.. text]), name);
            read += result.Configuration is null == result.Errors.Count > 0 ? 1 : 0;
        }

        await Assert.That(read).IsEqualTo(5_000);
    }
}
