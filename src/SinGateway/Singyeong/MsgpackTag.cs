namespace SinGateway.Singyeong;

/// <summary>The first byte of each value: https://github.com/msgpack/msgpack/blob/master/spec.md#formats</summary>
internal static class MsgpackTag
{
    public const byte FixMap = 0x80;
    public const byte FixArray = 0x90;
    public const byte FixStr = 0xA0;
    public const byte Nil = 0xC0;
    public const byte False = 0xC2;
    public const byte True = 0xC3;
    public const byte Bin8 = 0xC4;
    public const byte Bin16 = 0xC5;
    public const byte Bin32 = 0xC6;
    public const byte Float32 = 0xCA;
    public const byte Float64 = 0xCB;
    public const byte Uint8 = 0xCC;
    public const byte Uint16 = 0xCD;
    public const byte Uint32 = 0xCE;
    public const byte Uint64 = 0xCF;
    public const byte Int8 = 0xD0;
    public const byte Int16 = 0xD1;
    public const byte Int32 = 0xD2;
    public const byte Int64 = 0xD3;
    public const byte Str8 = 0xD9;
    public const byte Str16 = 0xDA;
    public const byte Str32 = 0xDB;
    public const byte Array16 = 0xDC;
    public const byte Array32 = 0xDD;
    public const byte Map16 = 0xDE;
    public const byte Map32 = 0xDF;
    public const byte NegativeFixInt = 0xE0;

    /// <summary>The most that fits into the first byte itself.</summary>
    public const int MaximumFixInt = 0x7F;
    public const int MaximumFixStr = 31;
    public const int MaximumFixCount = 15;
}
