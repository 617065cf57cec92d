using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SinGateway.Sandbox.Net;

/// <summary>
/// A certificate authority and one server certificate, made afresh for each run. Only the authority's certificate is written to disk
/// (ca.pem); the kinds other than <c>valid</c> each hold one mistake that a client must refuse.
/// </summary>
internal static class ServerCertificate
{
    public static SslStreamCertificateContext Create(string kind, string host, string? directory)
    {
        using X509Certificate2 trusted = CreateAuthority("SinGateway sandbox CA");
        if (directory is not null)
        {
            Directory.CreateDirectory(directory);
            File.WriteAllText(Path.Combine(directory, "ca.pem"), trusted.ExportCertificatePem() + "\n");
        }
        using X509Certificate2 authority = kind == "unknown-ca" ? CreateAuthority("Somebody else's CA") : trusted;
        X509Certificate2 server = CreateServer(authority, kind, host);
        return SslStreamCertificateContext.Create(server, additionalCertificates: null, offline: true);
    }

    private static X509Certificate2 CreateAuthority(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-30), DateTimeOffset.UtcNow.AddDays(30));
    }

    private static X509Certificate2 CreateServer(X509Certificate2 authority, string kind, string host)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=singateway-sandbox", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        if (kind == "wrong-name")
        {
            names.AddDnsName("wrong.example");
        }
        else
        {
            names.AddDnsName(host);
            names.AddIpAddress(IPAddress.Loopback);
        }
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        DateTimeOffset end = DateTimeOffset.UtcNow.AddDays(kind == "expired" ? -1 : 20);
        using X509Certificate2 signed = request.Create(authority, DateTimeOffset.UtcNow.AddDays(-20), end, RandomNumberGenerator.GetBytes(12));
        return signed.CopyWithPrivateKey(key);
    }
}
