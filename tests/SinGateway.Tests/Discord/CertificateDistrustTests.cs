using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

internal sealed class CertificateDistrustTests
{
    [Test]
    [Arguments(SslPolicyErrors.RemoteCertificateNotAvailable, X509ChainStatusFlags.NoError, "no certificate")]
    [Arguments(SslPolicyErrors.RemoteCertificateNameMismatch, X509ChainStatusFlags.NoError, "another name")]
    [Arguments(SslPolicyErrors.RemoteCertificateChainErrors, X509ChainStatusFlags.NotTimeValid, "expired")]
    [Arguments(SslPolicyErrors.RemoteCertificateChainErrors, X509ChainStatusFlags.UntrustedRoot, "issuer")]
    [Arguments(SslPolicyErrors.RemoteCertificateChainErrors, X509ChainStatusFlags.PartialChain, "issuer")]
    [Arguments(SslPolicyErrors.RemoteCertificateChainErrors, X509ChainStatusFlags.NotSignatureValid, "cannot be trusted")]
    public async Task Each_distrust_has_its_reason(SslPolicyErrors errors, X509ChainStatusFlags chain, string reason) =>
        await Assert.That(CertificateDistrust.Explain(errors, chain)).Contains(reason);

    [Test]
    public async Task A_trusted_certificate_has_none() =>
        await Assert.That(CertificateDistrust.Explain(SslPolicyErrors.None, X509ChainStatusFlags.NoError)).IsNull();
}
