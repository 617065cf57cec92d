namespace SinGateway.Singyeong;

/// <summary>How the transcoding of a message from JSON ended.</summary>
internal enum TranscodeOutcome
{
    Written,

    /// <summary>It is no JSON (RFC 8259).</summary>
    Malformed,

    /// <summary>It is nested deeper than <see cref="JsonTranscoder.MaximumDepth"/>.</summary>
    TooDeep,
}
