using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using SinGateway.Loop;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;
using SinGateway.WebSockets;

namespace SinGateway.Tests.WebSockets;

/// <summary>G25: a peer is verified, chain and host name, before the first byte of HTTP is sent.</summary>
public sealed class TlsTests
{
    [Test]
    public async Task A_certificate_of_a_known_authority_for_the_host_name_is_taken()
    {
        using TestCertificates certificates = new();
        using WebSocketServer server = new(certificates.Issue("gateway.test"));
        using TlsContext tls = TlsContext.Create(certificates.Bundle);
        using TestClient client = new(server.Uri("gateway.test"), tls);
        using WebSocket peer = await server.AcceptAsync();

        await client.Opened;
    }

    [Test]
    [Arguments("other.test", "gateway.test", false, true, "hostname mismatch")]
    [Arguments("gateway.test", "127.0.0.1", false, true, "IP address mismatch")]
    [Arguments("127.0.0.2", "127.0.0.1", false, true, "IP address mismatch")]
    [Arguments("gateway.test", "gateway.test", true, true, "expired")]
    [Arguments("gateway.test", "gateway.test", false, false, "unable to get local issuer certificate")]
    public async Task Any_other_certificate_is_refused_before_a_byte_of_HTTP(string issuedFor, string host, bool expired, bool authorityKnown, string cause)
    {
        using TestCertificates certificates = new();
        using TestCertificates others = new();
        using WebSocketServer server = new(certificates.Issue(issuedFor, expired));
        using TlsContext tls = TlsContext.Create((authorityKnown ? certificates : others).Bundle);
        using TestClient client = new(server.Uri(host), tls);

        string seen = await ReadAllAsync(server);
        CloseReason reason = await client.Closed;

        await Assert.That(seen).IsEmpty();
        await Assert.That(reason.Kind).IsEqualTo(CloseKind.ConnectFailed);
        await Assert.That(reason.Text).Contains($"the certificate of {host} is refused");
        await Assert.That(reason.Text).Contains(cause);
    }

    [Test]
    public async Task A_peer_that_speaks_no_TLS_is_refused()
    {
        using TestCertificates certificates = new();
        using WebSocketServer server = new();
        using TlsContext tls = TlsContext.Create(certificates.Bundle);
        using TestClient client = new(new Uri($"wss://127.0.0.1:{server.Port}/"), tls);
        Stream peer = await server.AcceptStreamAsync();

        await peer.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());

        CloseReason reason = await client.Closed;
        await Assert.That(reason.Kind).IsEqualTo(CloseKind.ConnectFailed);
        await Assert.That(reason.Text).Contains("TLS");
    }

    [Test]
    public async Task A_missing_bundle_is_an_error_that_names_it() =>
        await Assert.That(() => TlsContext.Create("/nowhere/authorities.pem")).Throws<IOException>().WithMessageContaining("/nowhere/authorities.pem, which does not exist");

    [Test]
    public async Task A_bundle_without_certificates_is_an_error_that_names_it()
    {
        using TemporaryDirectory directory = new();
        string bundle = directory.File("empty.pem");
        await File.WriteAllTextAsync(bundle, "no certificates here");

        await Assert.That(() => TlsContext.Create(bundle)).Throws<IOException>().WithMessageContaining($"{bundle} holds no readable certificate authorities");
    }

    /// <summary>Everything that the client says inside TLS until it is gone.</summary>
    private static async Task<string> ReadAllAsync(WebSocketServer server)
    {
        try
        {
            using Stream stream = await server.AcceptStreamAsync();
            using StreamReader reader = new(stream);
            return await reader.ReadToEndAsync().WaitAsync(RunningLoop.Patience);
        }
        catch (Exception refused) when (refused is IOException or AuthenticationException)
        {
            return "";
        }
    }
}
