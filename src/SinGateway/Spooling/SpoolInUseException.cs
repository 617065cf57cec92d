namespace SinGateway.Spooling;

/// <summary>Another process holds the spool (exit code 5).</summary>
internal sealed class SpoolInUseException(string path)
    : IOException($"spool {path} is held by another process; stop that one, or give this one its own spool.directory or cluster index");
