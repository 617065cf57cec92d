using SinGateway.Loop;

namespace SinGateway.Discord;

/// <summary>
/// What undoes the transport compression of one gateway connection: one context for its whole life, never shared, a new one for the next
/// connection (https://docs.discord.com/developers/events/gateway#transport-compression). What its subclasses have in common is the loop that
/// feeds a message to a decoder until it is consumed and fits; where a message ends and what a decoder calls broken is theirs.
/// </summary>
internal abstract class Inflater : IDisposable
{
    /// <summary>Answers of <see cref="Inflate"/> in place of a length.</summary>
    public const int Broken = -1;
    public const int TooLarge = -2;

    /// <summary>The context of a new connection, or null where messages come uncompressed. The caller's to dispose.</summary>
    public static Inflater? Create(GatewayCompression compression) => compression switch
    {
        GatewayCompression.ZlibStream => new ZlibInflater(),
        GatewayCompression.ZstdStream => new ZstdInflater(),
        _ => null,
    };

    /// <summary>True when what was received so far, in bytes of one or several websocket messages, ends a gateway message.</summary>
    public abstract bool EndsMessage(ReadOnlySpan<byte> compressed);

    /// <summary>
    /// Inflates a whole message into the loop's scratch buffer, without managed memory. Returns its length in bytes, or <see cref="Broken"/>,
    /// or <see cref="TooLarge"/> above <paramref name="maximum"/>; the context is then of no more use.
    /// </summary>
    public int Inflate(ReadOnlySpan<byte> compressed, LoopBuffers buffers, int maximum)
    {
        int consumed = 0, length = 0;
        while (true)
        {
            Span<byte> free = buffers.Scratch[length..];
            bool isSound = Decode(compressed[consumed..], free, out int read, out int written);
            consumed += read;
            length += written;
            if (isSound && length <= maximum)
            {
                if (written == free.Length)
                {
                    // There may be more, also when nothing is left to read.
                    buffers.GrowScratch(length);
                    continue;
                }

                if (consumed == compressed.Length && IsBetweenMessages)
                {
                    return length;
                }

                if (consumed < compressed.Length && read + written > 0)
                {
                    continue;
                }
            }

            buffers.ShrinkScratch();
            return length > maximum ? TooLarge : Broken;
        }
    }

    public abstract void Dispose();

    /// <summary>Whether a message may end where the decoder stands.</summary>
    protected virtual bool IsBetweenMessages => true;

    /// <summary>
    /// Goes on until the input is consumed or the output is full, and tells how many bytes of each it took; false when the stream is broken.
    /// </summary>
    protected abstract bool Decode(ReadOnlySpan<byte> input, Span<byte> output, out int read, out int written);
}
