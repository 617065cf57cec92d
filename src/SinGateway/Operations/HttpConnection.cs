using SinGateway.Loop;

namespace SinGateway.Operations;

/// <summary>
/// One connection of a client: reads one request, answers it, and closes so that the answer arrives. Each of these steps has its time. Belongs
/// to the server's loop.
/// </summary>
internal sealed class HttpConnection : IPollable
{
    /// <summary>How long a request may take to arrive, and an answer to be taken, in ms.</summary>
    public const int Patience = 5_000;

    /// <summary>How long the client's end of the connection is waited for, in ms.</summary>
    private const int Linger = 1_000;

    /// <summary>What a client may send behind its request, in bytes: a body, further requests. It is not looked at.</summary>
    private const int MaximumIgnored = 64 * 1024;

    private readonly HttpServer _server;
    private readonly EventLoop _loop;
    private readonly LoopTimer _deadline;
    private LinkedListNode<HttpConnection>? _place;
    private ulong _watch;
    private State _state = State.Reading;
    private int _ignored;

    /// <summary>The request so far, when it did not come in one piece.</summary>
    private RentedBuffer _received;

    private byte[] _head = [];
    private PageBuffer? _body;
    private int _bodyLength;
    private int _sent;

    /// <param name="server">The owner.</param>
    /// <param name="descriptor">Of the socket; this connection's to close.</param>
    public HttpConnection(HttpServer server, int descriptor)
    {
        _server = server;
        _loop = server.Loop;
        Descriptor = descriptor;
        _deadline = new LoopTimer(_loop, OnDeadline);
    }

    private enum State
    {
        Reading,
        Writing,

        /// <summary>Everything is sent; a close now would take from the client what it has not read yet, if it sent more than we read.</summary>
        Lingering,
        Ended,
    }

    /// <summary>The socket.</summary>
    public int Descriptor { get; }

    /// <param name="place">In the server's list.</param>
    public void Open(LinkedListNode<HttpConnection> place)
    {
        _place = place;
        _watch = _loop.Watch(Descriptor, SystemCalls.PollIn, this);
        _deadline.Start(Patience);
    }

    public void OnReady(uint events)
    {
        switch (_state)
        {
            case State.Reading:
                Read();
                break;
            case State.Writing:
                Write();
                break;
            case State.Lingering:
                Ignore();
                break;
        }
    }

    /// <summary>Closes at once; harmless when it has ended.</summary>
    public void End()
    {
        if (_state == State.Ended)
        {
            return;
        }

        _state = State.Ended;
        _deadline.Stop();
        _received.Release();
        ReleaseBody();
        _loop.Unwatch(_watch, Descriptor);
        SystemCalls.Close(Descriptor);
        _server.Remove(_place!);
    }

    private void Read()
    {
        if (!TryReceive(out ReadOnlySpan<byte> bytes))
        {
            return;
        }

        if (!_received.IsEmpty)
        {
            _received.Append(bytes);
            bytes = _received.Bytes;
        }

        HttpReadOutcome outcome = HttpRequest.Read(bytes, out HttpRequest request);
        if (outcome != HttpReadOutcome.NeedMore)
        {
            Answer(outcome, request);
        }
        else if (_received.IsEmpty)
        {
            _received.Append(bytes);
        }
    }

    private void Answer(HttpReadOutcome outcome, in HttpRequest request)
    {
        bool isHead = request.Method.SequenceEqual("HEAD"u8);
        HttpAnswer answer = outcome switch
        {
            HttpReadOutcome.Malformed => HttpAnswer.Text(400, "This is no HTTP/1.1 request.\n"),
            HttpReadOutcome.TooLarge => HttpAnswer.Text(431, "The head of a request may have 8 KiB.\n"),
            HttpReadOutcome.OtherVersion => HttpAnswer.Text(505, "HTTP/1.1 is spoken here.\n"),
            _ when !isHead && !request.Method.SequenceEqual("GET"u8) => HttpAnswer.Text(405, "GET and HEAD are answered.\n"),
            _ => Page(request.Path),
        };
        _received.Release();
        Send(answer, isHead);
    }

    private HttpAnswer Page(ReadOnlySpan<byte> path)
    {
        try
        {
            return _server.Pages(path) ?? HttpAnswer.Text(404, "There are /, /livez, /readyz, /status and /metrics.\n");
        }
        catch (Exception failure)
        {
            // Whatever it is: who watches the gateway must not end it.
            return _server.Fail(failure);
        }
    }

    private void Send(in HttpAnswer answer, bool isHead)
    {
        _head = answer.Head(DateTimeOffset.UtcNow);
        _body = answer.Body;
        _body.Users++;
        _bodyLength = isHead ? 0 : _body.Length;
        _state = State.Writing;
        _deadline.Start(Patience);
        _loop.ChangeWatch(_watch, Descriptor, SystemCalls.PollOut);
        Write();
    }

    private void Write()
    {
        while (_sent < _head.Length + _bodyLength)
        {
            int count = SystemCalls.Send(Descriptor, _sent < _head.Length ? _head.AsSpan(_sent) : _body!.Bytes[(_sent - _head.Length).._bodyLength]);
            if (count <= 0)
            {
                if (SystemCalls.LastError is not (SystemCalls.TryAgain or SystemCalls.Interrupted))
                {
                    End();
                }

                return;
            }

            _sent += count;
        }

        ReleaseBody();
        SystemCalls.ShutdownSending(Descriptor);
        _state = State.Lingering;
        _deadline.Start(Linger);
        _loop.ChangeWatch(_watch, Descriptor, SystemCalls.PollIn);
    }

    private void Ignore()
    {
        if (TryReceive(out ReadOnlySpan<byte> bytes) && (_ignored += bytes.Length) > MaximumIgnored)
        {
            End();
        }
    }

    /// <summary>What has arrived, in the loop's buffer. False when nothing has; the connection is ended when nothing more will.</summary>
    private bool TryReceive(out ReadOnlySpan<byte> bytes)
    {
        Span<byte> buffer = _loop.Buffers.Receive;
        int count = SystemCalls.Receive(Descriptor, buffer);
        bytes = buffer[..Math.Max(count, 0)];
        if (count == 0 || (count < 0 && SystemCalls.LastError is not (SystemCalls.TryAgain or SystemCalls.Interrupted)))
        {
            End();
        }

        return count > 0;
    }

    private void OnDeadline()
    {
        if (_state == State.Reading && !_received.IsEmpty)
        {
            Send(HttpAnswer.Text(408, "The request did not arrive within 5 s.\n"), isHead: false);
        }
        else
        {
            End();
        }
    }

    private void ReleaseBody()
    {
        if (_body is not null)
        {
            _body.Users--;
            _body = null;
        }
    }
}
