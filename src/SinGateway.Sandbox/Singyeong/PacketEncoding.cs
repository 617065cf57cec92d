namespace SinGateway.Sandbox.Singyeong;

/// <summary>How a client writes and reads packets: the <c>encoding</c> of its URL.</summary>
internal enum PacketEncoding
{
    Json,
    Msgpack,
    Etf,
}
