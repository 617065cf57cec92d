namespace SinGateway.Sessions;

/// <summary>Another process holds the state file (exit code 5).</summary>
internal sealed class StateFileInUseException(string path)
    : IOException($"state file {path} is held by another process; stop that one, or give this one its own stateFile");
