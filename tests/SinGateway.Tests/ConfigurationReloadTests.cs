using Microsoft.Extensions.Logging;
using SinGateway.Configuration;
using SinGateway.Tests.Configuration;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests;

public sealed class ConfigurationReloadTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly RecordingLogger _log = new();
    private readonly List<GatewayConfiguration> _used = [];
    private readonly ConfigurationReload _reload;

    public ConfigurationReloadTests() => _reload = new ConfigurationReload(Path, Sample.Load(Sample.Text).Configuration!, null, _ => null, _used.Add, _log);

    private string Path => _directory.File("config.yaml");

    private string Said => string.Join('\n', _log.Entries).Replace(_directory.File("") + "/", "", StringComparison.Ordinal);

    [Test]
    public async Task What_changed_is_used_and_named()
    {
        Reload(Sample.With(6, "  events: [GUILD_CREATE]\n  holdFor: 5m\nloggingLevel: DEBUG"));

        await Assert.That(_used.Single().Forwarding[0].Events).IsEquivalentTo(["GUILD_CREATE"]);
        await Assert.That(Said).IsEqualTo("Information Reloaded config.yaml; changed from now on: forwarding[0].events, forwarding[0].holdFor, loggingLevel");
    }

    [Test]
    public async Task A_level_of_the_command_line_stays()
    {
        File.WriteAllText(Path, Sample.With(7, "loggingLevel: DEBUG\nredisPrefix: p"));
        GatewayConfiguration running = Sample.Load(Sample.Text).Configuration!;
        new ConfigurationReload(Path, running, LogLevel.Warning, _ => null, _used.Add, _log).Reload();

        await Assert.That(_used).IsEmpty();
        await Assert.That(Said).DoesNotContain("loggingLevel");
    }

    [Test]
    public async Task A_file_with_errors_changes_nothing_and_says_what_the_start_would_say()
    {
        string text = Sample.With(4, "  type: post\nloggingLevel: DEBUG");
        Reload(text);

        await Assert.That(_used).IsEmpty();
        await Assert.That(Said).StartsWith(string.Join('\n', Sample.Load(text).Errors.Select(error => $"Error {error}")));
        await Assert.That(Said).EndsWith($"Error config.yaml is not reloaded and nothing changes, because it has errors ({Sample.Load(text).Errors.Count}): correct them and reload again");
    }

    [Test]
    public async Task A_file_that_is_gone_changes_nothing()
    {
        _reload.Reload();

        await Assert.That(_used).IsEmpty();
        await Assert.That(Said).Contains("the file does not exist").And.Contains("nothing changes");
    }

    [Test]
    public async Task What_needs_a_restart_is_named_and_the_rest_is_used()
    {
        Reload(Sample.With(7, "intents: 1\nredisPrefix: p\nloggingLevel: DEBUG"));

        await Assert.That(_used.Single().Intents).IsEqualTo(513);
        await Assert.That(Said).IsEqualTo("""
            Warning config.yaml has changes that need a restart, until which the former values are used: redisPrefix, intents
            Information Reloaded config.yaml; changed from now on: loggingLevel
            """);
    }

    [Test]
    public async Task What_needs_a_restart_is_named_until_there_is_one()
    {
        Reload(Sample.With(7, "intents: 1"));
        Reload(Sample.With(7, "intents: 1"));

        await Assert.That(_log.Entries.Count(entry => entry.EndsWith(": intents", StringComparison.Ordinal))).IsEqualTo(2);
        await Assert.That(_used).IsEmpty();
    }

    [Test]
    public async Task A_file_without_a_change_says_so()
    {
        Reload(Sample.Text + "# a comment\n");

        await Assert.That(_used).IsEmpty();
        await Assert.That(Said).IsEqualTo("Information Reloaded config.yaml; nothing in it has changed");
    }

    [Test]
    public async Task Changes_are_told_from_what_was_used_last()
    {
        Reload(Sample.With(7, "loggingLevel: DEBUG"));
        Reload(Sample.With(7, "loggingLevel: DEBUG"));
        Reload(Sample.Text);

        await Assert.That(_used.Count).IsEqualTo(2);
        await Assert.That(_used[0].Forwarding).IsSameReferenceAs(_used[1].Forwarding).Because("rules that did not change stay as they are");
    }

    [Test]
    public async Task Warnings_of_the_file_are_said()
    {
        Reload(Sample.With(6, "  events: [READY, MESSAGE_CRATE]"));

        await Assert.That(Said).Contains("Discord documents no event \"MESSAGE_CRATE\". Did you mean MESSAGE_CREATE?");
    }

    [Test]
    public async Task A_rule_for_the_application_that_is_still_the_gateways_own_is_refused()
    {
        Reload(Sample.Text.Replace("//gateway@", "//other@", StringComparison.Ordinal).Replace("application: worker", "application: gateway", StringComparison.Ordinal));

        await Assert.That(_used).IsEmpty();
        await Assert.That(Said).StartsWith("Error config.yaml is not reloaded and nothing changes: a rule's target is gateway");
    }

    public void Dispose() => _directory.Dispose();

    private void Reload(string text)
    {
        File.WriteAllText(Path, text);
        _reload.Reload();
    }
}
