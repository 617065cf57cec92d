namespace SinGateway.Loop;

/// <summary>
/// The timers of one loop as a binary heap: the next one is at the root, adding and removing cost O(log n). Timers of the same time fire in
/// the order in which they were started.
/// </summary>
internal sealed class TimerHeap
{
    private LoopTimer[] _heap = new LoopTimer[64];
    private long _started;

    public int Count { get; private set; }

    /// <summary>
    /// Milliseconds from <paramref name="now"/> to the next timer, for epoll_wait: 0 when it is due, -1 when there is none.
    /// </summary>
    public int Timeout(long now) => Count == 0 ? -1 : (int)Math.Clamp(_heap[0].Due - now, 0, int.MaxValue);

    public void Add(LoopTimer timer)
    {
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, Count * 2);
        }

        timer.Order = _started++;
        Place(timer, Count++);
        MoveUp(timer.HeapIndex);
    }

    public void Remove(LoopTimer timer)
    {
        int index = timer.HeapIndex;
        timer.HeapIndex = -1;
        LoopTimer last = _heap[--Count];
        _heap[Count] = null!;
        if (last != timer)
        {
            Place(last, index);
            MoveUp(index);
            MoveDown(last.HeapIndex);
        }
    }

    /// <summary>
    /// Fires every timer due at <paramref name="now"/>, earliest first; one that a callback starts with no delay waits for the next round.
    /// </summary>
    public void FireDue(long now)
    {
        long round = _started;
        while (Count > 0 && _heap[0].Due <= now && _heap[0].Order < round)
        {
            LoopTimer timer = _heap[0];
            Remove(timer);
            timer.Fire();
        }
    }

    private static bool IsBefore(LoopTimer left, LoopTimer right) => left.Due < right.Due || (left.Due == right.Due && left.Order < right.Order);

    private void Place(LoopTimer timer, int index)
    {
        _heap[index] = timer;
        timer.HeapIndex = index;
    }

    private void MoveUp(int index)
    {
        LoopTimer timer = _heap[index];
        while (index > 0 && _heap[(index - 1) / 2] is var parent && IsBefore(timer, parent))
        {
            Place(parent, index);
            index = (index - 1) / 2;
        }

        Place(timer, index);
    }

    private void MoveDown(int index)
    {
        LoopTimer timer = _heap[index];
        while (index * 2 + 1 < Count)
        {
            int child = index * 2 + 1;
            if (child + 1 < Count && IsBefore(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (IsBefore(timer, _heap[child]))
            {
                break;
            }

            Place(_heap[child], index);
            index = child;
        }

        Place(timer, index);
    }
}
