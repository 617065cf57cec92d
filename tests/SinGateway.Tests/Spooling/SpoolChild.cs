using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Loop;
using SinGateway.Spooling;

namespace SinGateway.Tests.Spooling;

/// <summary>
/// This program as another process with a spool, for tests that kill it: it appends, reads and confirms for ever and prints
/// <c>durable N</c> after, and <c>confirm N</c> before, each such moment. Started by a variable in the environment, before the test runner.
/// </summary>
internal static class SpoolChild
{
    public const long MaxSize = 8 * 1024 * 1024;

    private const string Variable = "SINGATEWAY_TEST_SPOOL";

    /// <summary>The caller kills and disposes it.</summary>
    public static Process Start(string directory)
    {
        string program = Environment.ProcessPath!;
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "SinGateway.Tests.dll"));
        }

        start.Environment[Variable] = directory;
        return Process.Start(start)!;
    }

    // Other threads cannot run code of this module before the initializer has ended; the manual thread needs none.
#pragma warning disable CA2255
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void RunIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } directory)
        {
            Run(directory);
        }
    }

    private static void Run(string directory)
    {
        using EventLoop loop = new(TimeProvider.System);
        ManualSpoolThread thread = new();
        using StreamWriter output = new(Console.OpenStandardOutput()) { AutoFlush = true };
        Listener listener = new(output);
        SpoolOptions options = new() { Directory = directory, MaxSize = MaxSize };
        using Spool spool = Spool.Open(options, loop, NullLogger.Instance, thread);
        spool.Start(listener);
        Random random = new();
        long read = spool.Confirmed;
        while (true)
        {
            for (int i = random.Next(100); i > 0; i--)
            {
                long seq = spool.Last + 1;
                spool.TryAppend(SpoolUnderTest.RecordOf(seq, SpoolUnderTest.PayloadOf(seq, SpoolUnderTest.SizeOf(seq))), out _);
            }

            thread.RunOne();
            for (int i = random.Next(100); i > 0 && spool.TryRead(out SpoolRecord record); i--)
            {
                read = record.Number;
            }

            if (read > spool.Confirmed && random.Next(4) == 0)
            {
                long number = random.NextInt64(spool.Confirmed + 1, read + 1);
                output.WriteLine($"confirm {number}");
                spool.Confirm(number);
                loop.Timers.FireDue(long.MaxValue);
            }
        }
    }

    private sealed class Listener(StreamWriter output) : ISpoolListener
    {
        public void OnDurable(long number) => output.WriteLine($"durable {number}");

        public void OnReadReady()
        {
        }

        public void OnRoom()
        {
        }

        public void OnFailed(string cause) => Environment.Exit(1);

        public void OnWorking()
        {
        }
    }
}
