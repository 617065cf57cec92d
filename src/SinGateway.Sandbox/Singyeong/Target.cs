using System.Text;
using System.Text.Json;

namespace SinGateway.Sandbox.Singyeong;

/// <summary>What becomes of a dispatch.</summary>
internal enum RouteOutcome
{
    Deliver,
    Sink,
    NoRoute,

    /// <summary>Nobody matches and the target is droppable.</summary>
    Drop,

    /// <summary>One of the server's bugs: the sender is closed with 1011.</summary>
    Kill,

    /// <summary>The query is malformed: op 8.</summary>
    Fatal,
}

/// <summary>The evaluation of one target against the clients of one moment, kept until one of them changes.</summary>
internal sealed record Route(RouteOutcome Outcome, SingyeongClient[] Matches, string Reason, byte[] CanonicalTarget);

/// <summary>Evaluates targets ("query" in the protocol description) over the clients' metadata, bugs included.</summary>
internal sealed class Target(ServerBugs bugs, string sinkApplication)
{
    private static readonly string[] Killing = ["$ne", "$nin", "$ncontains"];

    public Route Evaluate(ReadOnlyMemory<byte> json, SingyeongClient[] clients, bool sinkIsOpen, PacketEncoding encoding)
    {
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 512 });
        JsonElement target = document.RootElement;
        if (target.ValueKind != JsonValueKind.Object)
        {
            return Failed(RouteOutcome.Fatal, "target is not a map");
        }
        string? application = Text(target, "application"u8);
        bool isDroppable = target.TryGetProperty("droppable"u8, out JsonElement droppable) && droppable.ValueKind == JsonValueKind.True;
        bool hasOps = target.TryGetProperty("ops"u8, out JsonElement ops) && ops.ValueKind == JsonValueKind.Array && ops.GetArrayLength() > 0;
        try
        {
            if (hasOps && Check(ops) is { } refused)
            {
                return refused;
            }
            if (application == sinkApplication)
            {
                return sinkIsOpen ? new Route(RouteOutcome.Sink, [], "", []) : Nobody(target, hasOps && encoding != PacketEncoding.Etf, isDroppable);
            }
            SingyeongClient[] matches = [.. clients.Where(client =>
                (application is null || client.Application == application) && (!hasOps || MatchesAll(ops, client)))];
            if (target.TryGetProperty("selector"u8, out JsonElement selector) && selector.ValueKind == JsonValueKind.Object)
            {
                if (matches.Length == 0 && bugs.OperatorsKill)
                {
                    return Failed(RouteOutcome.Kill, "a selector over no match");
                }
                JsonProperty rule = selector.EnumerateObject().First();
                if (rule.Name == "$avg" && bugs.OperatorsKill)
                {
                    return Failed(RouteOutcome.Kill, "$avg");
                }
                matches = Select(matches, rule.Name, rule.Value.GetString() ?? "");
            }
            return matches.Length > 0 ? new Route(RouteOutcome.Deliver, matches, "", []) : Nobody(target, hasOps && encoding != PacketEncoding.Etf, isDroppable);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException)
        {
            return Failed(RouteOutcome.Fatal, "malformed query");
        }
    }

    // The answer fails the server when it has to write ops, but not in etf.
    private Route Nobody(JsonElement target, bool writesOps, bool isDroppable) =>
        isDroppable ? Failed(RouteOutcome.Drop, "")
        : writesOps && bugs.NoRouteKills ? Failed(RouteOutcome.Kill, "no_route with ops")
        : new Route(RouteOutcome.NoRoute, [], "", Canonical(target));

    private static Route Failed(RouteOutcome outcome, string reason) => new(outcome, [], reason, []);

    // What is wrong with the query itself, whoever it is tried on; null when nothing is.
    private Route? Check(JsonElement ops)
    {
        foreach (JsonElement op in ops.EnumerateArray())
        {
            string name = Text(op, "op"u8) ?? "";
            switch (name)
            {
                case "$and" or "$or" or "$nor":
                    JsonElement with = op.GetProperty("with"u8);
                    if (name == "$and" && with.GetArrayLength() == 0 && bugs.OperatorsKill)
                    {
                        return Failed(RouteOutcome.Kill, "an empty $and");
                    }
                    if (Check(with) is { } refused)
                    {
                        return refused;
                    }
                    break;
                case "$eq" or "$ne" or "$gt" or "$gte" or "$lt" or "$lte" or "$in" or "$nin" or "$contains" or "$ncontains":
                    if (Text(op, "path"u8)?.StartsWith('/') is not true)
                    {
                        return Failed(RouteOutcome.Fatal, "bad path");
                    }
                    JsonElement to = op.GetProperty("to"u8);
                    if (bugs.OperatorsKill && (Killing.Contains(name) || to.TryGetProperty("path"u8, out _)))
                    {
                        return Failed(RouteOutcome.Kill, Killing.Contains(name) ? name : "to.path");
                    }
                    break;
                default:
                    return Failed(RouteOutcome.Fatal, $"bad operator {name}");
            }
        }
        return null;
    }

    private bool MatchesAll(JsonElement ops, SingyeongClient client) => ops.EnumerateArray().All(op => Matches(op, client));

    private bool Matches(JsonElement op, SingyeongClient client)
    {
        string name = Text(op, "op"u8)!;
        switch (name)
        {
            case "$and":
                return MatchesAll(op.GetProperty("with"u8), client);
            case "$or":
                return op.GetProperty("with"u8).EnumerateArray().Any(inner => Matches(inner, client));
            case "$nor":
                return !op.GetProperty("with"u8).EnumerateArray().Any(inner => Matches(inner, client));
            default:
                break;
        }
        JsonElement to = op.GetProperty("to"u8);
        MetadataValue? value = Find(client, Text(op, "path"u8)!);
        MetadataValue? other = to.TryGetProperty("path"u8, out JsonElement path)
            ? Find(client, path.GetString()!) ?? (to.TryGetProperty("default"u8, out JsonElement fallback) ? new MetadataValue("", fallback) : null)
            : new MetadataValue("", to.GetProperty("value"u8));
        return value is { } left && other is { } right && Compare(name, left, right.Value);
    }

    private bool Compare(string name, MetadataValue value, JsonElement other) => name switch
    {
        "$eq" => IsEqual(value.Value, other),
        "$ne" => !IsEqual(value.Value, other),
        "$gt" => Order(value, other) > 0,
        "$gte" => Order(value, other) >= 0,
        "$lt" => Order(value, other) < 0,
        "$lte" => Order(value, other) <= 0,
        "$in" => !bugs.InNeverMatches && HasElement(other, value.Value),
        "$nin" => !HasElement(other, value.Value),
        "$contains" => HasElement(value.Value, other),
        "$ncontains" => !HasElement(value.Value, other),
        _ => false,
    };

    private bool IsEqual(JsonElement a, JsonElement b) =>
        !(a.ValueKind == JsonValueKind.Array && bugs.ListsNeverEqual) && JsonElement.DeepEquals(a, b);

    private static bool HasElement(JsonElement list, JsonElement value) =>
        list.ValueKind == JsonValueKind.Array && list.EnumerateArray().Any(item => JsonElement.DeepEquals(item, value));

    // Null when the two cannot be ordered, which compares as false every way.
    private int? Order(MetadataValue value, JsonElement other)
    {
        if (value.Value.ValueKind == JsonValueKind.Number && other.ValueKind == JsonValueKind.Number)
        {
            return value.Value.GetDouble().CompareTo(other.GetDouble());
        }
        if (value.Value.ValueKind != JsonValueKind.String || other.ValueKind != JsonValueKind.String)
        {
            return null;
        }
        return value.Type == "version" && !bugs.VersionsAreStrings
            && Version.TryParse(value.Value.GetString(), out Version? a) && Version.TryParse(other.GetString(), out Version? b)
            ? a.CompareTo(b)
            : string.CompareOrdinal(value.Value.GetString(), other.GetString());
    }

    // /a/b/0: a key of the metadata, a key of a map, an index of a list.
    private MetadataValue? Find(SingyeongClient client, string path)
    {
        string[] segments = path[1..].Split('/');
        if (IsSpoiled(segments[0]) || !client.Metadata.TryGetValue(segments[0], out MetadataValue found))
        {
            return null;
        }
        JsonElement value = found.Value;
        foreach (string segment in segments.AsSpan(1))
        {
            if (value.ValueKind == JsonValueKind.Array && int.TryParse(segment, out int index) && index >= 0 && index < value.GetArrayLength())
            {
                value = value[index];
            }
            else if (IsSpoiled(segment) || value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(segment, out value))
            {
                return null;
            }
        }
        return segments.Length == 1 ? found : new MetadataValue("", value);
    }

    private bool IsSpoiled(string segment) => bugs.DigitsNeverMatch && segment.Any(char.IsAsciiDigit);

    private SingyeongClient[] Select(SingyeongClient[] matches, string rule, string key)
    {
        SingyeongClient[] having = [.. matches.Where(client => Find(client, "/" + key.TrimStart('/'))?.Value.ValueKind == JsonValueKind.Number)];
        if (rule == "$max" && bugs.MaxPicksMissing && having.Length < matches.Length)
        {
            return [matches.First(client => !having.Contains(client))];
        }
        IOrderedEnumerable<SingyeongClient> ordered = having.OrderBy(client => Find(client, "/" + key.TrimStart('/'))!.Value.Value.GetDouble());
        return having.Length == 0 ? matches : rule == "$max" ? [ordered.Last()] : [ordered.First()];
    }

    // As the real server repeats a target in no_route: all its keys, sorted, with their defaults.
    private static byte[] Canonical(JsonElement target)
    {
        StringBuilder text = new("{");
        foreach ((string key, string fallback) in new[]
        {
            ("application", "null"), ("droppable", "false"), ("key", "null"), ("ops", "[]"), ("optional", "false"), ("restricted", "false"),
            ("selector", "null"),
        })
        {
            text.Append(text.Length == 1 ? "" : ",").Append('"').Append(key).Append("\":")
                .Append(target.TryGetProperty(key, out JsonElement value) ? value.GetRawText() : fallback);
        }
        return Encoding.UTF8.GetBytes(text.Append('}').ToString());
    }

    private static string? Text(JsonElement element, ReadOnlySpan<byte> key) =>
        element.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
