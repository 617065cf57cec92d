namespace SinGateway.Loop;

/// <summary>The PEM file of the certificate authorities that this process trusts.</summary>
internal static class CertificateBundle
{
    /// <summary>The environment variable that names the file, for this program, OpenSSL and .NET alike.</summary>
    public const string Variable = "SSL_CERT_FILE";

    /// <summary>Where distributions keep it.</summary>
    private static readonly string[] UsualPlaces =
    [
        "/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine, Arch
        "/etc/pki/tls/certs/ca-bundle.crt", // Fedora
        "/etc/ssl/ca-bundle.pem", // openSUSE
        "/etc/ssl/cert.pem",
    ];

    /// <summary>Throws <see cref="IOException"/> with a message for the operator when there is none.</summary>
    /// <param name="configured">The value of <see cref="Variable"/>; when it is null or empty, the usual places are looked at.</param>
    public static string Find(string? configured)
    {
        if (!string.IsNullOrEmpty(configured))
        {
            return File.Exists(configured)
                ? configured
                : throw new IOException($"{Variable} names {configured}, which does not exist; without certificate authorities no TLS peer can be trusted.");
        }

        return FindInUsualPlaces() ?? throw new IOException(
            $"no certificate authorities found on this system, so no TLS peer can be trusted: install ca-certificates, or set {Variable} to a PEM bundle.");
    }

    public static string? FindInUsualPlaces() => Array.Find(UsualPlaces, File.Exists);
}
