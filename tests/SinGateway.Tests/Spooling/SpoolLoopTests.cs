using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Loop;
using SinGateway.Spooling;
using SinGateway.Tests.Fixtures;
using SinGateway.Tests.Loop;

namespace SinGateway.Tests.Spooling;

/// <summary>A spool on a running loop, with its files on the thread pool.</summary>
public sealed class SpoolLoopTests
{
    [Test]
    public async Task A_hundred_thousand_records_come_through_in_order_and_the_disk_is_empty_in_the_end()
    {
        using TemporaryDirectory directory = new();
        using RunningLoop running = new();
        SpoolOptions options = new() { Directory = directory.File(""), MaxSize = 32 * 1024 * 1024, MemoryLimit = 2 * 1024 * 1024 };
        using Flow flow = new(running.Loop, options, 100_000);
        await running.RunAsync(flow.Begin);
        long read = await flow.Done.WaitAsync(RunningLoop.Patience);
        await Assert.That(read).IsEqualTo(100_000);
        TaskCompletionSource<long> closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await running.RunAsync(() => flow.Spool.Close(closed.SetResult));
        await Assert.That(await closed.Task.WaitAsync(RunningLoop.Patience)).IsEqualTo(0);
        await Assert.That(SpoolUnderTest.SegmentFilesOf(Path.Combine(options.Directory, "cluster-0"))).IsEmpty();
    }

    /// <summary>Appends as long as there is room, reads a little less than it appends, confirms what it read.</summary>
    private sealed class Flow(EventLoop loop, SpoolOptions options, long count) : ISpoolListener, IDisposable
    {
        private readonly TaskCompletionSource<long> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly byte[] _payload = new byte[700];
        private long _read;
        private bool _asked;

        public Spool Spool { get; } = Spool.Open(options, loop, NullLogger.Instance);

        public Task<long> Done => _done.Task;

        public void Begin()
        {
            Spool.Start(this);
            Turn();
        }

        public void Dispose() => Spool.Dispose();

        public void OnDurable(long number) => Ask();

        public void OnReadReady() => Ask();

        public void OnRoom() => Ask();

        public void OnFailed(string cause) => _done.TrySetException(new IOException(cause));

        public void OnWorking()
        {
        }

        private void Ask()
        {
            if (!_asked)
            {
                _asked = true;
                loop.AtEndOfTurn(Turn);
            }
        }

        private void Turn()
        {
            _asked = false;
            int appended = 0;
            while (Spool.Last < count && appended < 500 && Spool.TryAppend(SpoolUnderTest.RecordOf(Spool.Last + 1, _payload), out _))
            {
                appended++;
            }

            int read = 0;
            while ((Spool.Last == count || read < 450) && Spool.TryRead(out SpoolRecord record))
            {
                read++;
                if (record.Number != ++_read || record.Seq != _read)
                {
                    _done.TrySetException(new InvalidDataException($"record {record.Number} came, and {_read} was expected"));
                }
            }

            if (_read > Spool.Confirmed)
            {
                Spool.Confirm(_read);
            }

            if (_read == count)
            {
                _done.TrySetResult(_read);
            }
            else if (appended + read > 0)
            {
                Ask();
            }
        }
    }
}
