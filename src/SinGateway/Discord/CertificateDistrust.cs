using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace SinGateway.Discord;

/// <summary>Why .NET's TLS does not trust a certificate, in words for the operator.</summary>
internal static class CertificateDistrust
{
    /// <summary>Null when the certificate is trusted.</summary>
    /// <param name="errors">What .NET found.</param>
    /// <param name="chain">The statuses of the chain that it built, when that is among the errors.</param>
    public static string? Explain(SslPolicyErrors errors, X509ChainStatusFlags chain)
    {
        if (errors == SslPolicyErrors.None)
        {
            return null;
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
        {
            return "it shows no certificate";
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return "its certificate is for another name";
        }

        if (chain.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            return "its certificate has expired, or is not valid yet: is the clock of this machine right?";
        }

        return (chain & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0
            ? "the issuer of its certificate is not trusted; SSL_CERT_FILE may name a bundle with it"
            : "its certificate cannot be trusted";
    }

    public static X509ChainStatusFlags FlagsOf(X509Chain? chain) =>
        chain?.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (flags, status) => flags | status.Status) ?? X509ChainStatusFlags.NoError;
}
