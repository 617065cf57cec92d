using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace SinGateway.Configuration;

/// <summary>
/// Reads a YAML file of one document into nodes, over YamlDotNet's event parser. Nothing outside this file knows of YamlDotNet. Aliases
/// are followed, up to <see cref="MaxNodes"/> in all; tags and merge keys are refused.
/// </summary>
internal sealed class YamlReader
{
    public const int MaxDepth = 64;
    public const int MaxNodes = 20_000;

    /// <summary>So many stray commas are reported at once.</summary>
    private const int MaxCommas = 50;

    private readonly Scanner _scanner;
    private readonly Parser _parser;
    private readonly string _text;
    private readonly ProblemList _problems;
    private readonly Dictionary<AnchorName, (ConfigurationNode Node, int Count)> _anchors = [];
    private string _path = "";
    private int _nodes;

    private YamlReader(string text, ProblemList problems)
    {
        _scanner = new Scanner(new StringReader(text), skipComments: true);
        _parser = new Parser(_scanner);
        _text = text;
        _problems = problems;
    }

    /// <summary>The document, or null after an error that leaves nothing to read. Errors go to <paramref name="problems"/>.</summary>
    public static ConfigurationNode? Read(string text, ProblemList problems)
    {
        if (text.IndexOf('\0') is >= 0 and var zero)
        {
            // To the scanner it is the end of the file, and what follows would not be read.
            SourcePosition position = new(text.AsSpan(0, zero).Count('\n') + 1, zero - text.LastIndexOf('\n', zero));
            problems.Error(position, "", "a zero byte stands here", "Save the file as plain text in UTF-8.");
            return null;
        }

        for (int commas = 0; ; commas++)
        {
            YamlReader reader = new(text, problems);
            try
            {
                return reader.ReadStream();
            }
            catch (YamlException exception)
            {
                int index = (int)exception.Start.Index;
                reader.Report(exception);
                if (commas == MaxCommas || !IsCommaAt(text, index))
                {
                    return null;
                }

                // Read on as if the comma were not there, to find what else is wrong.
                text = string.Concat(text.AsSpan(0, index), " ", text.AsSpan(index + 1));
            }
        }
    }

    private ConfigurationNode? ReadStream()
    {
        Next<StreamStart>();
        if (Next() is not DocumentStart)
        {
            _problems.Error(SourcePosition.Start, "", "the file is empty", "Start from config.example.yaml.");
            return null;
        }

        ConfigurationNode node = ReadNode(Next(), "", depth: 1);
        _path = "";
        Next<DocumentEnd>();
        if (Next() is DocumentStart second)
        {
            throw new YamlException(second.Start, second.End, "the file holds a second document");
        }

        return node;
    }

    private ConfigurationNode ReadNode(ParsingEvent start, string path, int depth)
    {
        _path = path;
        if (depth > MaxDepth)
        {
            throw Refusal(start, $"the file nests deeper than {MaxDepth} levels");
        }

        if (++_nodes > MaxNodes)
        {
            throw Refusal(start, $"the file holds more than {MaxNodes} values, those that aliases repeat included");
        }

        if (start is AnchorAlias alias)
        {
            return Follow(alias);
        }

        int before = _nodes;
        ConfigurationNode node = start switch
        {
            SequenceStart sequence => ReadSequence(sequence, path, depth),
            MappingStart mapping => ReadMapping(mapping, path, depth),
            Scalar scalar => ReadScalar(scalar, path),
            _ => throw Refusal(start, "a value was expected"),
        };

        if (start is NodeEvent named)
        {
            RefuseTag(named, path);
            if (!named.Anchor.IsEmpty)
            {
                _anchors[named.Anchor] = (node, _nodes - before);
            }
        }

        _path = path;
        return node;
    }

    private ConfigurationNode Follow(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value, out (ConfigurationNode Node, int Count) target))
        {
            throw Refusal(alias, "the alias has no anchor before it");
        }

        _nodes += target.Count;
        return _nodes > MaxNodes ? throw Refusal(alias, $"aliases repeat more than {MaxNodes} values") : target.Node;
    }

    private SequenceNode ReadSequence(SequenceStart start, string path, int depth)
    {
        List<ConfigurationNode> items = [];
        for (ParsingEvent item = Next(); item is not SequenceEnd; item = Next())
        {
            items.Add(ReadNode(item, KeyPath.At(path, items.Count), depth + 1));
        }

        return new SequenceNode(Position(start.Start), items);
    }

    private MappingNode ReadMapping(MappingStart start, string path, int depth)
    {
        List<MappingEntry> entries = [];
        HashSet<string> keys = [];
        for (ParsingEvent key = Next(); key is not MappingEnd; key = Next())
        {
            SourcePosition position = Position(key.Start);
            ConfigurationNode keyNode = ReadNode(key, path, depth + 1);
            string name = (keyNode as ScalarNode)?.Text ?? "";
            _path = KeyPath.Of(path, name);
            ConfigurationNode value = ReadNode(Next(), _path, depth + 1);
            if (keyNode is not ScalarNode)
            {
                _problems.Error(position, path, "a key is a list or a mapping", "Keys are text. A value that starts with { or [ needs quotes around it.");
            }
            else if (name == "<<" && key is Scalar { Style: ScalarStyle.Plain })
            {
                _problems.Error(position, KeyPath.Of(path, name), "merge keys are not part of YAML 1.2", "Write the keys out.");
            }
            else if (!keys.Add(name))
            {
                _problems.Error(position, KeyPath.Of(path, name), "the key stands twice", "Remove one of the two.");
            }
            else
            {
                entries.Add(new MappingEntry(position, name, value));
            }
        }

        return new MappingNode(Position(start.Start), entries);
    }

    private ScalarNode ReadScalar(Scalar scalar, string path)
    {
        string text = scalar.Value;
        SourcePosition position = Position(scalar.Start);
        if (scalar.Style is not ScalarStyle.Plain)
        {
            return new ScalarNode(position, text, text, ScalarKind.Text);
        }

        int comma = (int)scalar.End.Index - 1;
        if (text.EndsWith(',') && IsCommaAt(_text, comma))
        {
            ReportComma(new SourcePosition((int)scalar.End.Line, (int)scalar.End.Column - 1), path);
            text = text[..^1].TrimEnd();
        }

        return new ScalarNode(position, text, text, CoreSchema.Resolve(text));
    }

    private void RefuseTag(NodeEvent node, string path)
    {
        if (!node.Tag.IsEmpty && !node.Tag.IsNonSpecific)
        {
            _problems.Error(Position(node.Start), path, "YAML tags are not understood here", "Remove it; quotes make a value text.");
        }
    }

    private ParsingEvent Next()
    {
        try
        {
            if (_parser.MoveNext() && _parser.Current is { } current)
            {
                return current;
            }
        }
        catch (Exception exception) when (exception is not YamlException)
        {
            // The scanner has faults of its own: in a list whose ] is missing it pops an empty stack, for one.
        }

        throw new YamlException(_scanner.CurrentPosition, _scanner.CurrentPosition, "what follows here cannot be read");
    }

    private void Next<T>()
        where T : ParsingEvent
    {
        ParsingEvent next = Next();
        if (next is not T)
        {
            throw Refusal(next, "something else was expected");
        }
    }

    private void Report(YamlException exception)
    {
        const string Hint = "Look for a wrong indent, a missing quote, bracket or colon, or a missing space behind a colon, here or in the line above.";
        int index = (int)exception.Start.Index;
        SourcePosition position = Position(exception.Start);
        if (IsCommaAt(_text, index))
        {
            ReportComma(position, _path);
            return;
        }

        string cause = exception.Message.TrimEnd('.');
        if (Says("tab"))
        {
            // The exception begins where the value before it does, or the file; the scanner stands at the tab.
            position = Position(Says("tab as indentation") ? _scanner.CurrentPosition : exception.End);
        }

        (string message, string hint) = (index < _text.Length ? _text[index] : '\0') switch
        {
            _ when Says("more than") || Says("deeper than") => (cause, "Make the file smaller."),
            _ when Says("no anchor before") => (cause, "Write the value out, or put it in quotes if it is meant as text."),
            _ when Says("second document") => (cause, "Remove the line --- and what follows."),
            '*' => ("a value starts with *", "A * alone needs quotes: \"*\"."),
            '@' or '`' or '%' => ($"a value starts with {_text[index]}", "Put it in quotes."),
            '"' or '\'' => ("the text in quotes that starts here does not end well", "Look for the missing quote, or double each \\ in it."),
            _ when Says("tab") => ("a tab stands in an indent", "Indent with spaces."),
            _ when Says("invalid mapping") => ("a colon stands where no key can be", "Look for a wrong indent or a missing space behind a colon, here or in the line above, or put a text with a colon in quotes."),
            _ when Says("expected ':'") => ("what stands here is no key with its value", Hint),
            _ when Says("parsing a block") => ("this fits nothing above it: it is neither a key with its value nor an item of a list", Hint),
            _ => ($"not valid YAML: {cause}", Hint),
        };
        _problems.Error(position, _path, message, hint);

        bool Says(string words) => cause.Contains(words, StringComparison.Ordinal);
    }

    private void ReportComma(SourcePosition position, string path) =>
        _problems.Error(position, path, "a comma stands after the value, and YAML takes no comma there", "Remove it, or put it inside quotes if it is part of the value.");

    private static bool IsCommaAt(string text, int index) => index >= 0 && index < text.Length && text[index] == ',';

    private static YamlException Refusal(ParsingEvent at, string message) => new(at.Start, at.End, message);

    private static SourcePosition Position(Mark mark) => new((int)mark.Line, (int)mark.Column);
}
