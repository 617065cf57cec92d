using SinGateway.Loop;

namespace SinGateway.Spooling;

/// <summary>The file system refused something; the message is its reason in words, as "No space left on device".</summary>
internal sealed class SpoolFileException(int error) : IOException(SystemCalls.Describe(error))
{
    /// <summary>The errno.</summary>
    public int Error { get; } = error;
}
