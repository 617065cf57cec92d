using System.Text;
using SinGateway.Sandbox.Net;

namespace SinGateway.Sandbox.Control;

/// <summary>The HTTP port through which a test reads what happened (GET) and makes things go wrong (POST).</summary>
internal sealed class ControlServer : IDisposable
{
    private readonly Listener _listener;
    private readonly ControlCommands _commands;

    public ControlServer(int port, ControlCommands commands)
    {
        _commands = commands;
        _listener = new Listener(port, certificate: null, ServeAsync);
    }

    public int Port => _listener.Port;

    public void Start() => _listener.Start();

    public void Dispose() => _listener.Dispose();

    private async Task ServeAsync(Connection connection)
    {
        while (await HttpExchange.ReadAsync(connection).ConfigureAwait(false) is { } exchange)
        {
            if (!_commands.Table.TryGetValue($"{exchange.Method} {exchange.Path}", out Func<HttpExchange, Task<byte[]>>? command))
            {
                string known = string.Join("\",\"", _commands.Table.Keys);
                exchange.Answer(404, Encoding.UTF8.GetBytes($"{{\"error\":\"unknown\",\"known\":[\"{known}\"]}}"));
                continue;
            }
            try
            {
                exchange.Answer(200, await command(exchange).ConfigureAwait(false));
            }
            catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
            {
                exchange.Answer(400, Encoding.UTF8.GetBytes($"{{\"error\":\"{e.Message.Replace('"', '\'')}\"}}"));
            }
        }
    }
}
