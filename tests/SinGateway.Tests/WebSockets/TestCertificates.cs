using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.WebSockets;

/// <summary>A certificate authority of one test, and the certificates that it signs.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;
    private readonly TemporaryDirectory _directory = new();

    public TestCertificates()
    {
        CertificateRequest request = new($"CN=SinGateway test authority {Guid.NewGuid()}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-2), DateTimeOffset.UtcNow.AddYears(1));
        Bundle = _directory.File("authorities.pem");
        File.WriteAllText(Bundle, _authority.ExportCertificatePem());
    }

    /// <summary>A PEM file with the authority.</summary>
    public string Bundle { get; }

    /// <summary>A server's certificate for <paramref name="host"/>, a name or an address.</summary>
    public X509Certificate2 Issue(string host, bool expired = false)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=server", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset from = DateTimeOffset.UtcNow.AddYears(-1);
        using X509Certificate2 certificate = request.Create(
            _authority, from, expired ? from.AddDays(30) : DateTimeOffset.UtcNow.AddMonths(1), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    public void Dispose()
    {
        _directory.Dispose();
        _authority.Dispose();
        _key.Dispose();
    }
}
