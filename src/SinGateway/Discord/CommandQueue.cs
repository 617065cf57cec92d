using System.Diagnostics.CodeAnalysis;

namespace SinGateway.Discord;

/// <summary>
/// The commands that wait for one shard, across its connections: they go in the order in which they came, as far as each may. One that is
/// held back, because its guild was asked for all members less than thirty seconds ago
/// (https://docs.discord.com/developers/events/gateway-events#request-guild-members) or because Discord said RATE_LIMITED
/// (https://docs.discord.com/developers/events/gateway-events#rate-limited), lets those behind it pass. Bounded, and what waited too long is
/// answered so: a worker must learn that nothing comes. Pure; made for a shard's first command.
/// </summary>
internal sealed class CommandQueue
{
    /// <summary>Commands that wait at once: about what the limits of sending let out in <see cref="Lifetime"/>.</summary>
    public const int MaximumCount = 256;

    /// <summary>Bytes of the commands that wait at once.</summary>
    public const int MaximumBytes = 128 * 1024;

    /// <summary>How long a command may wait, in ms.</summary>
    public const long Lifetime = 120_000;

    /// <summary>
    /// Between two requests for all members of a guild, in ms: Discord's thirty seconds and room for what the network adds to one and not to
    /// the next.
    /// </summary>
    public const long AllMembersPace = 30_000 + 500;

    /// <summary>The longest that RATE_LIMITED can hold commands back, in ms: longer than any command waits.</summary>
    private const double MaximumHold = 3_600_000;

    private readonly List<(GatewayCommand Command, long ExpiresAt)> _waiting = [];
    private readonly Dictionary<Scope, long> _heldUntil = [];
    private int _bytes;
    private long _blockedUntil = long.MaxValue;

    public bool IsEmpty => _waiting.Count == 0;

    /// <summary>
    /// When to look again, in ms: the next command expires, or what kept <see cref="TryTake"/> from the next one is over.
    /// </summary>
    public long NextAt => Math.Min(_blockedUntil, IsEmpty ? long.MaxValue : _waiting[0].ExpiresAt);

    /// <summary>Puts a command at the end, or refuses it.</summary>
    public void Add(GatewayCommand command, long now)
    {
        if (command.Payload.Length > GatewayCommand.MaximumSize)
        {
            command.Finish(CommandResult.TooLarge);
        }
        else if (_waiting.Count == MaximumCount || _bytes + command.Payload.Length > MaximumBytes)
        {
            command.Finish(CommandResult.QueueFull);
        }
        else
        {
            _waiting.Add((command, now + Lifetime));
            _bytes += command.Payload.Length;
        }
    }

    /// <summary>Ends the waiting of commands whose time is over, and of holds.</summary>
    public void Advance(long now)
    {
        _blockedUntil = long.MaxValue;
        foreach ((Scope scope, long until) in _heldUntil)
        {
            if (until <= now)
            {
                _heldUntil.Remove(scope);
            }
        }

        while (!IsEmpty && _waiting[0].ExpiresAt <= now)
        {
            RemoveAt(0).Finish(CommandResult.Expired);
        }
    }

    /// <summary>The shard stops: nothing will be sent any more.</summary>
    public void Clear()
    {
        while (!IsEmpty)
        {
            RemoveAt(0).Finish(CommandResult.Expired);
        }
    }

    /// <summary>The next command that may be sent now. It has been counted by <paramref name="limiter"/>: the caller sends it.</summary>
    public bool TryTake(SendLimiter limiter, long now, [NotNullWhen(true)] out GatewayCommand? command)
    {
        _blockedUntil = long.MaxValue;
        command = null;
        bool presencesWait = false;
        for (int i = 0; i < _waiting.Count; i++)
        {
            GatewayCommand next = _waiting[i].Command;
            bool isPresence = next.Op == GatewayOpcode.PresenceUpdate;
            long heldUntil = HeldUntil(next);
            if (heldUntil > now)
            {
                _blockedUntil = Math.Min(_blockedUntil, heldUntil);
                continue;
            }

            if (isPresence && presencesWait)
            {
                continue;
            }

            long wait = limiter.Take(isPresence ? SendKind.Presence : SendKind.Command, now);
            if (wait == 0)
            {
                command = RemoveAt(i);
                if (command.AsksForAllMembers)
                {
                    _heldUntil[new Scope(command.Op, command.GuildId, AllMembers: true)] = now + AllMembersPace;
                }

                return true;
            }

            _blockedUntil = Math.Min(_blockedUntil, now + wait);
            if (!isPresence)
            {
                break;
            }

            presencesWait = true;
        }

        return false;
    }

    /// <summary>Discord said RATE_LIMITED: commands with this opcode, of the one guild if it names one, wait.</summary>
    public void Hold(RateLimitedPayload limit, long now)
    {
        var scope = new Scope((GatewayOpcode)limit.Opcode, limit.Meta?.GuildId ?? 0, AllMembers: false);
        long until = now + (long)Math.Ceiling(Math.Clamp(limit.RetryAfter * 1_000, 0, MaximumHold));
        _heldUntil[scope] = Math.Max(until, _heldUntil.GetValueOrDefault(scope));
    }

    private long HeldUntil(GatewayCommand command)
    {
        if (_heldUntil.Count == 0)
        {
            return 0;
        }

        long until = _heldUntil.GetValueOrDefault(new Scope(command.Op, 0, AllMembers: false));
        until = Math.Max(until, _heldUntil.GetValueOrDefault(new Scope(command.Op, command.GuildId, AllMembers: false)));
        return command.AsksForAllMembers
            ? Math.Max(until, _heldUntil.GetValueOrDefault(new Scope(command.Op, command.GuildId, AllMembers: true)))
            : until;
    }

    private GatewayCommand RemoveAt(int index)
    {
        GatewayCommand command = _waiting[index].Command;
        _waiting.RemoveAt(index);
        _bytes -= command.Payload.Length;
        return command;
    }

    /// <summary>What a hold is for.</summary>
    /// <param name="Op">The opcode.</param>
    /// <param name="GuildId">0: all guilds.</param>
    /// <param name="AllMembers">Only requests for all members.</param>
    private readonly record struct Scope(GatewayOpcode Op, ulong GuildId, bool AllMembers);
}
