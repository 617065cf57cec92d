using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// One spelling for each value of JSON, so that what came through another encoding can be compared byte for byte: no white space, no escapes
/// that need not be.
/// </summary>
internal sealed class CanonicalJson : IDisposable
{
    public const int MaxDepth = 600;

    private readonly ArrayBufferWriter<byte> _bytes = new(4096);

    public CanonicalJson() => Writer = new Utf8JsonWriter(
        _bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth });

    public Utf8JsonWriter Writer { get; }

    /// <summary>Starts anew.</summary>
    public void Clear()
    {
        _bytes.ResetWrittenCount();
        Writer.Reset(_bytes);
    }

    /// <summary>What was written, until the next <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Finish()
    {
        Writer.Flush();
        return _bytes.WrittenSpan;
    }

    /// <summary>Another spelling of the same value.</summary>
    public ReadOnlySpan<byte> Rewrite(ReadOnlySpan<byte> json)
    {
        Clear();
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        JsonElement.ParseValue(ref reader).WriteTo(Writer);
        return Finish();
    }

    public void Dispose() => Writer.Dispose();
}
