using SinGateway.Sessions;

namespace SinGateway.Singyeong;

/// <summary>A finished frame that waits in a lane. Owned by its <see cref="Lane"/>.</summary>
/// <param name="note">Which event it carries; its start orders it within the lane.</param>
/// <param name="session">Is not committed beyond this event while it waits; null when the spool keeps it.</param>
/// <param name="frame">As it is sent, mask included.</param>
/// <param name="deadline">When it is dropped, in the loop's ms.</param>
internal sealed class HeldDispatch(in FrameNote note, Session? session, byte[] frame, long deadline)
{
    private FrameNote _note = note;

    public ref readonly FrameNote Note => ref _note;

    public Session? Session { get; private set; } = session;

    public byte[] Frame { get; private set; } = frame;

    public long Deadline { get; } = deadline;

    /// <summary>It has left its lane, and its memory.</summary>
    public bool IsGone => Frame.Length == 0;

    /// <summary>The event is in the spool too from now on, and that settles it in its session (G9).</summary>
    public void MoveToSpool(long number)
    {
        _note.SpoolNumber = number;
        Session = null;
    }

    /// <summary>It has cost a connection, for a reason other than no_route; answers how many by now (G11).</summary>
    public int Strike() => ++_note.Strikes;

    public void Forget() => Frame = [];
}
