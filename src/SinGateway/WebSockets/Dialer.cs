using System.Net;
using SinGateway.Loop;

namespace SinGateway.WebSockets;

/// <summary>What connections of one loop need to reach a peer: name resolution, which is slow and so happens elsewhere, and TLS.</summary>
/// <param name="loop">The loop of the connections.</param>
/// <param name="resolve">Resolves a host name off the loop; throws <see cref="IOException"/> with a message for the operator.</param>
/// <param name="tls">Null when no peer is reached by TLS.</param>
internal sealed class Dialer(EventLoop loop, Func<string, Task<IPAddress[]>> resolve, TlsContext? tls)
{
    /// <summary>
    /// Resolves <paramref name="host"/> and calls <paramref name="done"/> on the loop: with addresses, or with none and an error.
    /// </summary>
    public void Resolve(string host, Action<IPAddress[], string> done)
    {
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            loop.Post(() => done([address], ""));
            return;
        }

        resolve(host).ContinueWith(
            task =>
            {
                (IPAddress[] addresses, string error) = task.IsCompletedSuccessfully
                    ? (task.Result, "")
                    : ([], task.Exception?.InnerException?.Message ?? $"the name {host} was not resolved in time");
                loop.Post(() => done(addresses, error));
            },
            TaskScheduler.Default);
    }

    /// <summary>The transport of a connected socket, which it owns from now on.</summary>
    public Transport CreateTransport(int descriptor, string host, bool secure) =>
        secure ? new TlsTransport(tls ?? throw new InvalidOperationException("no TLS context"), descriptor, host) : new PlainTransport(descriptor);
}
