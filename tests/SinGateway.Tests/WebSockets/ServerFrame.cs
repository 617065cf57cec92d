using System.Buffers.Binary;
using SinGateway.WebSockets;

namespace SinGateway.Tests.WebSockets;

/// <summary>
/// Frames of the other side, written and read byte by byte after RFC 6455, section 5.2, to hold the client's codec against.
/// </summary>
internal static class ServerFrame
{
    /// <summary>An unmasked frame.</summary>
    public static byte[] Build(Opcode opcode, ReadOnlySpan<byte> payload, bool final = true)
    {
        byte[] header = Header(opcode, (ulong)payload.Length, final);
        return [.. header, .. payload];
    }

    /// <summary>
    /// The header of an unmasked frame whose payload is said to have <paramref name="length"/> bytes, in the shortest form.
    /// </summary>
    public static byte[] Header(Opcode opcode, ulong length, bool final = true)
    {
        byte first = (byte)((final ? 0x80 : 0) | (byte)opcode);
        byte[] wide = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(wide, length);
        return length switch
        {
            < 126 => [first, (byte)length],
            <= ushort.MaxValue => [first, 126, .. wide[6..]],
            _ => [first, 127, .. wide],
        };
    }

    /// <summary>Reads one masked frame: null while it is not whole.</summary>
    public static (Opcode Opcode, bool Final, byte[] Payload, int Size)? ReadMasked(ReadOnlySpan<byte> input)
    {
        if (input.Length < 2 || (input[1] & 0x80) == 0)
        {
            return null;
        }

        int length = input[1] & 0x7F;
        int keyStart = length switch { 126 => 4, 127 => 10, _ => 2 };
        if (input.Length < keyStart + 4)
        {
            return null;
        }

        if (length >= 126)
        {
            length = 0;
            foreach (byte digit in input[2..keyStart])
            {
                length = (length << 8) | digit;
            }
        }

        int start = keyStart + 4;
        if (input.Length < start + length)
        {
            return null;
        }

        byte[] payload = new byte[length];
        for (int i = 0; i < length; i++)
        {
            payload[i] = (byte)(input[start + i] ^ input[keyStart + i % 4]);
        }

        return ((Opcode)(input[0] & 0x0F), (input[0] & 0x80) != 0, payload, start + length);
    }
}
