namespace SinGateway.Generations;

/// <summary>
/// Decides what a process of a generation does, by what it sees in Redis each second (G23). Pure: it is told the time, in ms. What is not
/// known changes nothing: while Redis is away nobody begins to forward, and nobody stops unless its last seconds have begun.
/// </summary>
/// <param name="isMuted">How it begins.</param>
internal sealed class GenerationLife(bool isMuted)
{
    /// <summary>For how long an old generation forwards beside the new one, in ms.</summary>
    public const long Overlap = 5_000;

    private long _leavesAt;

    public GenerationPhase Phase { get; private set; } = isMuted ? GenerationPhase.Muted : GenerationPhase.Forwarding;

    /// <summary>What Redis says.</summary>
    /// <param name="active">The shard count of the generation that forwards; null when Redis does not know.</param>
    /// <param name="own">That of this process.</param>
    /// <param name="unmuting">Clusters of the active generation that do not forward yet.</param>
    /// <param name="allReady">Every shard of this process is connected and has got what it missed.</param>
    /// <param name="now">The time.</param>
    public GenerationPhase See(int? active, int own, int unmuting, bool allReady, long now)
    {
        if (Phase == GenerationPhase.Retired || active is null)
        {
            return Wait(allReady, now);
        }

        if (active == own)
        {
            return Phase = GenerationPhase.Forwarding;
        }

        if (Phase == GenerationPhase.Forwarding && unmuting == 0)
        {
            Phase = GenerationPhase.Leaving;
            _leavesAt = now + Overlap;
        }

        return Wait(allReady, now);
    }

    /// <summary>Redis is away. The last seconds end all the same: whoever is to forward instead does, or they had not begun.</summary>
    public GenerationPhase Wait(bool allReady, long now)
    {
        if (Phase != GenerationPhase.Leaving)
        {
            return Phase;
        }

        if (!allReady)
        {
            // What a shard has missed is from before the switch perhaps, when nobody else forwarded it.
            _leavesAt = now + Overlap;
        }

        return Phase = now >= _leavesAt ? GenerationPhase.Retired : GenerationPhase.Leaving;
    }
}
