using SinGateway.Loop;

namespace SinGateway.Spooling;

/// <summary>Runs file operations on the thread pool and comes back through the loop. Allocates nothing for one.</summary>
internal sealed class PooledSpoolThread : ISpoolThread, IThreadPoolWorkItem
{
    private readonly EventLoop _loop;
    private readonly PostedAction _hasRun;
    private ISpoolWork? _work;
    private Action? _completed;

    public PooledSpoolThread(EventLoop loop)
    {
        _loop = loop;
        _hasRun = new PostedAction(() => _completed!());
    }

    public void Run(ISpoolWork work, Action completed)
    {
        _work = work;
        _completed = completed;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        _work!.Execute();
        _loop.Post(_hasRun);
    }
}
