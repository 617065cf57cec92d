namespace SinGateway.Discord;

/// <summary>Transport compression of a gateway connection: the <c>compress</c> parameter of its URL.</summary>
internal enum GatewayCompression
{
    None,
    ZlibStream,
}
