namespace SinGateway.Singyeong;

/// <summary>The first byte of each term: https://www.erlang.org/doc/apps/erts/erl_ext_dist.html</summary>
internal static class EtfTag
{
    public const byte Version = 131;

    public const byte NewFloat = 70;
    public const byte SmallInteger = 97;
    public const byte Integer = 98;
    public const byte Float = 99;
    public const byte Atom = 100;
    public const byte SmallTuple = 104;
    public const byte LargeTuple = 105;
    public const byte Nil = 106;
    public const byte String = 107;
    public const byte List = 108;
    public const byte Binary = 109;
    public const byte SmallBig = 110;
    public const byte SmallAtom = 115;
    public const byte Map = 116;
    public const byte AtomUtf8 = 118;
    public const byte SmallAtomUtf8 = 119;
}
