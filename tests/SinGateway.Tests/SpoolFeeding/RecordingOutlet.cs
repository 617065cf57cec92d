using SinGateway.Sessions;
using SinGateway.Spooling;

namespace SinGateway.Tests.SpoolFeeding;

/// <summary>Keeps what it was given; the test says how much it takes.</summary>
internal sealed class RecordingOutlet : ISpoolOutlet
{
    public bool HasRoom { get; set; }

    public long MaximumEvent { get; set; } = 1 << 20;

    /// <summary>How many copies a record has.</summary>
    public int Copies { get; set; } = 1;

    /// <summary>Number and seq of each record.</summary>
    public List<(long Number, long Seq)> Forwarded { get; } = [];

    public List<long> Late { get; } = [];

    public int Forward(in SpoolRecord record)
    {
        Forwarded.Add((record.Number, record.Seq));
        return Copies;
    }

    public void ForwardLate(Session session, in SpoolRecord record) => Late.Add(record.Seq);
}
