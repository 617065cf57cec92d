namespace SinGateway.Operations;

/// <summary>How the log is written: <c>logFormat</c>.</summary>
internal enum LogFormat
{
    /// <summary>A line for people (<see cref="LogLine"/>).</summary>
    Text,

    /// <summary>An object of JSON a line (<see cref="LogJson"/>).</summary>
    Json,
}
