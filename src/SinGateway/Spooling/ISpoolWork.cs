namespace SinGateway.Spooling;

/// <summary>One of the spool's file operations. Its owner sets its fields and leaves it alone until it has run, then takes the result.</summary>
internal interface ISpoolWork
{
    /// <summary>Runs off the loop, may block, and does not throw.</summary>
    void Execute();
}
