using System.Text;
using System.Text.Json;

namespace SinGateway.Configuration;

/// <summary>Reads a JSON file into nodes. Strict: no comments, no trailing commas, no key twice.</summary>
internal ref struct JsonReader
{
    public const int MaxDepth = YamlReader.MaxDepth;

    private readonly ReadOnlySpan<byte> _json;
    private readonly ProblemList _problems;
    private Utf8JsonReader _reader;
    private int _line;
    private int _lineStart;
    private int _counted;
    private string _path;

    private JsonReader(ReadOnlySpan<byte> json, ProblemList problems)
    {
        _json = json;
        _problems = problems;
        _reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        _line = 1;
        _path = "";
    }

    /// <summary>The document, or null after an error. Errors go to <paramref name="problems"/>.</summary>
    public static ConfigurationNode? Read(string text, ProblemList problems)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            problems.Error(SourcePosition.Start, "", "the file is empty", "Start from config.example.yaml.");
            return null;
        }

        JsonReader reader = new(Encoding.UTF8.GetBytes(text), problems);
        try
        {
            reader._reader.Read();
            ConfigurationNode node = reader.ReadNode("");

            // What stands behind the document is refused by this.
            reader._path = "";
            reader._reader.Read();
            return node;
        }
        catch (JsonException exception)
        {
            reader.Report(exception);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, the one thing in a token that the reader accepts and cannot turn into text.
            problems.Error(reader.Position(), reader._path, "not valid JSON: a \\u escape is half of a pair", "Write both halves, or the character itself.");
        }

        return null;
    }

    private ConfigurationNode ReadNode(string path)
    {
        _path = path;
        SourcePosition position = Position();
        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadObject(position, path);
            case JsonTokenType.StartArray:
                List<ConfigurationNode> items = [];
                while (_reader.Read() && _reader.TokenType is not JsonTokenType.EndArray)
                {
                    items.Add(ReadNode(KeyPath.At(path, items.Count)));
                }

                return new SequenceNode(position, items);
            case JsonTokenType.String:
                string text = _reader.GetString()!;
                return new ScalarNode(position, text, text, ScalarKind.Text);
            default:
                string literal = Encoding.UTF8.GetString(_reader.ValueSpan);
                return new ScalarNode(position, literal, literal, CoreSchema.Resolve(literal));
        }
    }

    private MappingNode ReadObject(SourcePosition position, string path)
    {
        List<MappingEntry> entries = [];
        HashSet<string> keys = [];
        while (_reader.Read() && _reader.TokenType is JsonTokenType.PropertyName)
        {
            SourcePosition keyPosition = Position();
            string key = _reader.GetString()!;
            string keyPath = KeyPath.Of(path, key);
            _path = keyPath;
            _reader.Read();
            ConfigurationNode value = ReadNode(keyPath);
            _path = keyPath;
            if (keys.Add(key))
            {
                entries.Add(new MappingEntry(keyPosition, key, value));
            }
            else
            {
                _problems.Error(keyPosition, keyPath, "the key stands twice", "Remove one of the two.");
            }
        }

        return new MappingNode(position, entries);
    }

    private void Report(JsonException exception)
    {
        int index = 0;
        for (long line = exception.LineNumber ?? 0; line > 0; line--)
        {
            index += _json[index..].IndexOf((byte)'\n') + 1;
        }

        index = Math.Min(index + (int)(exception.BytePositionInLine ?? 0), _json.Length);

        // The reader does not count the bracket that it stands on.
        int depth = _reader.CurrentDepth + (_reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray ? 1 : 0);
        ReadOnlySpan<byte> before = _json[..index].TrimEnd(" \t\r\n"u8);
        string hint = (index < _json.Length ? _json[index] : (byte)0) switch
        {
            (byte)'[' or (byte)'{' when depth >= MaxDepth => $"It may nest {MaxDepth} levels deep, and here it goes deeper.",
            (byte)'}' or (byte)']' when before.EndsWith(","u8) => "JSON takes no comma before a closing bracket.",
            (byte)'/' or (byte)'#' => "JSON takes no comments; config.yaml does.",
            (byte)'\'' => "JSON takes only double quotes.",
            0 => "The file ends before its last bracket or quote is closed.",
            _ => "Look for a missing comma, quote or bracket, here or just before.",
        };
        _problems.Error(Position(index), _path, "not valid JSON", hint);
    }

    private SourcePosition Position() => Position((int)_reader.TokenStartIndex);

    /// <summary>The place of a byte. Goes forward only, but for the last call.</summary>
    private SourcePosition Position(int index)
    {
        for (; _counted < index; _counted++)
        {
            if (_json[_counted] == (byte)'\n')
            {
                _line++;
                _lineStart = _counted + 1;
            }
        }

        return new SourcePosition(_line, Encoding.UTF8.GetCharCount(_json[_lineStart..Math.Max(index, _lineStart)]) + 1);
    }
}
