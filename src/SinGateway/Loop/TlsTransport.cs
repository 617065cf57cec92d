using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace SinGateway.Loop;

/// <summary>
/// TLS over a TCP socket, by OpenSSL. The peer's chain and host name are verified before the first byte of HTTP leaves (G25).
/// OpenSSL's queue of errors is a thread's, and is left empty by whoever meets an error, so the usual call need not clear it first.
/// </summary>
internal sealed unsafe class TlsTransport : Transport
{
    private readonly string _host;
    private nint _ssl;
    private bool _handshakeWantsWrite;

    public TlsTransport(TlsContext context, int descriptor, string host)
        : base(descriptor)
    {
        _host = host;
        _ssl = OpenSsl.SSL_new(context.Handle);
        OpenSsl.SSL_set_fd(_ssl, descriptor);
        OpenSsl.SSL_set_connect_state(_ssl);
        if (IPAddress.TryParse(host, out _))
        {
            // An address has no server name (RFC 6066, section 3) and is compared with the certificate's addresses.
            OpenSsl.X509_VERIFY_PARAM_set1_ip_asc(OpenSsl.SSL_get0_param(_ssl), host);
        }
        else
        {
            OpenSsl.SSL_set1_host(_ssl, host);
            fixed (byte* name = Encoding.ASCII.GetBytes(host + '\0'))
            {
                OpenSsl.SSL_ctrl(_ssl, OpenSsl.ControlServerName, 0, name);
            }
        }
    }

    public override bool HasBufferedInput => OpenSsl.SSL_has_pending(_ssl) != 0;

    public override bool HandshakeWantsWrite => _handshakeWantsWrite;

    public override int Handshake()
    {
        int result = OpenSsl.SSL_do_handshake(_ssl);
        return result == 1 ? 1 : Explain(result);
    }

    /// <summary>Fills the buffer from as many records as are there: one call of OpenSSL answers one record of at most 16 KiB.</summary>
    public override int Read(Span<byte> buffer)
    {
        int total = 0;
        fixed (byte* pointer = buffer)
        {
            while (true)
            {
                int count = OpenSsl.SSL_read(_ssl, pointer + total, buffer.Length - total);
                if (count <= 0)
                {
                    if (total == 0)
                    {
                        return Explain(count);
                    }

                    // Told again by the next call; the queue of errors must be empty until then.
                    OpenSsl.ERR_clear_error();
                    return total;
                }

                total += count;
                if (total == buffer.Length || OpenSsl.SSL_has_pending(_ssl) == 0)
                {
                    return total;
                }
            }
        }
    }

    public override int Write(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes)
        {
            int count = OpenSsl.SSL_write(_ssl, pointer, bytes.Length);
            return count > 0 ? count : Explain(count);
        }
    }

    public override void Dispose()
    {
        if (_ssl != 0)
        {
            if (Failure is null)
            {
                OpenSsl.SSL_shutdown(_ssl);
                OpenSsl.ERR_clear_error();
            }

            OpenSsl.SSL_free(_ssl);
            _ssl = 0;
            base.Dispose();
        }
    }

    private int Explain(int result)
    {
        int systemError = SystemCalls.CurrentError;
        int error = OpenSsl.SSL_get_error(_ssl, result);
        _handshakeWantsWrite = error == OpenSsl.ErrorWantWrite;
        if (error is OpenSsl.ErrorWantRead or OpenSsl.ErrorWantWrite)
        {
            return WouldBlock;
        }

        nint verification = OpenSsl.SSL_get_verify_result(_ssl);
        Failure = error switch
        {
            OpenSsl.ErrorZeroReturn => null,
            _ when verification != OpenSsl.VerifyOk =>
                $"the certificate of {_host} is refused: {Marshal.PtrToStringUTF8(OpenSsl.X509_verify_cert_error_string(verification))}",
            OpenSsl.ErrorSystemCall when systemError != 0 => SystemCalls.Describe(systemError),
            _ => ReadErrorQueue(),
        };
        OpenSsl.ERR_clear_error();
        return Closed;
    }

    private static string? ReadErrorQueue()
    {
        nuint code = OpenSsl.ERR_get_error();
        return code == 0 ? null : "TLS: " + Marshal.PtrToStringUTF8(OpenSsl.ERR_reason_error_string(code));
    }
}
