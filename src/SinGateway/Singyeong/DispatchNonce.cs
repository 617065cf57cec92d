using System.Buffers.Binary;
using System.Buffers.Text;

namespace SinGateway.Singyeong;

/// <summary>
/// The name of a dispatch, <c>shard:session:seq:rule</c> (G7): an event keeps it over every replay, so that workers can drop repeats, and a
/// no_route answer says by it what came back.
/// </summary>
internal readonly record struct DispatchNonce(int ShardId, ulong SessionTag, long Seq, int Rule)
{
    private const int TagSize = 8;

    /// <summary>The tag's eight digits as a number, for comparing.</summary>
    public static ulong Tag(ReadOnlySpan<byte> digits) => BinaryPrimitives.ReadUInt64LittleEndian(digits);

    /// <summary>Reads the nonce of an answer; false when it is not one of ours.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out DispatchNonce nonce)
    {
        nonce = default;
        if (!TakeNumber(ref text, out long shardId) || text.Length < TagSize + 1 || text[TagSize] != (byte)':' || shardId > int.MaxValue)
        {
            return false;
        }

        ulong tag = Tag(text);
        text = text[(TagSize + 1)..];
        if (!TakeNumber(ref text, out long seq) || !Utf8Parser.TryParse(text, out int rule, out int digits) || digits != text.Length || rule < 0)
        {
            return false;
        }

        nonce = new DispatchNonce((int)shardId, tag, seq, rule);
        return true;
    }

    private static bool TakeNumber(ref ReadOnlySpan<byte> text, out long number)
    {
        bool reads = Utf8Parser.TryParse(text, out number, out int digits) && number >= 0 && digits < text.Length && text[digits] == (byte)':';
        text = reads ? text[(digits + 1)..] : text;
        return reads;
    }
}
