using SinGateway.Sessions;

namespace SinGateway.Singyeong;

/// <summary>A finished frame that waits in a lane. Owned by its <see cref="Lane"/>.</summary>
/// <param name="Note">Which event it carries; its start orders it within the lane.</param>
/// <param name="Session">Is not committed beyond this event while it waits.</param>
/// <param name="Frame">As it is sent, mask included.</param>
/// <param name="Deadline">When it is dropped, in the loop's ms.</param>
internal sealed record HeldDispatch(FrameNote Note, Session Session, byte[] Frame, long Deadline);
