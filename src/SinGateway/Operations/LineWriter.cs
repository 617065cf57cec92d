using System.Threading.Channels;

namespace SinGateway.Operations;

/// <summary>
/// Writes lines to a stream that may block (a full pipe, a stopped terminal) without ever blocking the caller: lines are queued, and beyond
/// <see cref="Capacity"/> they are dropped and counted.
/// </summary>
internal sealed class LineWriter : IDisposable
{
    /// <summary>Lines that may wait.</summary>
    public const int Capacity = 4096;

    // A reader that stopped reading must not keep the process from ending.
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(2);

    private readonly Channel<string> _lines = Channel.CreateBounded<string>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly TextWriter _output;
    private readonly Task _writing;
    private int _dropped;

    public LineWriter(TextWriter output)
    {
        _output = output;
        _writing = Task.Run(WriteLinesAsync);
    }

    /// <summary>Queues <paramref name="line"/>, which ends in a newline.</summary>
    public void Write(string line)
    {
        if (!_lines.Writer.TryWrite(line))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>Writes what is queued, for two seconds at most.</summary>
    public void Dispose()
    {
        _lines.Writer.TryComplete();
        _writing.Wait(DrainTimeout);
    }

    private async Task WriteLinesAsync()
    {
        try
        {
            while (await _lines.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                while (_lines.Reader.TryRead(out string? line))
                {
                    _output.Write(line);
                }

                int dropped = Interlocked.Exchange(ref _dropped, 0);
                if (dropped > 0)
                {
                    _output.Write($"(the log was too slow to take {dropped} lines)\n");
                }

                _output.Flush();
            }
        }
        catch (IOException)
        {
            // stderr is gone; there is nowhere left to say so.
        }
    }
}
