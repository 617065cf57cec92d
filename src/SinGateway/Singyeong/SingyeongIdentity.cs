namespace SinGateway.Singyeong;

/// <summary>Who the gateway is to 신경, and where 신경 is.</summary>
/// <param name="Uri">The socket's address, with its encoding.</param>
/// <param name="ClientId">Stable over restarts (G21): every new id costs the server memory for ever.</param>
/// <param name="Heartbeat">The packet of op 5.</param>
/// <param name="Identify">The packet of op 1. Holds the password: never logged.</param>
/// <param name="Encoding">How packets are written on the connection.</param>
internal sealed record SingyeongIdentity(
    Uri Uri, string ClientId, byte[] Heartbeat, byte[] Identify, SingyeongEncoding Encoding = SingyeongEncoding.Json)
{
    /// <summary>The same with its packets, which are in JSON, in the encoding of <paramref name="packets"/>.</summary>
    public SingyeongIdentity In(BinaryPackets packets) => this with { Heartbeat = packets.Encode(Heartbeat), Identify = packets.Encode(Identify) };
}
