using System.Numerics;
using System.Runtime.InteropServices;

namespace SinGateway.Forwarding;

/// <summary>
/// Names a rendered target in 64 bits, so that the lane of an event is known without keeping its text (G8). Eight bytes a step; targets come
/// from the operator's file, so nobody chooses them to collide. Event names are looked up by it, too.
/// </summary>
internal static class TargetHash
{
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    public static ulong Of(ReadOnlySpan<byte> target)
    {
        ulong hash = (ulong)target.Length;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(target);
        foreach (ulong word in words)
        {
            hash = BitOperations.RotateLeft((hash ^ word) * Multiplier, 29);
        }

        foreach (byte rest in target[(words.Length * sizeof(ulong))..])
        {
            hash = BitOperations.RotateLeft((hash ^ rest) * Multiplier, 29);
        }

        return hash ^ hash >> 32;
    }
}
