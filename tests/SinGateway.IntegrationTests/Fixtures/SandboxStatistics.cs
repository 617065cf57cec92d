namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>What GET /stats of the sandbox tells, as far as these tests ask.</summary>
internal sealed record SandboxStatistics(DiscordStatistics Discord, SingyeongStatistics Singyeong, LedgerStatistics Ledger)
{
    public override string ToString() => $"{Discord}\n{Singyeong}\n{Ledger}";
}

internal sealed record DiscordStatistics(
    int Connections, long ConnectionsTotal, int Sessions, long Identifies, Dictionary<string, long> IdentifiesRefusedByReason,
    Dictionary<int, long> IdentifiesByShard, long IdentifiesNeedless, long IdentifiesUnanswered, Dictionary<string, long> SessionsEnded,
    long ResumesOk, long ResumesRefused, Dictionary<string, long> RefusedByReason, Dictionary<int, long> RefusedByCode, long SendLimitViolations,
    long ResumesOnResumeUrl, long ResumesOnBaseUrl, long PacingViolations, long PresenceLimitViolations, long MemberRequestsLimited,
    long ProtocolErrors, long Heartbeats, long HeartbeatTimeouts, long RestRequests,
    Dictionary<int, long> ClientCloses, Dictionary<int, long> ServerCloses, long EventsProduced, long EventsReplayed, string[] Violations,
    ShardStatistics[] Shards)
{
    public bool IsConnected(int shards) => Shards.Length == shards && Shards.All(shard => shard.Connected);

    public override string ToString() =>
        $"discord: {Connections} connections, sessions connected {Shards.Count(shard => shard.Connected)} of {Shards.Length}, identifies {Identifies}, "
        + $"needless {IdentifiesNeedless}, unanswered {IdentifiesUnanswered}, sessions ended {{{Pairs(SessionsEnded)}}}, "
        + $"resumes {ResumesOk} ok, refused {{{Pairs(RefusedByReason)}}}, client closes {{{Pairs(ClientCloses)}}}, server closes {{{Pairs(ServerCloses)}}}, "
        + $"produced {EventsProduced}, violations: {string.Join("; ", Violations)}";

    public static string Pairs<TKey>(Dictionary<TKey, long> counts)
        where TKey : notnull => string.Join(", ", counts.Select(pair => $"{pair.Key}: {pair.Value}"));
}

/// <summary>One session; a shard may have had several.</summary>
internal sealed record ShardStatistics(int Shard, int ShardCount, bool Connected, string Session, long Seq, long ReplayFirst, long UnsentBytes);

internal sealed record SingyeongStatistics(
    int Connections, long ConnectionsTotal, long Dispatches, long Delivered, long NoRoute, long Kills, long Fatal, long DuplicateIds, long ProtocolErrors,
    long Takeovers, long OwnedTwice, string[] Errors, SingyeongClientStatistics[] Clients)
{
    public bool Has(string application) => Clients.Any(client => client.App == application);

    public override string ToString() =>
        $"신경: clients {string.Join(", ", Clients.Select(client => $"{client.App}:{client.Id}"))}; dispatches {Dispatches}, no_route {NoRoute}, "
        + $"kills {Kills}, takeovers {Takeovers}, owned twice {OwnedTwice}, errors: {string.Join("; ", Errors)}";
}

internal sealed record SingyeongClientStatistics(string App, string Id, bool Restricted);

/// <summary>What Discord has sent, compared with what has arrived.</summary>
internal sealed record LedgerStatistics(
    long Received, long Distinct, long Duplicates, long Missing, long Undeliverable, long OutOfOrder, long Altered, long SeqMismatches, long OtherEvents, long Foreign)
{
    /// <summary>
    /// What has not arrived and could have: of all that is missing, without the tails of sessions that Discord has ended.
    /// </summary>
    public long Lost => Missing - Undeliverable;

    /// <summary>Arrivals that are not, byte for byte and by their nonce, what Discord sent.</summary>
    public long Wrong => Altered + SeqMismatches + Foreign;

    public override string ToString() =>
        $"ledger: received {Received}, distinct {Distinct}, duplicates {Duplicates}, missing {Missing}, of it undeliverable {Undeliverable}, out of order {OutOfOrder}, "
        + $"altered {Altered}, seq mismatches {SeqMismatches}, foreign {Foreign}, other events {OtherEvents}";
}
