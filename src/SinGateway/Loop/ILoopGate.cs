namespace SinGateway.Loop;

/// <summary>Says whether a loop may read and write now. While it may not, the loop does nothing at all, and asks again when it is woken.</summary>
internal interface ILoopGate
{
    /// <summary>Called on the loop's thread before it reads and again before it writes. Cheap, does not block.</summary>
    bool IsOpen();
}
