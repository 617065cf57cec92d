using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;

namespace SinGateway.Forwarding;

/// <summary>Puts a <see cref="TargetTemplate"/> together, piece after piece; neighbouring literals become one.</summary>
internal sealed class TargetTemplateBuilder
{
    private readonly List<TemplateSegment> _segments = [];
    private readonly ArrayBufferWriter<byte> _literal = new();

    /// <summary>JSON as it is to be sent.</summary>
    public void AddJson(string json) => Encoding.UTF8.GetBytes(json, _literal);

    /// <summary>
    /// A part of a JSON string, to be escaped; the quotes around the string are the caller's. A lone surrogate becomes U+FFFD.
    /// </summary>
    public void AddText(string text) => AddJson(JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text));

    /// <summary>A variable inside a JSON string, or, as a number, in place of one.</summary>
    public void AddVariable(VariableUse use)
    {
        CloseLiteral();
        _segments.Add(new TemplateSegment(null, use));
    }

    public TargetTemplate Build(bool hasOps, string? application, bool hasSelector = false)
    {
        CloseLiteral();
        return new TargetTemplate([.. _segments], hasOps, application, hasSelector);
    }

    private void CloseLiteral()
    {
        if (_literal.WrittenCount > 0)
        {
            _segments.Add(new TemplateSegment(_literal.WrittenSpan.ToArray(), default));
            _literal.Clear();
        }
    }
}
