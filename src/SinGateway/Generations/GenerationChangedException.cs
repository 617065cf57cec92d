namespace SinGateway.Generations;

/// <summary>While a process waited for a lease, another generation than the one it saw at its start came to forward.</summary>
internal sealed class GenerationChangedException : Exception;
