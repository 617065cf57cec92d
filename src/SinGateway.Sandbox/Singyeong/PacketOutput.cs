using SinGateway.Sandbox.Net;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>Where the packets for one client go, and how it reads them.</summary>
internal readonly record struct PacketOutput(Outgoing Outgoing, PacketEncoding Encoding)
{
    /// <summary>Appends a packet, given in JSON, as one frame of the client's encoding.</summary>
    public void Append(ReadOnlySpan<byte> json)
    {
        if (Encoding == PacketEncoding.Json)
        {
            Outgoing.AppendFrame(WebSocketOpcode.Text, json);
        }
        else
        {
            Outgoing.AppendFrame(WebSocketOpcode.Binary, PacketEncoder.Encode(Encoding, json));
        }
    }
}
