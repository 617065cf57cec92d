namespace SinGateway.Sessions;

/// <summary>Where Redis is, and who we are there.</summary>
internal sealed record RedisDsn(string Host, int Port, string? UnixSocket, bool Tls, string? User, string? Password, int Database);
