namespace SinGateway.Singyeong;

/// <summary>
/// The messages of one rendered target that wait for a receiver, in the order of their events (G8, G9), and when the first of them is tried
/// again. Belongs to the loop's thread.
/// </summary>
/// <param name="target">Hash of the target.</param>
/// <param name="application">The target's application: a client of it that connects is a reason to try at once.</param>
/// <param name="costsConnection">The target has <c>ops</c>: the server answers a retry in vain by closing with 1011.</param>
internal sealed class Lane(ulong target, string application, bool costsConnection)
{
    /// <summary>In place of an application's name: of any.</summary>
    public const string AnyApplication = "";

    /// <summary>Between two retries that cost the connection, in ms (G9).</summary>
    public const int CostlyRetry = 30_000;

    /// <summary>The first retry of a target whose no_route is answered, in ms; it doubles up to the next.</summary>
    public const int FirstRetry = 1_000;
    public const int SlowestRetry = 10_000;

    private readonly LinkedList<HeldDispatch> _waiting = new();
    private long _mayCostAt = long.MinValue;
    private int _retries;

    /// <summary>A client of its application has connected since the try began that is under way: it may have come too late for that one.</summary>
    private bool _hasNewReceiver;

    public ulong Target { get; } = target;

    public string Application { get; } = application;

    public bool CostsConnection { get; } = costsConnection;

    public int Count => _waiting.Count;

    /// <summary>When the first message may be tried again, in the loop's ms.</summary>
    public long RetryAt { get; private set; }

    public IEnumerable<HeldDispatch> Dispatches => _waiting;

    /// <summary>No message ends to wait before this, in the loop's ms: perhaps none does, when the one that would has left.</summary>
    public long FirstDeadline { get; private set; } = long.MaxValue;

    /// <summary>The one that is tried first.</summary>
    public HeldDispatch? First => _waiting.First?.Value;

    /// <summary>Puts a message where its event belongs: one that was on its way comes back behind some that never were.</summary>
    public void Add(HeldDispatch dispatch)
    {
        FirstDeadline = Math.Min(FirstDeadline, dispatch.Deadline);
        LinkedListNode<HeldDispatch>? before = _waiting.Last;
        while (before is not null && before.Value.Note.Start > dispatch.Note.Start)
        {
            before = before.Previous;
        }

        if (before is null)
        {
            _waiting.AddFirst(dispatch);
        }
        else
        {
            _waiting.AddAfter(before, dispatch);
        }
    }

    public HeldDispatch TakeFirst()
    {
        HeldDispatch first = _waiting.First!.Value;
        _waiting.RemoveFirst();
        return first;
    }

    /// <summary>
    /// Takes out what has waited for too long, wherever it stands: rules with the same target may let their messages wait for different times.
    /// </summary>
    /// <param name="now">The loop's ms.</param>
    /// <param name="sparesFirst">The first message is on its way.</param>
    /// <param name="taken">Is given each.</param>
    public void TakeExpired(long now, bool sparesFirst, Action<HeldDispatch> taken)
    {
        long first = long.MaxValue;
        for (LinkedListNode<HeldDispatch>? node = _waiting.First; node is not null;)
        {
            LinkedListNode<HeldDispatch> looked = node;
            node = node.Next;
            if (looked.Value.Deadline <= now && !(sparesFirst && looked.Previous is null))
            {
                _waiting.Remove(looked);
                taken(looked.Value);
            }
            else
            {
                first = Math.Min(first, looked.Value.Deadline);
            }
        }

        FirstDeadline = first;
    }

    /// <summary>The first message is sent.</summary>
    public void Try() => _hasNewReceiver = false;

    /// <summary>Nobody took a message of it: the next try is later, unless somebody has come since.</summary>
    public void Refused(long now)
    {
        if (CostsConnection)
        {
            RetryAt = _mayCostAt = now + CostlyRetry;
        }
        else if (_hasNewReceiver)
        {
            RetryAt = now;
        }
        else
        {
            RetryAt = now + Math.Min(SlowestRetry, FirstRetry << Math.Min(_retries, 10));
            _retries++;
        }
    }

    /// <summary>A client of its application has connected.</summary>
    public void ReceiverConnected(long now)
    {
        RetryAt = Math.Min(RetryAt, Math.Max(now, _mayCostAt));
        _hasNewReceiver = true;
    }
}
