using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SinGateway.Sandbox.Net;

internal enum WebSocketOpcode : byte
{
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// <summary>
/// The frame of RFC 6455, section 5.2, as pure functions. Written for the server's side only, and apart from the gateway's own codec,
/// so that each checks the other.
/// </summary>
internal static class WebSocketFrame
{
    /// <summary>2 bytes, and 8 more for a length above 65,535. A server does not mask.</summary>
    public const int MaxServerHeader = 10;

    public static int WriteHeader(Span<byte> destination, WebSocketOpcode opcode, bool isFinal, int length)
    {
        destination[0] = (byte)((isFinal ? 0x80 : 0) | (byte)opcode);
        if (length < 126)
        {
            destination[1] = (byte)length;
            return 2;
        }
        if (length <= ushort.MaxValue)
        {
            destination[1] = 126;
            BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)length);
            return 4;
        }
        destination[1] = 127;
        BinaryPrimitives.WriteUInt64BigEndian(destination[2..], (ulong)length);
        return 10;
    }

    /// <summary>
    /// Removes the client's mask in place (section 5.3). <paramref name="key"/> is the four mask bytes as they lie in memory.
    /// </summary>
    public static void Unmask(Span<byte> payload, uint key)
    {
        ref byte start = ref MemoryMarshal.GetReference(payload);
        nuint offset = 0;
        nuint length = (nuint)payload.Length;
        if (length >= (nuint)Vector256<byte>.Count)
        {
            Vector256<byte> mask = Vector256.Create(key).AsByte();
            nuint last = length - (nuint)Vector256<byte>.Count;
            for (; offset <= last; offset += (nuint)Vector256<byte>.Count)
            {
                (Vector256.LoadUnsafe(ref start, offset) ^ mask).StoreUnsafe(ref start, offset);
            }
        }
        Span<byte> keyBytes = stackalloc byte[4];
        Unsafe.WriteUnaligned(ref MemoryMarshal.GetReference(keyBytes), key);
        for (; offset < length; offset++)
        {
            Unsafe.Add(ref start, offset) ^= keyBytes[(int)(offset & 3)];
        }
    }
}
