using System.Diagnostics;
using System.Runtime.InteropServices;

namespace SinGateway.Sandbox;

/// <summary>
/// A release has libc inside. The host's modules for names and for OpenSSL, which would bring the host's libc with them, must stay outside.
/// </summary>
internal static partial class StaticExecutable
{
    /// <summary>Call before any thread starts.</summary>
    [Conditional("STATIC_EXECUTABLE")]
    public static void Prepare()
    {
        UseNameServices("hosts", "files dns");
        UseNameServices("passwd", "files");
        UseNameServices("group", "files");
        SetEnvironment("OPENSSL_CONF", "/dev/null", overwrite: 0);
    }

    [LibraryImport("libc", EntryPoint = "__nss_configure_lookup", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UseNameServices(string database, string services);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
