using System.Buffers.Text;
using System.Text;

namespace SinGateway.Operations;

internal enum MetricKind
{
    Gauge,
    Counter,
    Histogram,
}

/// <summary>
/// Writes Prometheus' text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format):
/// <c># HELP name text</c>, <c># TYPE name kind</c>, then <c>name{label="value"} number</c> a line. Allocates nothing but the page.
/// </summary>
internal ref struct MetricsWriter(PageBuffer page)
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const double Microseconds = 1e6;

    /// <summary>Digits of the longest number.</summary>
    private const int NumberSize = 32;

    private ReadOnlySpan<byte> _name;

    /// <summary>Begins a metric; its samples follow, all of them, before the next begins.</summary>
    /// <param name="name">With its unit, and <c>_total</c> if it is a counter.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="help">One line without backslashes.</param>
    public void Begin(ReadOnlySpan<byte> name, MetricKind kind, ReadOnlySpan<byte> help)
    {
        _name = name;
        page.Append("# HELP "u8);
        page.Append(name);
        page.Append(" "u8);
        page.Append(help);
        page.Append("\n# TYPE "u8);
        page.Append(name);
        page.Append(kind switch
        {
            MetricKind.Gauge => " gauge\n"u8,
            MetricKind.Counter => " counter\n"u8,
            _ => " histogram\n"u8,
        });
    }

    public readonly void Sample(double value)
    {
        page.Append(_name);
        End(value);
    }

    public readonly void Sample(ReadOnlySpan<byte> label, long labelValue, double value)
    {
        Start(label);
        Number(labelValue);
        page.Append("\"}"u8);
        End(value);
    }

    public readonly void Sample(ReadOnlySpan<byte> label, ReadOnlySpan<char> labelValue, double value)
    {
        Start(label);
        Escaped(labelValue);
        page.Append("\"}"u8);
        End(value);
    }

    public readonly void Sample(ReadOnlySpan<byte> label, long labelValue, ReadOnlySpan<byte> second, ReadOnlySpan<char> secondValue, double value)
    {
        Start(label);
        Number(labelValue);
        Second(second, secondValue);
        End(value);
    }

    public readonly void Sample(ReadOnlySpan<byte> label, ReadOnlySpan<char> labelValue, ReadOnlySpan<byte> second, ReadOnlySpan<char> secondValue, double value)
    {
        Start(label);
        Escaped(labelValue);
        Second(second, secondValue);
        End(value);
    }

    /// <summary>The samples of a histogram: buckets that count what is not longer, sum and count. Times become seconds.</summary>
    /// <param name="histogram">Nobody writes it meanwhile.</param>
    /// <param name="label">A label of each sample; empty for none.</param>
    /// <param name="labelValue">Its value.</param>
    public readonly void Samples(Histogram histogram, ReadOnlySpan<byte> label = default, ReadOnlySpan<char> labelValue = default)
    {
        long count = 0;
        for (int i = 0; i <= histogram.Bounds.Length; i++)
        {
            count += histogram.Count(i);
            page.Append(_name);
            page.Append("_bucket{"u8);
            if (!label.IsEmpty)
            {
                Label(label, labelValue);
                page.Append(","u8);
            }

            page.Append("le=\""u8);
            if (i < histogram.Bounds.Length)
            {
                Number(histogram.Bounds[i] / Microseconds);
            }
            else
            {
                page.Append("+Inf"u8);
            }

            page.Append("\"}"u8);
            End(count);
        }

        Suffixed("_sum"u8, label, labelValue, histogram.Sum / Microseconds);
        Suffixed("_count"u8, label, labelValue, count);
    }

    private readonly void Suffixed(ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> label, ReadOnlySpan<char> labelValue, double value)
    {
        page.Append(_name);
        page.Append(suffix);
        if (!label.IsEmpty)
        {
            page.Append("{"u8);
            Label(label, labelValue);
            page.Append("}"u8);
        }

        End(value);
    }

    private readonly void Start(ReadOnlySpan<byte> label)
    {
        page.Append(_name);
        page.Append("{"u8);
        page.Append(label);
        page.Append("=\""u8);
    }

    private readonly void Second(ReadOnlySpan<byte> label, ReadOnlySpan<char> value)
    {
        page.Append("\","u8);
        Label(label, value);
        page.Append("}"u8);
    }

    private readonly void Label(ReadOnlySpan<byte> label, ReadOnlySpan<char> value)
    {
        page.Append(label);
        page.Append("=\""u8);
        Escaped(value);
        page.Append("\""u8);
    }

    private readonly void Escaped(ReadOnlySpan<char> value)
    {
        while (!value.IsEmpty)
        {
            int special = value.IndexOfAny('\\', '"', '\n');
            ReadOnlySpan<char> plain = special < 0 ? value : value[..special];
            page.Advance(Encoding.UTF8.GetBytes(plain, page.GetSpan(Encoding.UTF8.GetMaxByteCount(plain.Length))));
            if (special < 0)
            {
                return;
            }

            page.Append(value[special] switch
            {
                '\\' => @"\\"u8,
                '"' => "\\\""u8,
                _ => @"\n"u8,
            });
            value = value[(special + 1)..];
        }
    }

    private readonly void End(double value)
    {
        page.Append(" "u8);
        Number(value);
        page.Append("\n"u8);
    }

    private readonly void Number(double value)
    {
        Utf8Formatter.TryFormat(value, page.GetSpan(NumberSize), out int written);
        page.Advance(written);
    }

    private readonly void Number(long value)
    {
        Utf8Formatter.TryFormat(value, page.GetSpan(NumberSize), out int written);
        page.Advance(written);
    }
}
