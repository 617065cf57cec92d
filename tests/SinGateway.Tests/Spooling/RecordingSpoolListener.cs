using SinGateway.Spooling;

namespace SinGateway.Tests.Spooling;

/// <summary>Keeps what a spool tells.</summary>
internal sealed class RecordingSpoolListener : ISpoolListener
{
    public long Durable { get; private set; }

    public int Flushes { get; private set; }

    public int ReadReady { get; private set; }

    public int Room { get; private set; }

    public List<string> Failures { get; } = [];

    public int Working { get; private set; }

    public void OnDurable(long number)
    {
        Durable = number;
        Flushes++;
    }

    public void OnReadReady() => ReadReady++;

    public void OnRoom() => Room++;

    public void OnFailed(string cause) => Failures.Add(cause);

    public void OnWorking() => Working++;
}
