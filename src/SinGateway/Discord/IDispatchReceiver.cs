using SinGateway.Sessions;

namespace SinGateway.Discord;

/// <summary>Takes the events of all shards of a loop.</summary>
internal interface IDispatchReceiver
{
    /// <summary>False stops shards from reading; they go on when told so (<see cref="Shard.ContinueReading"/>, or after a while without room <see cref="Shard.GoOn"/>).</summary>
    bool HasRoom { get; }

    /// <summary>
    /// One dispatch, in the order of its session. <paramref name="message"/> is the whole message as Discord sent it, <paramref
    /// name="eventName"/> a slice of it; both are borrowed for the length of the call.
    /// </summary>
    void Receive(Session session, ReadOnlySpan<byte> eventName, long seq, ReadOnlySpan<byte> message);
}
