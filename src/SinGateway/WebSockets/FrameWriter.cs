using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace SinGateway.WebSockets;

/// <summary>
/// Writes the frames of a client (RFC 6455, section 5.2): whole messages in one masked frame each. The payload is put into place by the
/// caller, between <see cref="Begin"/> and <see cref="End"/>, so that it is copied once.
/// <code>
/// FIN RSV opcode | MASK length (7) | length (16 or 64, if 126 or 127) | masking key (32) | payload
/// </code>
/// </summary>
internal static class FrameWriter
{
    /// <summary>The most that stands before a payload, in bytes.</summary>
    public const int MaximumHeaderSize = 14;

    private const byte Final = 0x80;
    private const byte Masked = 0x80;
    private const byte Length16 = 126;
    private const byte Length64 = 127;
    private const int KeySize = 4;

    /// <summary>Bytes before a payload of <paramref name="payloadLength"/> bytes.</summary>
    public static int HeaderSize(int payloadLength) => KeySize + (payloadLength < Length16 ? 2 : payloadLength <= ushort.MaxValue ? 4 : 10);

    /// <summary>
    /// Writes the header, without its key, to the front of <paramref name="frame"/> and returns where the payload starts.
    /// </summary>
    public static int Begin(Span<byte> frame, Opcode opcode, int payloadLength)
    {
        frame[0] = (byte)(Final | (byte)opcode);
        if (payloadLength < Length16)
        {
            frame[1] = (byte)(Masked | payloadLength);
            return 2 + KeySize;
        }

        if (payloadLength <= ushort.MaxValue)
        {
            frame[1] = Masked | Length16;
            BinaryPrimitives.WriteUInt16BigEndian(frame[2..], (ushort)payloadLength);
            return 4 + KeySize;
        }

        frame[1] = Masked | Length64;
        BinaryPrimitives.WriteUInt64BigEndian(frame[2..], (ulong)payloadLength);
        return 10 + KeySize;
    }

    /// <summary>
    /// Writes the masking key before <paramref name="payloadStart"/> and masks what follows it, to the end of <paramref name="frame"/>.
    /// </summary>
    public static void End(Span<byte> frame, int payloadStart, uint key)
    {
        Unsafe.WriteUnaligned(ref frame[payloadStart - KeySize], key);
        Mask(frame[payloadStart..], key);
    }

    /// <summary>The payload of a whole frame that was written here, as it was before it was masked: a copy.</summary>
    public static byte[] Unmasked(ReadOnlySpan<byte> frame)
    {
        int start = KeySize + (frame[1] & ~Masked) switch
        {
            Length16 => 4,
            Length64 => 10,
            _ => 2,
        };
        byte[] payload = frame[start..].ToArray();
        Mask(payload, Unsafe.ReadUnaligned<uint>(in frame[start - KeySize]));
        return payload;
    }

    /// <summary>Writes a whole frame and returns its size.</summary>
    public static int Write(Span<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, uint key)
    {
        int start = Begin(destination, opcode, payload.Length);
        payload.CopyTo(destination[start..]);
        End(destination[..(start + payload.Length)], start, key);
        return start + payload.Length;
    }

    /// <summary>
    /// XORs each byte i with byte i mod 4 of <paramref name="key"/> as it stands in memory (section 5.3); the same call unmasks.
    /// </summary>
    public static void Mask(Span<byte> payload, uint key)
    {
        Span<Vector<uint>> vectors = MemoryMarshal.Cast<byte, Vector<uint>>(payload);
        var wideKey = new Vector<uint>(key);
        for (int i = 0; i < vectors.Length; i++)
        {
            vectors[i] ^= wideKey;
        }

        Span<byte> rest = payload[(vectors.Length * Vector<byte>.Count)..];
        for (int i = 0; i < rest.Length; i++)
        {
            rest[i] ^= (byte)(BitConverter.IsLittleEndian ? key >> (i % 4 * 8) : key >> (24 - i % 4 * 8));
        }
    }
}

/// <summary>
/// Masking keys from the system's strong random source (RFC 6455, section 10.3), fetched many at a time. Belongs to one thread.
/// </summary>
internal sealed class MaskingKeys
{
    private readonly uint[] _keys = new uint[512];
    private int _next = 512;

    public uint Next()
    {
        if (_next == _keys.Length)
        {
            RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(_keys.AsSpan()));
            _next = 0;
        }

        return _keys[_next++];
    }
}
