using System.Numerics;

namespace SinGateway.Sandbox.Verification;

/// <summary>
/// The set of the numbers that have arrived, where nearly all do: a bitmap that begins behind the unbroken run at its start, so that it is
/// as long as the span of the gaps and not as the test.
/// </summary>
internal sealed class NumberSet
{
    private ulong[] _words = new ulong[16];
    private long _firstWord;

    public long Count { get; private set; }

    /// <summary>Adds a number from 0 on. False when it is in already.</summary>
    public bool Add(long number)
    {
        long word = (number >> 6) - _firstWord;
        if (word < 0)
        {
            return false;
        }
        if (word >= _words.Length)
        {
            MakeRoom(ref word);
        }
        ulong bit = 1UL << (int)(number & 63);
        if ((_words[word] & bit) != 0)
        {
            return false;
        }
        _words[word] |= bit;
        Count++;
        return true;
    }

    public bool Contains(long number)
    {
        long word = (number >> 6) - _firstWord;
        return word < 0 || (word < _words.Length && (_words[word] & (1UL << (int)(number & 63))) != 0);
    }

    private void MakeRoom(ref long word)
    {
        int full = Array.FindIndex(_words, bits => bits != ulong.MaxValue);
        full = full < 0 ? _words.Length : full;
        long needed = word - full + 1;
        ulong[] target = needed > _words.Length / 2 ? new ulong[BitOperations.RoundUpToPowerOf2((ulong)needed) * 2] : _words;
        int kept = _words.Length - full;
        Array.Copy(_words, full, target, 0, kept);
        Array.Clear(target, kept, target.Length - kept);
        _words = target;
        _firstWord += full;
        word -= full;
    }
}
