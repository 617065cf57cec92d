namespace SinGateway.Singyeong;

/// <summary>
/// What happens to dispatches that find no receiver, by rule. The rules may be replaced while dispatches of the former ones are on their way
/// or wait: an index may then mean another rule, so each dispatch keeps the set of policies that it was written under, by a number in its
/// note. Belongs to the loop's thread.
/// </summary>
/// <param name="first">By rule.</param>
internal sealed class RulePolicies(UnroutedPolicy[] first)
{
    /// <summary>Sets that dispatches can tell apart.</summary>
    public const int MaximumSets = byte.MaxValue + 1;

    private readonly List<UnroutedPolicy[]> _sets = [first];

    /// <summary>The number of the set for dispatches that are written now.</summary>
    public byte Current { get; private set; }

    /// <summary>Rules of the current set.</summary>
    public int Count => _sets[Current].Length;

    /// <summary>The policy of the rule and set that a note names.</summary>
    public UnroutedPolicy this[in FrameNote note] => _sets[note.Policies][note.Rule];

    /// <summary>
    /// Dispatches that are written from now on have these policies. A number that no dispatch has any more is used again; false, and nothing
    /// changes, when there is none.
    /// </summary>
    /// <param name="policies">By rule.</param>
    /// <param name="outbox">Dispatches that are on their way.</param>
    /// <param name="lanes">Dispatches that wait.</param>
    public bool TryReplace(UnroutedPolicy[] policies, Outbox outbox, Lanes lanes)
    {
        if (_sets[Current].AsSpan().SequenceEqual(policies))
        {
            return true;
        }

        bool[] inUse = InUse(outbox, lanes);
        int number = 0;
        while (number < _sets.Count && (inUse[number] || number == Current))
        {
            number++;
        }

        if (number == MaximumSets)
        {
            return false;
        }

        if (number == _sets.Count)
        {
            _sets.Add(policies);
        }
        else
        {
            _sets[number] = policies;
        }

        Current = (byte)number;
        return true;
    }

    /// <summary>By number: a dispatch has it.</summary>
    private static unsafe bool[] InUse(Outbox outbox, Lanes lanes)
    {
        bool[] inUse = new bool[MaximumSets];
        outbox.VisitFrom(outbox.Confirmed, note => inUse[note->Policies] = true);
        foreach (HeldDispatch dispatch in lanes.All.SelectMany(lane => lane.Dispatches))
        {
            inUse[dispatch.Note.Policies] = true;
        }

        return inUse;
    }
}
