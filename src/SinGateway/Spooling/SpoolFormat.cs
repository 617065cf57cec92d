using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace SinGateway.Spooling;

/// <summary>
/// The bytes of the spool's files, little-endian, as pure functions over spans. CRC-32C (RFC 3720, appendix B.4), because processors
/// compute it.
/// </summary>
/// <remarks>
/// <code>
/// segment: magic(8) version(4) crc(4, of what follows) first(8) confirmed(8), then records
/// record:  crc(4, of what follows) length(4, of the payload) number(8) session tag(8) seq(8) received(8, Unix ms) shard(4) rule(4) payload
/// position: confirmed(8) crc(4), at 0 and again at 4096, written in turn
/// </code>
/// A record's number tells its place in the whole spool, so that one that was written twice is read once, and a missing one is noticed.
/// </remarks>
internal static class SpoolFormat
{
    public const int SegmentHeader = 32;
    public const int RecordHeader = 48;
    public const int TagSize = 8;
    public const int PositionSlot = 12;
    public const int PositionSlotDistance = 4096;
    public const int PositionSize = PositionSlotDistance * 2;

    /// <summary>The largest payload in bytes: the largest event (G26), and room for what is written around it.</summary>
    public const int MaximumPayload = 65 * 1024 * 1024;

    private const uint Version = 1;
    private const int NumberOffset = 8;

    private static ReadOnlySpan<byte> Magic => "sgspool\n"u8;

    /// <param name="segment">At least <see cref="SegmentHeader"/> bytes.</param>
    /// <param name="first">The number of its first record.</param>
    /// <param name="confirmed">The confirmed mark at this moment: what is missing before it is no loss.</param>
    public static void WriteSegmentHeader(Span<byte> segment, long first, long confirmed)
    {
        Magic.CopyTo(segment);
        BinaryPrimitives.WriteUInt32LittleEndian(segment[8..], Version);
        BinaryPrimitives.WriteInt64LittleEndian(segment[16..], first);
        BinaryPrimitives.WriteInt64LittleEndian(segment[24..], confirmed);
        BinaryPrimitives.WriteUInt32LittleEndian(segment[12..], Crc32C(segment[16..SegmentHeader]));
    }

    public static bool TryReadSegmentHeader(ReadOnlySpan<byte> segment, out long first, out long confirmed)
    {
        first = confirmed = 0;
        if (segment.Length < SegmentHeader
            || !segment[..8].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(segment[8..]) != Version
            || BinaryPrimitives.ReadUInt32LittleEndian(segment[12..]) != Crc32C(segment[16..SegmentHeader]))
        {
            return false;
        }

        first = BinaryPrimitives.ReadInt64LittleEndian(segment[16..]);
        confirmed = BinaryPrimitives.ReadInt64LittleEndian(segment[24..]);
        return first > 0 && confirmed >= 0;
    }

    /// <summary>Writes everything but the checksum, which <see cref="Seal"/> adds. The buffer has the record's exact size.</summary>
    public static void WriteRecord(Span<byte> buffer, in SpoolRecord record, long number)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer[4..], record.Payload.Length);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[NumberOffset..], number);
        record.SessionTag[..TagSize].CopyTo(buffer[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[24..], record.Seq);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[32..], record.ReceivedAt);
        BinaryPrimitives.WriteInt32LittleEndian(buffer[40..], record.ShardId);
        BinaryPrimitives.WriteInt32LittleEndian(buffer[44..], record.RuleIndex);
        record.Payload.CopyTo(buffer[RecordHeader..]);
    }

    /// <summary>Writes the checksum of a whole record.</summary>
    public static void Seal(Span<byte> record) => BinaryPrimitives.WriteUInt32LittleEndian(record, Crc32C(record[4..]));

    public static bool IsIntact(ReadOnlySpan<byte> record) => BinaryPrimitives.ReadUInt32LittleEndian(record) == Crc32C(record[4..]);

    /// <summary>Bytes of the whole record whose header is given, as the header says; it may lie.</summary>
    public static long RecordSize(ReadOnlySpan<byte> header) => RecordHeader + (long)BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);

    public static long RecordNumber(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadInt64LittleEndian(header[NumberOffset..]);

    /// <summary>The record at the start of <paramref name="buffer"/>, which is whole and known to be intact; it points into the buffer.</summary>
    public static SpoolRecord ReadRecord(ReadOnlySpan<byte> buffer) => new()
    {
        Number = RecordNumber(buffer),
        SessionTag = buffer.Slice(16, TagSize),
        Seq = BinaryPrimitives.ReadInt64LittleEndian(buffer[24..]),
        ReceivedAt = BinaryPrimitives.ReadInt64LittleEndian(buffer[32..]),
        ShardId = BinaryPrimitives.ReadInt32LittleEndian(buffer[40..]),
        RuleIndex = BinaryPrimitives.ReadInt32LittleEndian(buffer[44..]),
        Payload = buffer[RecordHeader..(int)RecordSize(buffer)],
    };

    public static void WritePosition(Span<byte> slot, long confirmed)
    {
        BinaryPrimitives.WriteInt64LittleEndian(slot, confirmed);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[8..], Crc32C(slot[..8]));
    }

    /// <summary>The position in a slot; -1 when the slot is torn.</summary>
    public static long ReadPosition(ReadOnlySpan<byte> slot) =>
        BinaryPrimitives.ReadUInt32LittleEndian(slot[8..]) == Crc32C(slot[..8]) ? BinaryPrimitives.ReadInt64LittleEndian(slot) : -1;

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        int i = 0;
        for (; i + sizeof(ulong) <= bytes.Length; i += sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, Unsafe.ReadUnaligned<ulong>(in bytes[i]));
        }

        for (; i < bytes.Length; i++)
        {
            crc = BitOperations.Crc32C(crc, bytes[i]);
        }

        return ~crc;
    }
}
