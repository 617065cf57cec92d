using System.Buffers.Text;
using System.Globalization;
using System.Text.Unicode;

namespace SinGateway.Singyeong;

/// <summary>
/// JSON that grows value by value: the output of <see cref="IPacketReader"/>. Its memory is that of <paramref name="scratch"/>, which doubles
/// when it is full. Allocates nothing else. Belongs to the loop's thread.
/// </summary>
internal sealed class JsonOutput(ScratchMemory scratch)
{
    /// <summary>No number and no literal is longer.</summary>
    private const int LongestNumber = 32;

    /// <summary><c>\u001f</c>, or the quotes and what they hold at the least.</summary>
    private const int LongestEscape = 6;

    private int _length;

    public ReadOnlySpan<byte> Written => scratch.Span[.._length];

    public void Clear() => _length = 0;

    public void WriteRaw(byte character)
    {
        Room(1)[0] = character;
        _length++;
    }

    public void WriteRaw(ReadOnlySpan<byte> json)
    {
        json.CopyTo(Room(json.Length));
        _length += json.Length;
    }

    public void WriteInteger(long value)
    {
        Utf8Formatter.TryFormat(value, Room(LongestNumber), out int written);
        _length += written;
    }

    public void WriteInteger(ulong value)
    {
        Utf8Formatter.TryFormat(value, Room(LongestNumber), out int written);
        _length += written;
    }

    /// <summary>
    /// Writes the shortest digits that read back as the same double, and with a fraction, so that they do. JSON has neither infinities nor
    /// NaN: they are null.
    /// </summary>
    public void WriteFloat(double value)
    {
        if (!double.IsFinite(value))
        {
            WriteRaw("null"u8);
            return;
        }

        Span<byte> room = Room(LongestNumber);
        value.TryFormat(room, out int written, "R", CultureInfo.InvariantCulture);
        _length += written;
        if (room[..written].IndexOfAny((byte)'.', (byte)'E') < 0)
        {
            WriteRaw(".0"u8);
        }
    }

    /// <summary>Writes a string; what is no valid UTF-8 in it becomes U+FFFD.</summary>
    public void WriteText(ReadOnlySpan<byte> text)
    {
        WriteRaw((byte)'"');
        bool repair = !Utf8.IsValid(text);
        while (!text.IsEmpty)
        {
            int special = JsonText.FindSpecial(text, 0);
            ReadOnlySpan<byte> plain = text[..special];
            if (repair)
            {
                _length += JsonText.Repair(plain, Room(3 * plain.Length));
            }
            else
            {
                WriteRaw(plain);
            }

            if (special < text.Length)
            {
                WriteEscape(text[special++]);
            }

            text = text[special..];
        }

        WriteRaw((byte)'"');
    }

    /// <summary><c>\"</c>, <c>\\</c> or <c>\u00XX</c></summary>
    private void WriteEscape(byte character)
    {
        Span<byte> room = Room(LongestEscape);
        room[0] = (byte)'\\';
        if (character is (byte)'"' or (byte)'\\')
        {
            room[1] = character;
            _length += 2;
            return;
        }

        "u00"u8.CopyTo(room[1..]);
        Utf8Formatter.TryFormat(character, room[4..], out _, new System.Buffers.StandardFormat('x', 2));
        _length += LongestEscape;
    }

    private Span<byte> Room(int size)
    {
        scratch.Reserve(checked(_length + size), _length);
        return scratch.Span[_length..];
    }
}
