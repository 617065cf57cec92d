using SinGateway.Sessions;
using SinGateway.Spooling;

namespace SinGateway;

/// <summary>Where the events of some shards go on from the spool: a 신경 connection's outbox. Belongs to the loop's thread.</summary>
internal interface ISpoolOutlet
{
    bool HasRoom { get; }

    /// <summary>The largest event that it can take, in bytes.</summary>
    long MaximumEvent { get; }

    /// <summary>
    /// Sends the copies of a record, which is borrowed, on their way; answers how many, each of which <see cref="SpoolFeed.Settle"/> is told of
    /// once. 0 when no rule takes the event any more, or it was set aside.
    /// </summary>
    int Forward(in SpoolRecord record);

    /// <summary>Sends an event on its way that was received some time ago and is not in the spool.</summary>
    void ForwardLate(Session session, in SpoolRecord record);
}
