namespace SinGateway.Singyeong;

/// <summary>Reads packets of the server in one of the binary encodings, as JSON, so that one reader understands them all.</summary>
internal interface IPacketReader
{
    /// <summary>How deep values may lie: what the stack of the loop's thread holds with ease, and deeper than the writers go.</summary>
    const int MaximumDepth = JsonTranscoder.MaximumDepth + 16;

    /// <summary>
    /// Writes the one value of <paramref name="packet"/>; false when it is malformed, nested too deep, or holds what JSON cannot. The
    /// packet may be hostile: no count in it is trusted, so time and memory are bounded by its length.
    /// </summary>
    static abstract bool TryRead(ReadOnlySpan<byte> packet, JsonOutput json);
}
