using System.Globalization;

namespace SinGateway.Configuration;

/// <summary>The <c>HOST[:PORT]</c> of a DSN; an IPv6 address stands in brackets.</summary>
internal static class HostAndPort
{
    /// <summary>
    /// <paramref name="error"/> completes the sentence "the DSN …"; the host comes back without brackets. <paramref name="leastPort"/> 0 allows
    /// the port that leaves the choice to the system.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, int defaultPort, out string host, out int port, out string error, int leastPort = 1)
    {
        host = "";
        port = defaultPort;
        ReadOnlySpan<char> name;
        ReadOnlySpan<char> rest;
        if (text.StartsWith("["))
        {
            int end = text.IndexOf(']');
            if (end < 0)
            {
                error = "has an IPv6 address without its closing bracket";
                return false;
            }

            name = text[1..end];
            rest = text[(end + 1)..];
        }
        else
        {
            int colon = text.IndexOf(':');
            name = colon < 0 ? text : text[..colon];
            rest = colon < 0 ? [] : text[colon..];
        }

        if (name.IsEmpty || name.ContainsAny(" \t\r\n,"))
        {
            error = name.IsEmpty ? "has no host" : "has a host with white space or a comma in it";
            return false;
        }

        if (!rest.IsEmpty
            && (rest[0] != ':'
                || !int.TryParse(rest[1..], NumberStyles.None, CultureInfo.InvariantCulture, out port)
                || port < leastPort || port > 65535))
        {
            error = $"has a port that is not a number from {leastPort} to 65535";
            return false;
        }

        host = name.ToString();
        error = "";
        return true;
    }
}
