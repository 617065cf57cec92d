using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using SinGateway.Configuration;

namespace SinGateway.Operations;

/// <summary>One log entry as an object of JSON, for programs.</summary>
internal static class LogJson
{
    private const string Time = "time", Level = "level", Category = "category", Message = "message", Repeated = "repeated", Error = "exception", Stack = "stack";

    /// <summary>What stands beside a message's own values; a value of such a name gets an underscore behind it.</summary>
    private static readonly string[] Reserved = [Time, Level, Category, Message, Repeated, Error, Stack];

    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Wire format: <c>{"time":"2026-11-23T13:00:01.123Z","level":"INFO","category":"shard","message":"Shard 3 …","shard":3}</c> and a
    /// newline. <c>repeated</c> is how many entries it stands for, <c>exception</c> an exception's message and <c>stack</c> all of it.
    /// </summary>
    public static string Format(LogEntry entry)
    {
        ArrayBufferWriter<byte> line = new();
        using (Utf8JsonWriter json = new(line, Readable))
        {
            json.WriteStartObject();
            json.WriteString(Time, entry.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString(Level, LoggingLevels.NameOf(entry.Level));
            WriteText(json, Category, entry.Category);
            WriteText(json, Message, entry.Text);
            foreach ((string name, object? value) in entry.Values)
            {
                string key = JsonNamingPolicy.CamelCase.ConvertName(name);
                Write(json, Reserved.Contains(key) ? key + "_" : key, value);
            }

            if (entry.Repeated > 0)
            {
                json.WriteNumber(Repeated, entry.Repeated);
            }

            if (entry.Exception is { } exception)
            {
                WriteText(json, Error, exception.Message);
                if (entry.WithStack)
                {
                    WriteText(json, Stack, exception.ToString());
                }
            }

            json.WriteEndObject();
        }

        line.Write("\n"u8);
        return Encoding.UTF8.GetString(line.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, string key, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNull(key);
                break;
            case bool flag:
                json.WriteBoolean(key, flag);
                break;
            case int number:
                json.WriteNumber(key, number);
                break;
            case long number:
                json.WriteNumber(key, number);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumber(key, number);
                break;
            case IFormattable formattable:
                WriteText(json, key, formattable.ToString(null, CultureInfo.InvariantCulture));
                break;
            default:
                WriteText(json, key, value.ToString() ?? "");
                break;
        }
    }

    /// <summary>By way of bytes, so that half of a surrogate pair becomes U+FFFD and no exception.</summary>
    private static void WriteText(Utf8JsonWriter json, string key, string text) => json.WriteString(key, Encoding.UTF8.GetBytes(text));
}
