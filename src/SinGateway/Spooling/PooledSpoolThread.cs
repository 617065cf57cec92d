using SinGateway.Loop;

namespace SinGateway.Spooling;

/// <summary>Runs file operations on the thread pool and comes back through the loop.</summary>
internal sealed class PooledSpoolThread(EventLoop loop) : ISpoolThread, IThreadPoolWorkItem
{
    private ISpoolWork? _work;
    private Action? _completed;

    public void Run(ISpoolWork work, Action completed)
    {
        _work = work;
        _completed = completed;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        _work!.Execute();
        loop.Post(_completed!);
    }
}
