using System.Net;
using System.Net.Sockets;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>A real DNS server (dnsmasq) on port 53 of a loopback address of its own. It knows one name, and no other of its domain.</summary>
internal sealed class NameServer : IAsyncDisposable
{
    /// <summary>Leads to 127.0.0.1.</summary>
    public const string KnownName = "bus.sandbox.test";

    /// <summary>Does not exist, says the server.</summary>
    public const string UnknownName = "nowhere.sandbox.test";

    private readonly ChildProcess _process;

    private NameServer(ChildProcess process, IPAddress address)
    {
        _process = process;
        Address = address;
    }

    public IPAddress Address { get; }

    /// <summary>What it was asked and has answered, a line each.</summary>
    public string Log => _process.Errors;

    /// <summary>Skips the test where there is no dnsmasq, or no right to port 53.</summary>
    public static async Task<NameServer> StartAsync(string directory)
    {
        string dnsmasq = Tool.Find("dnsmasq", "dnsmasq-base");
        Tool.RequireRoot("listen on port 53");
        IPAddress address = FreeAddress();
        ChildProcess process = ChildProcess.Start(
            dnsmasq,
            [
                "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=", "--log-facility=-", "--log-queries",
                $"--listen-address={address}", "--bind-interfaces", "--port=53", $"--address=/{KnownName}/127.0.0.1", "--local=/sandbox.test/",
            ],
            directory);
        NameServer server = new(process, address);
        try
        {
            await Eventually.HoldsAsync(
                () => process.HasExited ? throw new InvalidOperationException($"no dnsmasq:\n{process.Tail()}") : process.Errors.Contains("started", StringComparison.Ordinal),
                "dnsmasq listens",
                () => process.Tail());
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>All of 127.0.0.0/8 is this machine; other servers listen at its beginning.</summary>
    private static IPAddress FreeAddress()
    {
        while (true)
        {
            IPAddress address = new([127, 53, (byte)Random.Shared.Next(1, 255), (byte)Random.Shared.Next(1, 255)]);
            try
            {
                using Socket probe = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                probe.Bind(new IPEndPoint(address, 53));
                return address;
            }
            catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
            }
        }
    }
}
