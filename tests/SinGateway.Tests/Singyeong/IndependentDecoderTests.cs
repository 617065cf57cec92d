using System.Buffers.Binary;
using System.Text;
using SinGateway.Singyeong;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Singyeong;

/// <summary>
/// What the transcoder writes, read by decoders that share no code with it: Python's msgpack, and Erlang itself. Debian has them as
/// python3-msgpack and erlang-base.
/// </summary>
public sealed class IndependentDecoderTests
{
    /// <summary>What a random document may miss.</summary>
    private static readonly string[] Edges =
    [
        Transcoding.Message,
        "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890", $"-1{new string('0', 300)}", $"{new string('9', 614)}",
        "1e400", "-1e400", "-0.0", "5e-324",
        $"\"{new string('x', 31)}\"", $"\"{new string('x', 32)}\"", $"\"{new string('x', 255)}\"", $"\"{new string('x', 256)}\"",
        $"\"{new string('x', 65_535)}\"", $"\"{new string('x', 65_536)}\"", $"\"{new string('x', 65_536)}\\n\"",
        $"[{string.Join(',', Enumerable.Range(0, 70_000))}]",
        $"{{{string.Join(',', Enumerable.Range(0, 70_000).Select(i => $"\"{i}\":{i}"))}}}",
        $"[{string.Join(',', Enumerable.Repeat("[[]]", 16))}]", $"{{\"a\":[{string.Join(',', Enumerable.Repeat("\"0123456789\"", 200))}],\"b\":{{}}}}",
        new string('[', 512) + new string(']', 512),
        """{"a":1,"\u0061":2,"b":{"a":1,"b":[],"a":{"a":1}}}""",
    ];

    [Test]
    public async Task Msgpack_reads_in_Python_as_the_JSON_that_it_was()
    {
        OtherProgram.RequireOrSkip("python3-msgpack", "/usr/bin/python3", "-c", "import msgpack");
        using TemporaryDirectory directory = new();
        int count = WriteCases(SingyeongEncoding.Msgpack, directory.File("cases"));

        await Assert.That(OtherProgram.Run("/usr/bin/python3", Script("compare.py"), "msgpack", directory.File("cases"))).IsEqualTo($"{count}\n");
    }

    [Test]
    public async Task Etf_reads_in_Erlang_as_the_JSON_that_it_was()
    {
        OtherProgram.RequireOrSkip("erlang-base", "erl", "-noshell", "-eval", "halt(0).");
        OtherProgram.RequireOrSkip("python3", "/usr/bin/python3", "-c", "import json");
        using TemporaryDirectory directory = new();
        int count = WriteCases(SingyeongEncoding.Etf, directory.File("cases"));

        OtherProgram.Run("erl", "-noshell", "-eval", $$"""
            {ok, Module, Code} = compile:file("{{Script("decode.erl")}}", [binary]),
            {module, Module} = code:load_binary(Module, "decode.erl", Code),
            Module:main("{{directory.File("cases")}}", "{{directory.File("decoded")}}").
            """);

        await Assert.That(OtherProgram.Run("/usr/bin/python3", Script("compare.py"), "etf", directory.File("cases"), directory.File("decoded"))).IsEqualTo($"{count}\n");
    }

    private static int WriteCases(SingyeongEncoding encoding, string file)
    {
        RandomJson random = new(new Random(20_261_124));
        string[] documents = [.. Edges, .. Enumerable.Range(0, 5_000).Select(_ => random.Next())];
        using FileStream output = File.Create(file);
        Span<byte> length = stackalloc byte[4];
        foreach (string json in documents)
        {
            foreach (byte[] part in (byte[][])[Encoding.UTF8.GetBytes(json), Transcoding.Encode(encoding, json)])
            {
                BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
                output.Write(length);
                output.Write(part);
            }
        }

        return documents.Length;
    }

    private static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Singyeong", "Decoders", name);
}
