using System.Text.Json;
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
        await Assert.That(LogLine.Format(Entry("text") with { Level = level }, colour: false)).IsEqualTo(expected);

    [Test]
    public async Task Only_the_level_is_coloured() =>
        await Assert.That(LogLine.Format(Entry("text") with { Level = LogLevel.Warning }, colour: true))
            .IsEqualTo("2026-11-23 13:00:01.123 \e[33mWARNING \e[0m shard: text\n");

    [Test]
    [Arguments("a\r\nb\nc", "a b c")]
    [Arguments("a\e[31mb\u009bc\0", "a [31mb c ")]
    public async Task A_control_character_in_a_text_neither_starts_an_entry_nor_reaches_the_terminal(string text, string shown) =>
        await Assert.That(LogLine.Format(Entry(text), colour: false)).EndsWith($"shard: {shown}\n");

    [Test]
    [Arguments(41, "text (repeated 41 times in 60 s)\n")]
    [Arguments(1, "text (repeated 1 time in 60 s)\n")]
    public async Task An_entry_that_stands_for_several_says_for_how_many(int count, string expected) =>
        await Assert.That(LogLine.Format(Entry("text") with { Repeated = count }, colour: false)).EndsWith(expected);

    [Test]
    public async Task An_exception_is_one_line() =>
        await Assert.That(LogLine.Format(Entry("failed") with { Exception = new IOException("no\nspace") }, colour: false)).EndsWith("shard: failed: no space\n");

    [Test]
    public async Task At_DEBUG_an_exception_is_written_in_full() =>
        await Assert.That(LogLine.Format(Entry("failed") with { Exception = new IOException("no space"), WithStack = true }, colour: false))
            .EndsWith("shard: failed\nSystem.IO.IOException: no space\n");

    [Test]
    public async Task In_JSON_an_entry_is_an_object_with_its_named_values()
    {
        string log = Write(LogLevel.Information, logger => Counted(logger, 3, "two\nlines of 신경", null), json: true);

        await Assert.That(log).IsEqualTo(
            """{"time":"2026-11-23T13:00:01.123Z","level":"WARNING","category":"shard","message":"Shard 3: two\nlines of 신경 after (null) s","shard":3,"cause":"two\nlines of 신경","seconds":null}""" + "\n");
    }

    [Test]
    public async Task In_JSON_a_name_that_is_taken_gets_an_underscore()
    {
        LogEntry entry = Entry("text") with { Values = [new("Level", 5L), new("Message", true), new("Time", 0.5)] };

        await Assert.That(LogJson.Format(entry)).IsEqualTo(
            """{"time":"2026-11-23T13:00:01.123Z","level":"INFO","category":"shard","message":"text","level_":5,"message_":true,"time_":0.5}""" + "\n");
    }

    [Test]
    public async Task In_JSON_any_value_is_valid()
    {
        LogEntry entry = Entry("half \ud800 of a pair, \e[0m") with { Values = [new("A", double.NaN), new("B", TimeSpan.FromSeconds(1)), new("C", new object[] { 1 }), new("D", 1.5f)] };

        using JsonDocument parsed = JsonDocument.Parse(LogJson.Format(entry));
        await Assert.That(parsed.RootElement.GetProperty("a").GetString()).IsEqualTo("NaN");
        await Assert.That(parsed.RootElement.GetProperty("b").GetString()).IsEqualTo("00:00:01");
        await Assert.That(parsed.RootElement.GetProperty("message").GetString()).IsEqualTo("half \ufffd of a pair, \e[0m");
    }

    [Test]
    public async Task In_JSON_an_exception_and_a_count_are_values()
    {
        LogEntry entry = Entry("failed") with { Exception = new IOException("no space"), Repeated = 41 };

        await Assert.That(LogJson.Format(entry)).EndsWith(""","message":"failed","repeated":41,"exception":"no space"}""" + "\n");
        await Assert.That(LogJson.Format(entry with { WithStack = true })).EndsWith(""","exception":"no space","stack":"System.IO.IOException: no space"}""" + "\n");
    }

    [Test]
    [Arguments(false, null, "xterm", true)]
    [Arguments(false, "", "xterm", true)]
    [Arguments(false, "1", "xterm", false)]
    [Arguments(false, null, "dumb", false)]
    [Arguments(true, null, "xterm", false)]
    public async Task Colour_is_for_terminals_of_those_who_want_it(bool redirected, string? noColour, string terminal, bool expected) =>
        await Assert.That(Logging.WantsColour(redirected, name => name == "NO_COLOR" ? noColour : terminal)).IsEqualTo(expected);

    [Test]
    public async Task The_level_can_change_while_loggers_are_in_use()
    {
        string log = Write(LogLevel.Warning, (factory, logger) =>
        {
            Whispered(logger, "before");
            factory.Minimum = LogLevel.Information;
            Whispered(logger, "after");
            factory.Minimum = LogLevel.Error;
            Said(logger, "too quiet");
        });
        await Assert.That(log).IsEqualTo("2026-11-23 13:00:01.123 INFO     shard: after\n");
    }

    [Test]
    public async Task Repeats_are_folded_and_the_rest_is_told_at_the_end()
    {
        string log = Write(LogLevel.Warning, (_, logger) =>
        {
            for (int i = 0; i < RepeatedEntries.Burst + 41; i++)
            {
                Said(logger, $"again {i}");
            }
        });

        string[] lines = log.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await Assert.That(lines.Length).IsEqualTo(RepeatedEntries.Burst + 1);
        await Assert.That(lines[^1]).EndsWith($"again {RepeatedEntries.Burst + 40} (repeated 41 times in 60 s)");
    }

    [Test]
    public async Task The_count_of_repeats_is_written_when_the_window_ends_though_nothing_follows()
    {
        FakeTimeProvider time = new(Time);
        using AwaitingWriter output = new("a marker", "(repeated 1 time in 60 s)");
        using LineLoggerFactory factory = new(new LineWriter(output, entry => LogLine.Format(entry, colour: false), time), LogLevel.Information, keepsValues: false, time);
        ILogger logger = factory.CreateLogger("shard");
        for (int i = 0; i <= RepeatedEntries.Burst; i++)
        {
            Said(logger, "again");
        }

        // When it is written, all before it were looked at, within one window.
        Whispered(logger, "a marker");
        await output.Found("a marker").WaitAsync(TimeSpan.FromSeconds(60));

        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        while (!output.Found("(repeated 1 time in 60 s)").IsCompleted)
        {
            patience.Token.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await Assert.That(output.Found("(repeated 1 time in 60 s)").IsCompletedSuccessfully).IsTrue();
    }

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
        using (LineWriter writer = new(output, entry => entry.Text + "\n", TimeProvider.System))
        {
            writer.Write(Entry("first"));
            await output.Stuck;
            for (int i = 0; i < LineWriter.Capacity + 3; i++)
            {
                writer.Write(Entry("x"));
            }

            output.Release();
        }

        await Assert.That(output.ToString()).EndsWith("stderr was too slow to take 3 entries: they are dropped\n");
    }

    private static LogEntry Entry(string text) => new(Time, LogLevel.Information, "shard", default, text);

    private static string Write(LogLevel minimum, Action<ILogger> act, bool json = false) => Write(minimum, (_, logger) => act(logger), json);

    private static string Write(LogLevel minimum, Action<LineLoggerFactory, ILogger> act, bool json = false)
    {
        using StringWriter output = new();
        FakeTimeProvider time = new(Time);
        LineWriter writer = new(output, json ? LogJson.Format : entry => LogLine.Format(entry, colour: false), time);
        using (LineLoggerFactory factory = new(writer, minimum, keepsValues: json, time))
        {
            act(factory, factory.CreateLogger("shard"));
        }

        return output.ToString();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Text}")]
    private static partial void Said(ILogger logger, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Shard {Shard}: {Cause} after {Seconds} s")]
    private static partial void Counted(ILogger logger, int shard, string cause, double? seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Text}")]
    private static partial void Whispered(ILogger logger, string text);

    /// <summary>Tells when each of some texts was written.</summary>
    private sealed class AwaitingWriter(params string[] texts) : StringWriter
    {
        private readonly Dictionary<string, TaskCompletionSource> _found =
            texts.ToDictionary(text => text, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        public Task Found(string text) => _found[text].Task;

        public override void Write(string? value)
        {
            foreach ((string text, TaskCompletionSource found) in _found)
            {
                if (value?.Contains(text, StringComparison.Ordinal) == true)
                {
                    found.TrySetResult();
                }
            }
        }
    }

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
