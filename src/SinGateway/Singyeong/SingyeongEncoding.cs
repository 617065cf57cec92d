namespace SinGateway.Singyeong;

/// <summary>How packets are written on a 신경 connection: the <c>encoding</c> parameter of its URL.</summary>
internal enum SingyeongEncoding
{
    Json,
    Msgpack,
    Etf,
}
