using SinGateway.Discord;
using SinGateway.Forwarding;

namespace SinGateway.Configuration;

/// <summary>Reads <c>forwarding</c>: one rule, or a list of them.</summary>
/// <param name="gatewayApplication">Our own application id at 신경; null when the DSN could not be read.</param>
/// <param name="intents">Null when they could not be read: events are then not compared with them.</param>
/// <param name="allowUnsafe">What ends connections on the 신경 server of today is a warning, not an error.</param>
/// <param name="problems">Takes what is wrong.</param>
internal sealed class ForwardingBinder(string? gatewayApplication, long? intents, bool allowUnsafe, ProblemList problems)
{
    private const string EventsHint = "Write a list, such as [MESSAGE_CREATE] or [\"*\"] for all.";

    private static readonly TimeSpan DefaultHoldFor = TimeSpan.FromSeconds(60);

    /// <summary>The rules that could be read; those with errors are left out.</summary>
    public IReadOnlyList<ForwardingRule> Bind(ConfigurationNode? forwarding, string path)
    {
        if (forwarding is not SequenceNode list)
        {
            return BindRule(forwarding, path, 0) is { } rule ? [rule] : [];
        }

        if (list.Items.Count == 0)
        {
            problems.Error(list.Position, path, "there is no rule, so nothing would be forwarded", "Write at least one.");
        }

        List<ForwardingRule> rules = [];
        for (int i = 0; i < list.Items.Count; i++)
        {
            if (BindRule(list.Items[i], KeyPath.At(path, i), i) is { } rule)
            {
                rules.Add(rule);
            }
        }

        return rules;
    }

    private ForwardingRule? BindRule(ConfigurationNode? node, string path, int index)
    {
        if (node is not MappingNode mapping)
        {
            if (node is not null)
            {
                problems.Error(node.Position, path, $"{Section.Kind(node)} stands where a rule belongs", "A rule has the keys type, target and events.");
            }

            return null;
        }

        Section section = new(mapping, path, KeySet.Rule, problems);
        DispatchKind? kind = BindKind(section);
        bool holds = BindUnrouted(section) ?? kind is not DispatchKind.Broadcast;
        TimeSpan holdFor = BindHoldFor(section, holds);
        TargetTemplate? target = BindTarget(section, holds);
        IReadOnlyList<string> events = BindEvents(section);
        return kind is null || target is null || events.Count == 0 ? null : new ForwardingRule(index, kind.Value, target, events, holds, holdFor);
    }

    private static bool? BindUnrouted(Section section)
    {
        if (section.Scalar("unrouted") is not { } unrouted)
        {
            return null;
        }

        switch (unrouted.Value.ToLowerInvariant())
        {
            case "hold":
                return true;
            case "drop":
                return false;
            default:
                section.Error(
                    "unrouted",
                    $"{Section.Show(unrouted)} is neither hold nor drop",
                    "Write hold (events wait for a worker, up to holdFor) or drop (they are dropped and counted).");
                return null;
        }
    }

    private static TimeSpan BindHoldFor(Section section, bool holds)
    {
        if (section.Scalar("holdFor") is not { } text)
        {
            return DefaultHoldFor;
        }

        if (!Duration.TryParse(text.Value, out TimeSpan holdFor) || holdFor < TimeSpan.FromSeconds(1) || holdFor > TimeSpan.FromDays(1))
        {
            section.Error("holdFor", $"{Section.Show(text)} is not a length of time from 1s to 24h", "Write a whole number of s, m or h, such as 60s.");
        }
        else if (!holds)
        {
            section.Warning("holdFor", "nothing is held, because events of this rule are dropped when no worker matches", "Remove the key, or write unrouted: hold.");
        }

        return holdFor;
    }

    private static DispatchKind? BindKind(Section section)
    {
        const string Hint = "Write send (one worker gets the event) or broadcast (all that match).";
        section.Require("type", Hint);
        if (section.Scalar("type") is not { } type)
        {
            return null;
        }

        switch (type.Value.ToLowerInvariant())
        {
            case "send":
                return DispatchKind.Send;
            case "broadcast":
                return DispatchKind.Broadcast;
            default:
                section.Error("type", $"there is no type {Section.Show(type)}", Hint);
                return null;
        }
    }

    private TargetTemplate? BindTarget(Section section, bool holds)
    {
        ConfigurationNode? node = section.Require("target", "Name at least the application id of your workers below it.");
        if (node is MappingNode mapping)
        {
            string path = section.Path("target");
            (MappingNode target, bool hasOps) = new TargetQuery(gatewayApplication, holds, allowUnsafe, problems).Check(mapping, path);
            return TargetCompiler.Compile(target, path, hasOps, problems);
        }

        if (node is not null)
        {
            section.Error("target", $"{Section.Kind(node)} stands where keys belong", "Name at least the application id of your workers below it.");
        }

        return null;
    }

    private IReadOnlyList<string> BindEvents(Section section)
    {
        ConfigurationNode? node = section.Require("events", EventsHint);
        if (node is not SequenceNode { Items.Count: > 0 } list)
        {
            if (node is not null)
            {
                section.Error("events", node is SequenceNode ? "the list is empty, so the rule would never match" : $"{Section.Kind(node)} stands where a list of events belongs", EventsHint);
            }

            return [];
        }

        List<string> names = [];
        for (int i = 0; i < list.Items.Count; i++)
        {
            if (BindEvent(list.Items[i], KeyPath.At(section.Path("events"), i)) is { } name && !names.Contains(name))
            {
                names.Add(name);
            }
        }

        if (!names.Contains(RouteTable.AllEvents) || names.Count == 1)
        {
            return names;
        }

        section.Warning("events", "\"*\" takes all events, so the other names do nothing", "Remove them, or the \"*\".");
        return [RouteTable.AllEvents];
    }

    private string? BindEvent(ConfigurationNode node, string path)
    {
        if (node is not ScalarNode { IsNull: false } scalar)
        {
            problems.Error(node.Position, path, "an event's name is missing", EventsHint);
            return null;
        }

        string name = scalar.Value;
        if (name == RouteTable.AllEvents)
        {
            return name;
        }

        if (name.Length == 0 || !name.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_'))
        {
            problems.Error(node.Position, path, $"{Section.Show(scalar)} is not an event name, which has only upper-case letters, digits and _", Suggest(name));
            return null;
        }

        if (!EventCatalogue.Knows(name))
        {
            problems.Warning(node.Position, path, $"Discord documents no event {Section.Show(scalar)}", Suggest(name));
        }
        else if (intents is { } set)
        {
            WarnOfMissingIntent(name, set, node.Position, path);
        }

        return name;
    }

    private void WarnOfMissingIntent(string name, long set, SourcePosition position, string path)
    {
        long enabling = EventCatalogue.EnablingIntents(name);
        if (enabling != 0 && (set & enabling) == 0)
        {
            string[] names = [.. Intents.Names(enabling)];
            long first = enabling & -enabling;
            problems.Warning(position, path, $"Discord does not send {name} without the intent {string.Join(" or ", names)}", $"Add {names[0]} to the list of intents, or {first} to their number.");
        }
    }

    private static string Suggest(string name) => NearestName.Find(name, EventCatalogue.Names) is { } nearest
        ? $"Did you mean {nearest}?"
        : "Compare it with Discord's list of gateway events.";
}
