using System.Globalization;
using System.Text;

namespace SinGateway.Tests.Singyeong;

/// <summary>Random JSON with numbers at every edge, and every kind of text; the same for the same seed.</summary>
internal sealed class RandomJson(Random random)
{
    private static readonly string[] Numbers =
    [
        "0", "-0", "1", "-1", "127", "128", "255", "256", "-32", "-33", "-128", "-129", "32767", "32768", "-32768", "-32769", "65535", "65536",
        "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296", "9007199254740993", "-9007199254740993",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615", "9999999999999999999", "10000000000000000000",
        "0.0", "-0.0", "1.0", "0.1", "-1.5e3", "1e5", "1E+2", "1e-7", "5e-324", "1e-400", "2.2250738585072014e-308", "1.7976931348623157e308",
        "123456789.123456789", "0.30000000000000004", "9007199254740993.0", "1e22", "1e23", "8.5e-5",
    ];

    private static readonly string[] Texts =
    [
        "", "a", "신경", "안녕하세요", "größer", "🎉😂", "\\\"", "\\\\", "\\/", "\\b\\f\\n\\r\\t", "\\u0000", "\\u001f", "\\u00e9", "\\uD55C", "\\ud83d\\ude00",
        "\\ud800", "\\udc00", "\\ud800x", "\\ud800\\ud83d\\ude00", "\\udc00\\ud800", "\\ud800\\n", "\u007f", "\u0080", "\u07ff", "\u0800", "\uffff", "\U0010ffff", "<@1>", "https://a/?b=1&c=2",
    ];

    private readonly StringBuilder _json = new();

    public string Next()
    {
        _json.Clear();
        Value(0);
        return _json.ToString();
    }

    private void Value(int depth)
    {
        Space();
        switch (random.Next(depth > 6 ? 8 : 11))
        {
            case 0:
                _json.Append(random.Next(3) switch { 0 => "null", 1 => "true", _ => "false" });
                break;
            case < 3:
                _json.Append(Numbers[random.Next(Numbers.Length)]);
                break;
            case 3:
                _json.Append(random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(63));
                break;
            case 4:
                double value = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
                _json.Append(double.IsFinite(value) ? value.ToString("E16", CultureInfo.InvariantCulture) : "0.5");
                break;
            case < 8:
                Text();
                break;
            case < 10:
                Map(depth);
                break;
            default:
                List(depth);
                break;
        }
        Space();
    }

    private void Map(int depth)
    {
        int count = Count();
        _json.Append('{');
        for (int i = 0; i < count; i++)
        {
            _json.Append(i == 0 ? "" : ",");
            Space();
            if (random.Next(3) == 0)
            {
                _json.Append("\"key").Append(random.Next(count * 2)).Append(new string('x', random.Next(40))).Append('"');
            }
            else
            {
                Text();
            }
            Space();
            _json.Append(':');
            Value(depth + 1);
        }
        Space();
        _json.Append('}');
    }

    private void List(int depth)
    {
        int count = Count();
        _json.Append('[');
        for (int i = 0; i < count; i++)
        {
            _json.Append(i == 0 ? "" : ",");
            Value(depth + 1);
        }
        Space();
        _json.Append(']');
    }

    private void Text()
    {
        _json.Append('"');
        for (int parts = random.Next(4); parts >= 0; parts--)
        {
            _json.Append(random.Next(8) == 0 ? new string('y', random.Next(300)) : Texts[random.Next(Texts.Length)]);
        }
        _json.Append('"');
    }

    private int Count() => random.Next(30) == 0 ? random.Next(15, 20) : random.Next(4);

    private void Space() => _json.Append(random.Next(12) switch { 0 => " ", 1 => "\n\t", 2 => "\r ", _ => "" });
}
