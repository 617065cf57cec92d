using System.Security.Cryptography;

namespace SinGateway.Operations;

/// <summary>
/// The status page: one file without outside resources (<c>StatusPage.html</c>, built in), which asks for <c>/status</c> from the browser. Nothing of
/// the gateway stands in it, so it is the same for everybody.
/// </summary>
internal static class StatusPage
{
    private const string Html = "text/html; charset=utf-8";

    public static HttpAnswer Read()
    {
        using Stream file = typeof(StatusPage).Assembly.GetManifestResourceStream("StatusPage.html")!;
        PageBuffer page = new();
        page.Advance(file.ReadAtLeast(page.GetSpan((int)file.Length), (int)file.Length));
        return new HttpAnswer(200, Html, page) { ContentSecurityPolicy = Policy(page.Bytes) };
    }

    /// <summary>
    /// What a browser lets the page do (https://www.w3.org/TR/CSP3/): its own script and style, known by their hashes, the tab's icon, which is a data
    /// URL, and questions to this gateway. Nobody may put it into a frame.
    /// </summary>
    private static string Policy(ReadOnlySpan<byte> page) =>
        $"default-src 'none'; script-src {Hash(page, "<script type=\"module\">"u8, "</script>"u8)}; style-src {Hash(page, "<style>"u8, "</style>"u8)}; "
        + "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static string Hash(ReadOnlySpan<byte> page, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        ReadOnlySpan<byte> content = page[(page.IndexOf(start) + start.Length)..];
        return $"'sha256-{Convert.ToBase64String(SHA256.HashData(content[..content.IndexOf(end)]))}'";
    }
}
