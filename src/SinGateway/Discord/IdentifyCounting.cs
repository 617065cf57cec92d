using SinGateway.Loop;
using SinGateway.Sessions;

namespace SinGateway.Discord;

/// <summary>
/// Makes spent permits durable off the loop, and answers on it. One save at a time, at the end of a turn; who spends meanwhile shares the
/// next one, so 128 buckets cost two writes of the ledger and not 128. Belongs to the loop's thread but for the save.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="ledger">Where it is written.</param>
/// <param name="snapshot">Makes the record to be written, on the loop.</param>
/// <param name="saved">
/// Called on the loop for each shard of a save that still wants to know: the shard, why it could not be written (null when it was), and
/// whom to answer.
/// </param>
/// <param name="ended">Called on the loop at the end of each save, before those: why it failed, or null.</param>
internal sealed class IdentifyCounting(
    EventLoop loop,
    IIdentifyLedger ledger,
    Func<IdentifyRecord> snapshot,
    Action<int, string?, Action<bool>> saved,
    Action<string?> ended) : IThreadPoolWorkItem
{
    private readonly Dictionary<int, Spent> _wanted = [];
    private List<Spent> _next = [];
    private List<Spent> _underWay = [];
    private IdentifyRecord? _record;
    private string? _problem;
    private bool _isBusy;

    /// <summary>The shard has spent its permit and waits for the answer.</summary>
    public void Add(int shardId, Action<bool> answered)
    {
        var spent = new Spent(shardId, answered);
        _wanted[shardId] = spent;
        _next.Add(spent);
        if (!_isBusy)
        {
            _isBusy = true;
            loop.AtEndOfTurn(Save);
        }
    }

    /// <summary>Answers false in a later call of the loop, unless it is not wanted any more then.</summary>
    public void Deny(int shardId, Action<bool> answered)
    {
        var spent = new Spent(shardId, answered);
        _wanted[shardId] = spent;
        loop.Post(() =>
        {
            if (TakeWanted(spent))
            {
                answered(false);
            }
        });
    }

    /// <summary>The shard's answer is not wanted any more.</summary>
    public void Forget(int shardId) => _wanted.Remove(shardId);

    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            ledger.Save(_record!);
            _problem = null;
        }
        catch (Exception e)
        {
            // Whatever it was: without an answer, no shard would identify again.
            _problem = e.Message;
        }

        loop.Post(OnSaved);
    }

    private void Save()
    {
        (_next, _underWay) = (_underWay, _next);
        _record = snapshot();
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void OnSaved()
    {
        _record = null;
        ended(_problem);
        foreach (Spent spent in _underWay)
        {
            if (TakeWanted(spent))
            {
                saved(spent.ShardId, _problem, spent.Answered);
            }
        }

        _underWay.Clear();
        _isBusy = _next.Count > 0;
        if (_isBusy)
        {
            Save();
        }
    }

    // The same shard may have spent another permit since.
    private bool TakeWanted(Spent spent) =>
        _wanted.TryGetValue(spent.ShardId, out Spent? wanted) && ReferenceEquals(wanted, spent) && _wanted.Remove(spent.ShardId);

    private sealed class Spent(int shardId, Action<bool> answered)
    {
        public int ShardId => shardId;

        public Action<bool> Answered => answered;
    }
}
