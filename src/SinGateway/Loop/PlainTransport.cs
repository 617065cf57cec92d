namespace SinGateway.Loop;

/// <summary>A TCP socket as it is.</summary>
internal sealed class PlainTransport(int descriptor) : Transport(descriptor)
{
    public override int Read(Span<byte> buffer)
    {
        int count = SystemCalls.Receive(Descriptor, buffer);
        return count > 0 ? count : count == 0 ? Closed : Fail();
    }

    public override int Write(ReadOnlySpan<byte> bytes)
    {
        int count = SystemCalls.Send(Descriptor, bytes);
        return count >= 0 ? count : Fail();
    }

    private int Fail()
    {
        int error = SystemCalls.LastError;
        if (error is SystemCalls.TryAgain or SystemCalls.Interrupted)
        {
            return WouldBlock;
        }

        Failure = SystemCalls.Describe(error);
        return Closed;
    }
}
