using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Operations;

namespace SinGateway.Tests.Operations;

public sealed partial class LoggingTests
{
    private static readonly DateTimeOffset Time = new(2026, 11, 23, 13, 0, 1, 123, TimeSpan.Zero);

    [Test]
    [Arguments(LogLevel.Critical, "2026-11-23 13:00:01.123 CRITICAL shard: text\n")]
    [Arguments(LogLevel.Error, "2026-11-23 13:00:01.123 ERROR    shard: text\n")]
    [Arguments(LogLevel.Warning, "2026-11-23 13:00:01.123 WARNING  shard: text\n")]
    [Arguments(LogLevel.Information, "2026-11-23 13:00:01.123 INFO     shard: text\n")]
    [Arguments(LogLevel.Debug, "2026-11-23 13:00:01.123 DEBUG    shard: text\n")]
    public async Task A_line_has_time_level_category_and_text(LogLevel level, string expected) =>
        await Assert.That(LogLine.Format(Time, level, "shard", "text", null, false, false)).IsEqualTo(expected);

    [Test]
    public async Task Only_the_level_is_coloured() =>
        await Assert.That(LogLine.Format(Time, LogLevel.Warning, "shard", "text", null, false, true))
            .IsEqualTo("2026-11-23 13:00:01.123 \e[33mWARNING \e[0m shard: text\n");

    [Test]
    public async Task A_line_break_in_a_text_does_not_start_an_entry() =>
        await Assert.That(LogLine.Format(Time, LogLevel.Information, "shard", "a\r\nb\nc", null, false, false)).EndsWith("shard: a b c\n");

    [Test]
    public async Task An_exception_is_one_line() =>
        await Assert.That(LogLine.Format(Time, LogLevel.Error, "store", "failed", new IOException("no\nspace"), false, false))
            .EndsWith("store: failed: no space\n");

    [Test]
    public async Task At_DEBUG_an_exception_is_written_in_full() =>
        await Assert.That(LogLine.Format(Time, LogLevel.Error, "store", "failed", new IOException("no space"), true, false))
            .EndsWith("store: failed\nSystem.IO.IOException: no space\n");

    [Test]
    public async Task Entries_below_the_minimum_are_not_written()
    {
        string log = Write(LogLevel.Warning, logger =>
        {
            Said(logger, "loud");
            Whispered(logger, "quiet");
        });
        await Assert.That(log).IsEqualTo("2026-11-23 13:00:01.123 WARNING  shard: loud\n");
    }

    [Test]
    public async Task What_a_stuck_terminal_cannot_take_is_dropped_and_counted()
    {
        using StuckWriter output = new();
        using (LineWriter writer = new(output))
        {
            writer.Write("first\n");
            await output.Stuck;
            for (int i = 0; i < LineWriter.Capacity + 3; i++)
            {
                writer.Write("x\n");
            }

            output.Release();
        }

        await Assert.That(output.ToString()).EndsWith("(the log was too slow to take 3 lines)\n");
    }

    private static string Write(LogLevel minimum, Action<ILogger> act)
    {
        using StringWriter output = new();
        using (LineLoggerFactory factory = new(new LineWriter(output), minimum, colour: false, new FakeTimeProvider(Time)))
        {
            act(factory.CreateLogger("shard"));
        }

        return output.ToString();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Text}")]
    private static partial void Said(ILogger logger, string text);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Text}")]
    private static partial void Whispered(ILogger logger, string text);

    /// <summary>Blocks in its first write until released.</summary>
    private sealed class StuckWriter : StringWriter
    {
        private readonly TaskCompletionSource _stuck = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new();

        public Task Stuck => _stuck.Task;

        public void Release() => _released.TrySetResult();

        public override void Write(string? value)
        {
            if (_stuck.TrySetResult())
            {
                _released.Task.Wait();
            }

            base.Write(value);
        }
    }
}
