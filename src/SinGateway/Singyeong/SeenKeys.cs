using System.Numerics;
using System.Runtime.InteropServices;

namespace SinGateway.Singyeong;

/// <summary>
/// The keys of the objects that are open while JSON is transcoded, to find a key that stands twice in one object: a map of ETF with two equal
/// keys is invalid, and fatal to the connection. A hash table whose entries are removed in reverse order when their object ends, so that it
/// stays as small as what is open. Keys are Discord's names and ids, not texts of its users.
/// </summary>
internal sealed class SeenKeys
{
    private const int UsualKeys = 128;

    /// <summary>Room for more keys than these is given back after the event.</summary>
    private const int RetainedKeys = 16 * 1024;

    /// <summary>Odd and without a pattern: 2^64 divided by the golden ratio, and by the square root of two.</summary>
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private const ulong Silver = 0xB504F333F9DE6485;

    private Key[] _keys = new Key[UsualKeys];

    /// <summary>Indices into the keys plus one; 0 is free. Twice as many as there may be keys.</summary>
    private int[] _slots = new int[UsualKeys * 2];

    /// <summary>The keys of all open objects.</summary>
    public int Count { get; private set; }

    /// <summary>Before another message: forgets all keys.</summary>
    public void Clear()
    {
        if (_keys.Length > RetainedKeys)
        {
            _keys = new Key[UsualKeys];
            _slots = new int[UsualKeys * 2];
            Count = 0;
        }

        Truncate(0);
    }

    /// <summary>
    /// Enters the key that <paramref name="output"/> holds at <paramref name="start"/>; false when the object at <paramref
    /// name="depth"/> has it already. The bytes of keys must stay where they are while their object is open.
    /// </summary>
    public bool TryAdd(int depth, ReadOnlySpan<byte> output, int start, int length)
    {
        ReadOnlySpan<byte> text = output.Slice(start, length);
        uint hash = Hash(text, depth);
        int slot = (int)(hash & (uint)(_slots.Length - 1));
        for (; _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
        {
            ref readonly Key known = ref _keys[_slots[slot] - 1];
            if (known.Hash == hash && known.Depth == depth && output.Slice(known.Start, known.Length).SequenceEqual(text))
            {
                return false;
            }
        }

        if (Count == _keys.Length)
        {
            Grow();
            slot = FreeSlot(hash);
        }

        _keys[Count] = new Key(hash, depth, start, length, slot);
        _slots[slot] = ++Count;
        return true;
    }

    /// <summary>An object has ended: forgets all keys but the first <paramref name="count"/>.</summary>
    public void Truncate(int count)
    {
        while (Count > count)
        {
            _slots[_keys[--Count].Slot] = 0;
        }
    }

    private static uint Hash(ReadOnlySpan<byte> key, int depth)
    {
        ulong hash = (ulong)(uint)key.Length << 32 | (uint)depth;
        while (key.Length > sizeof(ulong))
        {
            hash = BitOperations.RotateLeft((hash ^ MemoryMarshal.Read<ulong>(key)) * Golden, 29);
            key = key[sizeof(ulong)..];
        }

        ulong rest = 0;
        if (key.Length >= sizeof(uint))
        {
            rest = (ulong)MemoryMarshal.Read<uint>(key) << 32 | MemoryMarshal.Read<uint>(key[^sizeof(uint)..]);
        }
        else
        {
            foreach (byte letter in key)
            {
                rest = rest << 8 | letter;
            }
        }

        return (uint)(((hash * Silver) ^ rest) * Golden >> 32);
    }

    private int FreeSlot(uint hash)
    {
        int slot = (int)(hash & (uint)(_slots.Length - 1));
        while (_slots[slot] != 0)
        {
            slot = (slot + 1) & (_slots.Length - 1);
        }

        return slot;
    }

    /// <summary>Enters every key again in the order in which it came, so that they can leave in the reverse one.</summary>
    private void Grow()
    {
        Array.Resize(ref _keys, _keys.Length * 2);
        _slots = new int[_keys.Length * 2];
        for (int i = 0; i < Count; i++)
        {
            ref Key key = ref _keys[i];
            key = key with { Slot = FreeSlot(key.Hash) };
            _slots[key.Slot] = i + 1;
        }
    }

    private readonly record struct Key(uint Hash, int Depth, int Start, int Length, int Slot);
}
