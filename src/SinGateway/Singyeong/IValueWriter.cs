namespace SinGateway.Singyeong;

/// <summary>
/// Writes the values of JSON in one of the binary encodings of 신경: pure functions over spans, each of which returns how many bytes it has
/// written. The caller has made room. Static, so that <see cref="JsonTranscoder{TWriter}"/> is compiled once for each encoding, without an
/// indirect call a value.
/// </summary>
internal interface IValueWriter
{
    /// <summary>
    /// What is kept free before the values of a container, whose number is not known yet; 6 bytes with what may follow them.
    /// </summary>
    static abstract int ContainerHeader { get; }

    /// <summary>Writes what stands before a packet.</summary>
    static abstract int WriteVersion(Span<byte> destination);

    static abstract int WriteNull(Span<byte> destination);

    static abstract int WriteBoolean(Span<byte> destination, bool value);

    /// <summary>Writes an integer whose absolute value fits into 64 bits.</summary>
    static abstract int WriteInteger(Span<byte> destination, bool negative, ulong magnitude);

    /// <summary>Writes an integer with an absolute value above 64 bits, from its decimal digits.</summary>
    static abstract int WriteLargeInteger(Span<byte> destination, bool negative, ReadOnlySpan<byte> digits);

    /// <summary>Writes a finite number.</summary>
    static abstract int WriteFloat(Span<byte> destination, double value);

    /// <summary>Bytes before a text of at most <paramref name="maximum"/> bytes.</summary>
    static abstract int MeasureTextHeader(int maximum);

    /// <summary>
    /// Writes what stands before a text of <paramref name="length"/> bytes of UTF-8, into a span of the size that <see
    /// cref="MeasureTextHeader"/> has answered.
    /// </summary>
    static abstract void WriteTextHeader(Span<byte> header, int length);

    /// <summary>Writes what stands before <paramref name="count"/> pairs of keys and values.</summary>
    static abstract int WriteMapHeader(Span<byte> destination, int count);

    /// <summary>
    /// Completes a map of <paramref name="count"/> pairs that takes the first <paramref name="length"/> bytes of <paramref
    /// name="container"/>, the free header included; returns its length.
    /// </summary>
    static abstract int EndMap(Span<byte> container, int length, int count);

    /// <summary>As <see cref="EndMap"/>, for a list of <paramref name="count"/> values.</summary>
    static abstract int EndList(Span<byte> container, int length, int count);
}
