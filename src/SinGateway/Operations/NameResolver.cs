using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace SinGateway.Operations;

/// <summary>
/// Looks names up off the loop. An answer serves for <see cref="Freshness"/>; when a later look-up fails or takes longer than
/// <see cref="Patience"/>, the last good one serves again. Those who ask for the same name at once share one look-up. Any thread.
/// </summary>
/// <param name="time">Clock of freshness and patience.</param>
/// <param name="lookUp">The system's resolver, <see cref="Dns.GetHostAddressesAsync(string, CancellationToken)"/>, or a test's.</param>
internal sealed class NameResolver(TimeProvider time, Func<string, CancellationToken, Task<IPAddress[]>> lookUp)
{
    public static readonly TimeSpan Freshness = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // As many names as the gateway has: a few of Discord's, and 신경's.
    private readonly ConcurrentDictionary<string, Name> _names = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Returns at least one address; the array is shared, not to be changed. Throws <see cref="IOException"/> with a message for the
    /// operator.
    /// </summary>
    public Task<IPAddress[]> ResolveAsync(string host) =>
        IPAddress.TryParse(host, out IPAddress? address)
            ? Task.FromResult<IPAddress[]>([address])
            : _names.GetOrAdd(host, static (host, resolver) => new Name(resolver, host), this).ResolveAsync();

    private async Task<IPAddress[]> LookUpAsync(string host, IPAddress[]? lastGood)
    {
        using CancellationTokenSource patience = new(Patience, time);
        try
        {
            // glibc's look-up cannot be cancelled, only left behind.
            IPAddress[] addresses = await lookUp(host, patience.Token).WaitAsync(patience.Token).ConfigureAwait(false);
            if (addresses.Length > 0)
            {
                return addresses;
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
        }

        return lastGood ?? throw new IOException($"the name {host} does not resolve; check the name and the DNS servers of this machine");
    }

    private sealed class Name(NameResolver resolver, string host)
    {
        private readonly Lock _gate = new();
        private Task<IPAddress[]>? _lookUp;
        private IPAddress[]? _lastGood;
        private long _since;

        public Task<IPAddress[]> ResolveAsync()
        {
            lock (_gate)
            {
                if (_lookUp is { IsCompletedSuccessfully: true })
                {
                    _lastGood = _lookUp.Result;
                }

                if (_lookUp is null || (_lookUp.IsCompleted && !IsFresh(_lookUp)))
                {
                    _since = resolver.Now;
                    _lookUp = resolver.LookUpAsync(host, _lastGood);
                }

                return _lookUp;
            }
        }

        private bool IsFresh(Task lookUp) => lookUp.IsCompletedSuccessfully && resolver.Since(_since) < Freshness;
    }

    private long Now => time.GetTimestamp();

    private TimeSpan Since(long timestamp) => time.GetElapsedTime(timestamp);
}
