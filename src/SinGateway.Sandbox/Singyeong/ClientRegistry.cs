namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// The identified clients. Each change makes a new list, so a route that was evaluated over a list is good for as long as that list is the
/// current one, and looking takes no lock.
/// </summary>
internal sealed class ClientRegistry
{
    private readonly Lock _gate = new();
    private volatile SingyeongClient[] _clients = [];

    /// <summary>The current list; a new array whenever a client, or its metadata, has changed.</summary>
    public SingyeongClient[] Clients => _clients;

    /// <summary>False when the application has a client of that id already.</summary>
    public bool TryAdd(SingyeongClient client)
    {
        lock (_gate)
        {
            if (_clients.Any(other => other.Application == client.Application && other.ClientId == client.ClientId))
            {
                return false;
            }
            _clients = [.. _clients, client];
        }
        Announce(client.Application, connected: true, except: client);
        return true;
    }

    public void Remove(SingyeongClient client)
    {
        lock (_gate)
        {
            _clients = [.. _clients.Where(other => other != client)];
        }
        Announce(client.Application, connected: false, except: client);
    }

    /// <summary>Tells those that asked for it (receive_client_updates) that a client of an application came or went.</summary>
    public void Announce(string application, bool connected, SingyeongClient? except)
    {
        foreach (SingyeongClient client in _clients)
        {
            if (client.WantsClientUpdates && client != except)
            {
                JsonPacketWriter.ClientUpdate(client.Output, connected, application);
                client.Outgoing.Flush();
            }
        }
    }

    /// <summary>Makes routes be evaluated again.</summary>
    public void Invalidate()
    {
        lock (_gate)
        {
            _clients = [.. _clients];
        }
    }

    /// <summary>Lets the waiting metadata updates take effect.</summary>
    public void ApplyPendingMetadata()
    {
        bool changed = false;
        foreach (SingyeongClient client in _clients)
        {
            changed |= client.ApplyPending();
        }
        if (changed)
        {
            Invalidate();
        }
    }
}
