using SinGateway.Spooling;

namespace SinGateway.Tests.Spooling;

/// <summary>File operations that run when the test says so, on its thread.</summary>
internal sealed class ManualSpoolThread : ISpoolThread
{
    private ISpoolWork? _work;
    private Action? _completed;

    public bool IsBusy => _work is not null;

    public void Run(ISpoolWork work, Action completed)
    {
        if (_work is not null)
        {
            throw new InvalidOperationException("two file operations at a time");
        }

        _work = work;
        _completed = completed;
    }

    /// <summary>Runs the operation that waits; false when there is none.</summary>
    public bool RunOne()
    {
        if (_work is null)
        {
            return false;
        }

        (ISpoolWork work, Action completed) = (_work, _completed!);
        work.Execute();
        _work = null;
        completed();
        return true;
    }

    public void RunAll()
    {
        while (RunOne())
        {
        }
    }
}
