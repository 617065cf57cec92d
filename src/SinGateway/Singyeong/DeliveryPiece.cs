namespace SinGateway.Singyeong;

/// <summary>What <see cref="Delivery.Next"/> says is to be written.</summary>
internal enum DeliveryPiece
{
    Nothing,
    Frames,
    Heartbeat,
}
