using System.Buffers.Text;

namespace SinGateway.Forwarding;

/// <summary>
/// Reads the ids that targets need out of an event's bytes, <c>{"t":…,"s":…,"op":0,"d":{"guild_id":"…",…}}</c>, without parsing the rest:
/// the objects that can hold one are walked key by key, other values are skipped (<see cref="JsonSkip"/>), and reading stops as soon as
/// nothing more can be wanted. Of keys that stand twice the first counts, as at 신경. Keys may hold escapes.
/// <para>
/// An id is a string or an integer of digits only, without a leading zero, below 2^64; anything else is as good as absent, so that nothing
/// but digits ever reaches a target. Of bytes that are no JSON, what was found before the first error counts: whoever sends them on
/// learns from 신경 that they are none. Allocates nothing.
/// </para>
/// </summary>
internal ref struct EventFieldScan
{
    /// <summary>Bytes of the longest key that matters, <c>channel_id</c>; of an id 20 digits.</summary>
    private const int LongestContent = 20;

    /// <summary>An escape, <c>\u005f</c>, is six bytes for one.</summary>
    private const int LongestEscaped = 6 * LongestContent;

    private readonly ReadOnlySpan<byte> _json;
    private readonly Span<ulong> _values;
    private Place _wanted;
    private Place _found;
    private int _position;

    private EventFieldScan(ReadOnlySpan<byte> json, Span<ulong> values, Place wanted)
    {
        _json = json;
        _values = values;
        _wanted = wanted;
    }

    /// <summary>Where an id can stand, below <c>d</c>. Of those that mean the same, the one with the smaller bit counts.</summary>
    [Flags]
    private enum Place
    {
        None = 0,
        GuildId = 1,
        ChannelId = 2,
        Id = 4,
        UserId = 8,
        UserObjectId = 16,
        AuthorId = 32,
        MemberUserId = 64,
        AnyUser = UserId | UserObjectId | AuthorId | MemberUserId,
        All = 127,
    }

    /// <summary>The objects that are walked.</summary>
    private enum Level
    {
        Message,
        Data,
        User,
        Author,
        Member,
        MemberUser,
    }

    /// <summary>The ids of an event. <paramref name="message"/> is the whole of it, and <paramref name="fields"/> is not None.</summary>
    public static EventIds Read(ReadOnlySpan<byte> message, EventFields fields)
    {
        Place wanted = Place.None;
        if (Has(fields, EventFields.Guild))
        {
            wanted |= Has(fields, EventFields.IsGuild) ? Place.Id : Place.GuildId;
        }

        if (Has(fields, EventFields.Channel))
        {
            wanted |= Place.ChannelId | (Has(fields, EventFields.IsChannel) ? Place.Id : Place.None);
        }

        if (Has(fields, EventFields.User))
        {
            wanted |= Place.AnyUser;
        }

        Span<ulong> values = stackalloc ulong[7];
        EventFieldScan scan = new(message, values, wanted);
        scan.SkipSpace();
        scan.TryReadObject(Level.Message);
        return new EventIds(
            Has(fields, EventFields.IsGuild) ? scan.First(Place.Id) : scan.First(Place.GuildId),
            scan.First(Place.ChannelId) ?? (Has(fields, EventFields.IsChannel) ? scan.First(Place.Id) : null),
            scan.First(Place.AnyUser));
    }

    private static bool Has(EventFields fields, EventFields field) => (fields & field) != 0;

    /// <summary>The value of the first of these places that has one.</summary>
    private readonly ulong? First(Place places)
    {
        int found = (int)(_found & places);
        return found == 0 ? null : _values[int.TrailingZeroCount(found)];
    }

    /// <summary>
    /// Reads the object at the position, and moves behind it, or anywhere when nothing more is wanted. False when it is broken.
    /// </summary>
    private bool TryReadObject(Level level)
    {
        if (!TryTake((byte)'{'))
        {
            return false;
        }

        SkipSpace();
        if (TryTake((byte)'}'))
        {
            return true;
        }

        while (true)
        {
            if (!TryReadString(out ReadOnlySpan<byte> key, out bool hasEscape))
            {
                return false;
            }

            SkipSpace();
            if (!TryTake((byte)':'))
            {
                return false;
            }

            SkipSpace();
            Place places = PlacesBelow(level, key, hasEscape) & _wanted;
            if (!(places == Place.None ? TrySkipValue() : TryReadValue(level, places)))
            {
                return false;
            }

            if (_wanted == Place.None)
            {
                return true;
            }

            SkipSpace();
            if (TryTake((byte)'}'))
            {
                return true;
            }

            if (!TryTake((byte)','))
            {
                return false;
            }

            SkipSpace();
        }
    }

    /// <summary>Reads a value at or below which something wanted stands; afterwards those places are no longer wanted.</summary>
    private bool TryReadValue(Level level, Place places)
    {
        bool isWell;
        if (InnerLevel(level, places) is { } inner)
        {
            isWell = _position < _json.Length && _json[_position] == '{' ? TryReadObject(inner) : TrySkipValue();
        }
        else
        {
            isWell = TryReadId(places);
        }

        _wanted &= ~places;
        return isWell;
    }

    /// <summary>What can stand at or below a key.</summary>
    private static Place PlacesBelow(Level level, scoped ReadOnlySpan<byte> key, bool hasEscape)
    {
        Span<byte> unescaped = stackalloc byte[LongestContent];
        if (hasEscape)
        {
            if (!TryUnescape(key, unescaped, out int length))
            {
                return Place.None;
            }

            key = unescaped[..length];
        }

        return level switch
        {
            Level.Message => key.SequenceEqual("d"u8) ? Place.All : Place.None,
            Level.Data => key.Length switch
            {
                2 when key.SequenceEqual("id"u8) => Place.Id,
                4 when key.SequenceEqual("user"u8) => Place.UserObjectId,
                6 when key.SequenceEqual("author"u8) => Place.AuthorId,
                6 when key.SequenceEqual("member"u8) => Place.MemberUserId,
                7 when key.SequenceEqual("user_id"u8) => Place.UserId,
                8 when key.SequenceEqual("guild_id"u8) => Place.GuildId,
                10 when key.SequenceEqual("channel_id"u8) => Place.ChannelId,
                _ => Place.None,
            },
            Level.Member => key.SequenceEqual("user"u8) ? Place.MemberUserId : Place.None,
            _ when !key.SequenceEqual("id"u8) => Place.None,
            Level.User => Place.UserObjectId,
            Level.Author => Place.AuthorId,
            _ => Place.MemberUserId,
        };
    }

    /// <summary>The object that a key of this level opens on the way to the places; null when the key's value is the id.</summary>
    private static Level? InnerLevel(Level level, Place places) => (level, places) switch
    {
        (Level.Message, _) => Level.Data,
        (Level.Data, Place.UserObjectId) => Level.User,
        (Level.Data, Place.AuthorId) => Level.Author,
        (Level.Data, Place.MemberUserId) => Level.Member,
        (Level.Member, _) => Level.MemberUser,
        _ => null,
    };

    private bool TryReadId(Place place)
    {
        scoped ReadOnlySpan<byte> digits;
        Span<byte> unescaped = stackalloc byte[LongestContent];
        if (_position < _json.Length && _json[_position] == '"')
        {
            if (!TryReadString(out ReadOnlySpan<byte> content, out bool hasEscape))
            {
                return false;
            }

            digits = content;
            if (hasEscape)
            {
                digits = TryUnescape(digits, unescaped, out int length) ? unescaped[..length] : default;
            }
        }
        else
        {
            int start = _position;
            if (!TrySkipValue())
            {
                return false;
            }

            digits = _json[start.._position];
        }

        if (IsId(digits, out ulong id))
        {
            _values[int.TrailingZeroCount((int)place)] = id;
            _found |= place;

            // A user who stands at a better place makes the other places unwanted: those with greater bits.
            _wanted &= (place & Place.AnyUser) != 0 ? ~Place.AnyUser | (place - 1) : Place.All;
        }

        return true;
    }

    private static bool IsId(ReadOnlySpan<byte> digits, out ulong id)
    {
        id = 0;
        return digits.Length is >= 1 and <= LongestContent
            && digits[0] is >= (byte)'1' or (byte)'0' && (digits[0] != '0' || digits.Length == 1)
            && Utf8Parser.TryParse(digits, out id, out int used) && used == digits.Length;
    }

    private bool TryTake(byte expected)
    {
        if (_position >= _json.Length || _json[_position] != expected)
        {
            return false;
        }

        _position++;
        return true;
    }

    private void SkipSpace()
    {
        while (_position < _json.Length && _json[_position] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            _position++;
        }
    }

    private bool TryReadString(out ReadOnlySpan<byte> content, out bool hasEscape)
    {
        int start = _position + 1;
        bool isWell = JsonSkip.TryString(_json, ref _position, out hasEscape);
        content = isWell ? _json[start..(_position - 1)] : default;
        return isWell;
    }

    private bool TrySkipValue() => JsonSkip.TryValue(_json, ref _position);

    /// <summary>
    /// What a string with escapes says, when it is ASCII and not longer than the destination; others are none that we look for.
    /// </summary>
    private static bool TryUnescape(ReadOnlySpan<byte> content, Span<byte> destination, out int length)
    {
        length = 0;
        if (content.Length > LongestEscaped)
        {
            return false;
        }

        for (int i = 0; i < content.Length; i++)
        {
            byte character = content[i];
            if (character == '\\')
            {
                // Of the escapes only \uXXXX can stand for a letter, a digit or the underscore.
                if (i + 5 >= content.Length || content[i + 1] != 'u'
                    || !Utf8Parser.TryParse(content.Slice(i + 2, 4), out ushort code, out int used, 'x') || used != 4 || code > sbyte.MaxValue)
                {
                    return false;
                }

                character = (byte)code;
                i += 5;
            }

            if (length == destination.Length)
            {
                return false;
            }

            destination[length++] = character;
        }

        return true;
    }
}
