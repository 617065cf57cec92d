using System.Diagnostics;
using SinGateway.Loop;

namespace SinGateway.Operations;

/// <summary>
/// What a release, which has libc and OpenSSL inside, settles for itself where the ordinary build leaves it to those of the host. In that
/// build the call compiles to nothing.
/// </summary>
internal static class StaticExecutable
{
    /// <summary>Call before any thread starts: the process' environment and libc's tables are changed.</summary>
    [Conditional("STATIC_EXECUTABLE")]
    public static void Prepare()
    {
        // The host's nsswitch.conf may name modules, which glibc would load, and the host's libc with them: two of them in a process crash.
        SystemCalls.UseNameServices("hosts", "files dns");
        SystemCalls.UseNameServices("passwd", "files");
        SystemCalls.UseNameServices("group", "files");

        // The same for what the host's openssl.cnf may load. One that is named on purpose is taken.
        SystemCalls.SetEnvironmentDefault("OPENSSL_CONF", "/dev/null");

        // OpenSSL looks for authorities where the system that it was built on has them, and .NET's own TLS (REST, Redis) asks OpenSSL.
        if (CertificateBundle.FindInUsualPlaces() is { } bundle)
        {
            SystemCalls.SetEnvironmentDefault(CertificateBundle.Variable, bundle);
        }
    }
}
