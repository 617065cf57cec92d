using System.Net;
using SinGateway.Loop;

namespace SinGateway.WebSockets;

/// <summary>
/// Takes a URI to a connected and secured stream: resolves its name, tries one address after the other, and carries TLS through its
/// handshake. Used once. Belongs to the loop's thread.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="dialer">Resolves and secures.</param>
/// <param name="uri">ws or wss.</param>
/// <param name="done">
/// Called once, unless it was cancelled: with the transport, which is the caller's from then on and is not watched, or with null and the
/// cause in words.
/// </param>
internal sealed class Connector(EventLoop loop, Dialer dialer, Uri uri, Action<Transport?, string> done) : IPollable
{
    private IPAddress[]? _addresses;
    private int _nextAddress;
    private string _lastError = "";
    private int _descriptor = -1;
    private ulong _watch;
    private Transport? _transport;
    private bool _ended;

    /// <summary>What it waits for, for the message of who runs out of patience.</summary>
    public string Waiting => _addresses is null ? "its name was not resolved" : _transport is null ? "no connection" : "the TLS handshake did not end";

    public void Start() => dialer.Resolve(uri.IdnHost, (addresses, error) =>
    {
        if (!_ended)
        {
            (_addresses, _lastError) = (addresses, error);
            ConnectNext();
        }
    });

    /// <summary>Gives up. Nobody is called any more.</summary>
    public void Cancel()
    {
        _ended = true;
        Leave();
        if (_transport is not null)
        {
            _transport.Dispose();
        }
        else if (_descriptor >= 0)
        {
            SystemCalls.Close(_descriptor);
        }

        _transport = null;
        _descriptor = -1;
    }

    public void OnReady(uint events)
    {
        if (_transport is not null)
        {
            Secure(_transport);
            return;
        }

        int error = SystemCalls.ConnectResult(_descriptor);
        if (error == 0)
        {
            _transport = dialer.CreateTransport(_descriptor, uri.IdnHost, uri.Scheme == Uri.UriSchemeWss);
            Secure(_transport);
            return;
        }

        _lastError = SystemCalls.Describe(error);
        Leave();
        SystemCalls.Close(_descriptor);
        _descriptor = -1;
        ConnectNext();
    }

    private void ConnectNext()
    {
        while (_nextAddress < _addresses!.Length)
        {
            _descriptor = SystemCalls.ConnectStart(new IPEndPoint(_addresses[_nextAddress++], uri.Port));
            if (_descriptor >= 0)
            {
                _watch = loop.Watch(_descriptor, SystemCalls.PollOut, this);
                return;
            }

            _lastError = SystemCalls.Describe(SystemCalls.LastError);
        }

        Fail(_lastError);
    }

    private void Secure(Transport transport)
    {
        switch (transport.Handshake())
        {
            case Transport.WouldBlock:
                loop.ChangeWatch(_watch, _descriptor, transport.HandshakeWantsWrite ? SystemCalls.PollOut : SystemCalls.PollIn);
                break;
            case Transport.Closed:
                Fail(transport.Failure ?? "the peer closed during the TLS handshake");
                break;
            default:
                _ended = true;
                Leave();
                done(transport, "");
                break;
        }
    }

    private void Fail(string cause)
    {
        Cancel();
        done(null, $"cannot connect to {uri.IdnHost}:{uri.Port}: {cause}");
    }

    private void Leave()
    {
        if (_watch != 0)
        {
            loop.Unwatch(_watch, _descriptor);
            _watch = 0;
        }
    }
}
