using System.Runtime.InteropServices;

namespace SinGateway.Loop;

/// <summary>
/// What all TLS connections of the process share: TLS 1.2 or newer, the certificate authorities that are trusted, buffers that are given
/// back while a connection is idle. The authorities are read once, here, so that a handshake on a loop touches no file (G25).
/// </summary>
internal sealed unsafe class TlsContext : IDisposable
{
    private TlsContext(nint handle) => Handle = handle;

    public nint Handle { get; }

    /// <summary>
    /// Throws <see cref="IOException"/> with a message for the operator when OpenSSL or a store of certificate authorities is missing.
    /// </summary>
    /// <param name="bundle">A PEM file of authorities in place of <c>SSL_CERT_FILE</c>.</param>
    public static TlsContext Create(string? bundle = null)
    {
        bundle = CertificateBundle.Find(bundle ?? Environment.GetEnvironmentVariable(CertificateBundle.Variable));
        nint context;
        try
        {
            context = OpenSsl.SSL_CTX_new(OpenSsl.TLS_client_method());
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException or TypeInitializationException)
        {
            throw new IOException("TLS needs OpenSSL 3 (libssl.so.3, libcrypto.so.3), which is not installed: on Debian, apt-get install libssl3.");
        }

        OpenSsl.SSL_CTX_ctrl(context, OpenSsl.ControlMinimumProtocol, OpenSsl.ProtocolTls12, null);
        OpenSsl.SSL_CTX_ctrl(
            context,
            OpenSsl.ControlMode,
            OpenSsl.ModePartialWrite | OpenSsl.ModeMovingWriteBuffer | OpenSsl.ModeReleaseBuffers,
            null);
        OpenSsl.SSL_CTX_ctrl(context, OpenSsl.ControlReadAhead, 1, null);
        OpenSsl.SSL_CTX_ctrl(context, OpenSsl.ControlSessionCacheMode, 0, null);
        OpenSsl.SSL_CTX_set_verify(context, OpenSsl.VerifyPeer, 0);
        if (OpenSsl.SSL_CTX_load_verify_locations(context, bundle, null) != 1)
        {
            OpenSsl.ERR_clear_error();
            OpenSsl.SSL_CTX_free(context);
            throw new IOException($"{bundle} holds no readable certificate authorities; set SSL_CERT_FILE to a PEM bundle that does.");
        }

        return new TlsContext(context);
    }

    public void Dispose() => OpenSsl.SSL_CTX_free(Handle);
}
