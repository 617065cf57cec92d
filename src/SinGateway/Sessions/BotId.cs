using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace SinGateway.Sessions;

/// <summary>
/// Names a bot without naming its token: the application id, which is the first of the token's three parts in base64url; for a token of
/// another shape, 16 hex digits of its SHA-256.
/// </summary>
internal static class BotId
{
    private const string Prefix = "Bot ";

    /// <summary>Takes the token with or without the <c>Bot </c> prefix.</summary>
    public static string FromToken(string token)
    {
        string bare = token.StartsWith(Prefix, StringComparison.Ordinal) ? token[Prefix.Length..] : token;
        int dot = bare.IndexOf('.');

        // A snowflake has at most 20 digits; the encoded form of that is 27 characters.
        if (dot is > 0 and <= 28)
        {
            Span<byte> id = stackalloc byte[24];
            if (Base64Url.DecodeFromChars(bare.AsSpan(0, dot), id, out _, out int length) == OperationStatus.Done
                && length > 0
                && !id[..length].ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            {
                return Encoding.ASCII.GetString(id[..length]);
            }
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(bare)).AsSpan(0, 8));
    }
}
