using System.Globalization;
using System.Text;

namespace SinGateway.Operations;

/// <summary>What a request is answered with.</summary>
/// <param name="Status">The HTTP status code.</param>
/// <param name="ContentType">Of the body.</param>
/// <param name="Body">Shared with other answers, or this one's alone.</param>
internal readonly record struct HttpAnswer(int Status, string ContentType, PageBuffer Body)
{
    public const string PlainText = "text/plain; charset=utf-8";

    /// <summary>What a browser may do with it; null leaves the header out.</summary>
    public string? ContentSecurityPolicy { get; init; }

    /// <summary>A short text of its own.</summary>
    public static HttpAnswer Text(int status, string text)
    {
        PageBuffer body = new();
        body.Append(Encoding.UTF8.GetBytes(text));
        return new HttpAnswer(status, PlainText, body);
    }

    /// <summary>
    /// The head before the body (https://www.rfc-editor.org/rfc/rfc9110#section-8.6). One request a connection: who scrapes every few seconds loses
    /// nothing by it, and nobody's second request waits behind his first.
    /// </summary>
    public byte[] Head(DateTimeOffset now) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"HTTP/1.1 {Status} {Reason}\r\nDate: {now:R}\r\nContent-Type: {ContentType}\r\nContent-Length: {Body.Length}\r\n{(Status == 405 ? "Allow: GET, HEAD\r\n" : "")}{(ContentSecurityPolicy is null ? "" : $"Content-Security-Policy: {ContentSecurityPolicy}\r\n")}Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"));

    private string Reason => Status switch
    {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Status",
    };
}
