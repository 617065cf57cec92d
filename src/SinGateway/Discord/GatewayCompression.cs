namespace SinGateway.Discord;

/// <summary>
/// Transport compression of a gateway connection: the <c>compress</c> parameter of its URL
/// (https://docs.discord.com/developers/events/gateway#transport-compression).
/// </summary>
internal enum GatewayCompression
{
    None,
    ZlibStream,
    ZstdStream,
}
