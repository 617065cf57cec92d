using System.Text.Json;
using SinGateway.Sandbox.Verification;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>Reads the packets of one connection in its encoding; those that are not JSON by way of its canonical spelling.</summary>
internal sealed class PacketReader(PacketEncoding encoding, Ledger ledger)
{
    private readonly JsonPacketReader _packets = new(ledger, isCanonical: encoding != PacketEncoding.Json);
    private readonly CanonicalJson _json = new();

    /// <summary>What was wrong with the packet that was refused last.</summary>
    public string Refusal { get; private set; } = "";

    /// <summary>False when the real server would refuse it. The packet's parts hold until the next one is read.</summary>
    public bool TryRead(ReadOnlySpan<byte> bytes, out Packet packet)
    {
        Refusal = $"bad {encoding.ToString().ToUpperInvariant()}";
        if (encoding == PacketEncoding.Json)
        {
            return _packets.TryRead(bytes, out packet);
        }
        packet = default;
        try
        {
            return _packets.TryRead(Decode(bytes), out packet);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException or JsonException)
        {
            Refusal += $": {e.Message}";
            return false;
        }
    }

    private ReadOnlySpan<byte> Decode(ReadOnlySpan<byte> bytes)
    {
        _json.Clear();
        if (encoding == PacketEncoding.Msgpack)
        {
            new MsgpackDecoder(bytes, _json.Writer).Decode();
        }
        else
        {
            new EtfDecoder(bytes, _json.Writer).Decode();
        }
        return _json.Finish();
    }
}
