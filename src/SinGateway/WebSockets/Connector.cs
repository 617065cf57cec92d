using System.Net;
using SinGateway.Loop;

namespace SinGateway.WebSockets;

/// <summary>
/// Takes a URI to a connected and secured stream: resolves its name, tries one address after the other, and carries TLS through its
/// handshake. An address that does not answer is left for the next one after a while, so that a host whose IPv6 leads nowhere is reached by
/// IPv4. Used once. Belongs to the loop's thread.
/// </summary>
internal sealed class Connector : IPollable
{
    /// <summary>How long an address may stay silent while there is another one to try, in ms.</summary>
    public const int AddressPatience = 2_500;

    private readonly EventLoop _loop;
    private readonly Dialer _dialer;
    private readonly Uri _uri;
    private readonly Action<Transport?, string> _done;
    private readonly LoopTimer _patience;
    private IPAddress[]? _addresses;
    private int _nextAddress;
    private string _lastError = "";
    private int _descriptor = -1;
    private ulong _watch;
    private Transport? _transport;
    private bool _ended;

    /// <param name="loop">The _loop.</param>
    /// <param name="dialer">Resolves and secures.</param>
    /// <param name="uri">ws or wss.</param>
    /// <param name="done">
    /// Called once, unless it was cancelled: with the transport, which is the caller's from then on and is not watched, or with null and the
    /// cause in words.
    /// </param>
    public Connector(EventLoop loop, Dialer dialer, Uri uri, Action<Transport?, string> done)
    {
        _loop = loop;
        _dialer = dialer;
        _uri = uri;
        _done = done;
        _patience = new LoopTimer(loop, () => Abandon("it does not answer"));
    }

    /// <summary>What it waits for, for the message of who runs out of patience.</summary>
    public string Waiting => _addresses is null ? "its name was not resolved" : _transport is null ? "no connection" : "the TLS handshake did not end";

    public void Start() => _dialer.Resolve(_uri.IdnHost, (addresses, error) =>
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
            _patience.Stop();
            _transport = _dialer.CreateTransport(_descriptor, _uri.IdnHost, _uri.Scheme == Uri.UriSchemeWss);
            Secure(_transport);
            return;
        }

        Abandon(SystemCalls.Describe(error));
    }

    /// <summary>This address leads nowhere: the next one.</summary>
    private void Abandon(string error)
    {
        _lastError = error;
        Leave();
        SystemCalls.Close(_descriptor);
        _descriptor = -1;
        ConnectNext();
    }

    private void ConnectNext()
    {
        while (_nextAddress < _addresses!.Length)
        {
            _descriptor = SystemCalls.ConnectStart(new IPEndPoint(_addresses[_nextAddress++], _uri.Port));
            if (_descriptor >= 0)
            {
                _watch = _loop.Watch(_descriptor, SystemCalls.PollOut, this);
                if (_nextAddress < _addresses.Length)
                {
                    _patience.Start(AddressPatience);
                }

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
                _loop.ChangeWatch(_watch, _descriptor, transport.HandshakeWantsWrite ? SystemCalls.PollOut : SystemCalls.PollIn);
                break;
            case Transport.Closed:
                Fail(transport.Failure ?? "the peer closed during the TLS handshake");
                break;
            default:
                _ended = true;
                Leave();
                _done(transport, "");
                break;
        }
    }

    private void Fail(string cause)
    {
        Cancel();
        _done(null, $"cannot connect to {_uri.IdnHost}:{_uri.Port}: {cause}");
    }

    private void Leave()
    {
        _patience.Stop();
        if (_watch != 0)
        {
            _loop.Unwatch(_watch, _descriptor);
            _watch = 0;
        }
    }
}
