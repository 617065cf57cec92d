using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace SinGateway.Configuration;

/// <summary>
/// Reads a small text file, and says in words why it could not: the runtime's own messages are not in the native executable.
/// </summary>
internal static class BoundedFile
{
    /// <summary>What is said of a file in another encoding.</summary>
    public const string NotUtf8 = "is not UTF-8";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// Reads a file of at most <paramref name="maxLength"/> bytes of UTF-8, with or without a byte order mark.
    /// <paramref name="why"/> completes the sentence "the file …".
    /// </summary>
    public static bool TryRead(string path, int maxLength, [NotNullWhen(true)] out string? text, out string why)
    {
        text = null;
        why = "";
        try
        {
            // One byte more than allowed tells too large from just fitting, and a pipe or device has no length to ask for.
            byte[] buffer = new byte[maxLength + 1];
            using FileStream file = File.OpenRead(path);
            int length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length > maxLength)
            {
                why = $"is larger than {maxLength / 1024} KiB";
                return false;
            }

            ReadOnlySpan<byte> bytes = buffer.AsSpan(0, length);
            text = Utf8.GetString(bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            why = exception switch
            {
                FileNotFoundException or DirectoryNotFoundException => "does not exist",
                UnauthorizedAccessException => "is a directory, or this process may not read it",
                DecoderFallbackException => NotUtf8,
                _ => "cannot be read",
            };
            return false;
        }
    }
}
