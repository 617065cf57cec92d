using System.Text;
using SinGateway.Discord;

namespace SinGateway.Tests.Discord;

/// <summary>
/// What a shard does with everything that can happen, in every situation: one cell a pair. A cell says the actions in their order (x close
/// resumably, r return the permit, d drop the session, p request a permit, t request a turn, o open a socket, c count the IDENTIFY, I send
/// IDENTIFY, R send RESUME, w wait, g give up) and, in capitals behind a slash, the phase when it changes (T waits for its turn to
/// resume, W for room): see the first row. A dot is nothing at all.
/// </summary>
public sealed class ShardLifeTableTests
{
    private const long Now = 1_000_000;

    private static readonly (string Name, ShardState State)[] Situations =
    [
        // Disconnected and Backoff, without and with a session.
        ("new", ShardState.Initial(false)),
        ("stored", ShardState.Initial(true)),
        ("queued", ShardState.Initial(false) with { Phase = ShardPhase.WaitingForIdentify }),
        ("in turn", ShardState.Initial(true) with { Phase = ShardPhase.WaitingToResume }),
        ("conn+p", ShardState.Initial(false) with { Phase = ShardPhase.Connecting, HoldsPermit = true }),
        ("conn+s", ShardState.Initial(true) with { Phase = ShardPhase.Connecting }),
        ("hello+p", ShardState.Initial(false) with { Phase = ShardPhase.AwaitingHello, HoldsPermit = true }),
        ("hello+s", ShardState.Initial(true) with { Phase = ShardPhase.AwaitingHello }),
        ("confirm", ShardState.Initial(false) with { Phase = ShardPhase.ConfirmingPermit, HoldsPermit = true }),
        ("ident", ShardState.Initial(false) with { Phase = ShardPhase.Identifying, Identifies = 1 }),
        ("resume", ShardState.Initial(true) with { Phase = ShardPhase.Resuming }),
        ("3rd", ShardState.Initial(true) with { Phase = ShardPhase.Resuming, RefusedResumes = 2, Failures = 2 }),
        ("replay", ShardState.Initial(true) with { Phase = ShardPhase.Resuming, IsReplaying = true }),
        ("ready", ShardState.Initial(true) with { Phase = ShardPhase.Ready, ReadySince = Now - ShardLife.StableAfter }),
        ("young", ShardState.Initial(true) with { Phase = ShardPhase.Ready, ReadySince = Now - 1, Identifies = 1, Failures = 1 }),
        ("wait", ShardState.Initial(false) with { Phase = ShardPhase.Backoff }),
        ("wait+s", ShardState.Initial(true) with { Phase = ShardPhase.Backoff }),
        ("no room", ShardState.Initial(true) with { Phase = ShardPhase.WaitingForRoom }),
        ("stopped", ShardState.Initial(true) with { Phase = ShardPhase.Stopped }),
    ];

    private static readonly int[] CloseCodes =
        [0, 1000, 1001, 1006, 1011, 1012, 3000, 4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4011, 4012, 4013, 4014, 4015, 4999];

    private const string Table =
        """
                          new      stored   queued   in turn  conn+p   conn+s   hello+p  hello+s  confirm  ident    resume   3rd      replay   ready    young    wait     wait+s   no room  stopped
        Start             p/Q      t/T      .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        .
        PermitGranted     r        r        o/C      r        r        r        r        r        r        r        r        r        r        r        r        r        r        r        .
        TurnCame          .        .        .        o/C      .        .        .        .        .        .        .        .        .        .        .        .        .        .        .
        Opened            .        .        .        .        /H       /H       .        .        .        .        .        .        .        .        .        .        .        .        .
        Hello             .        .        .        .        .        .        c/P      R/R      .        .        .        .        .        .        .        .        .        .        .
        PermitConfirmed   .        .        .        .        .        .        .        .        I/I      .        .        .        .        .        .        .        .        .        .
        PermitDenied      .        .        .        .        .        .        .        .        xrp/Q    .        .        .        .        .        .        .        .        .        .
        Ready             .        .        .        .        .        .        .        .        .        /Y       .        .        .        .        .        .        .        .        .
        Replayed          .        .        .        .        .        .        .        .        .        .        *        *        .        .        .        .        .        .        .
        Resumed           .        .        .        .        .        .        .        .        .        .        /Y       /Y       /Y       .        .        .        .        .        .
        ReconnectRequested.        .        .        .        xrp/Q    xt/T     xrp/Q    xt/T     xrp/Q    xw/B     xt/T     xw/B     xt/T     xt/T     xw/B     .        .        .        .
        SessionResumable  .        .        .        .        xrp/Q    xt/T     xrp/Q    xt/T     xrp/Q    xw/B     xt/T     xdw/B    xt/T     xt/T     xw/B     .        .        .        .
        SessionInvalid    .        .        .        .        xrw/B    xw/B     xrw/B    xw/B     xrw/B    xw/B     xdw/B    xdw/B    xdw/B    xdw/B    xdw/B    .        .        .        .
        TimedOut          .        .        .        .        xrp/Q    xt/T     xrp/Q    xt/T     xrp/Q    xw/B     xt/T     xdw/B    xt/T     xt/T     xw/B     .        .        .        .
        Unreadable        .        .        .        .        xrp/Q    xt/T     xrp/Q    xt/T     xrp/Q    xw/B     xt/T     xdw/B    xt/T     xt/T     xw/B     .        .        .        .
        BackoffOver       .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        p/Q      t/T      .        .
        HeldBack          .        .        .        .        .        .        .        .        .        .        x/W      x/W      x/W      x/W      x/W      .        .        .        .
        RoomCame          .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        .        t/T      .
        Stop              /S       /S       /S       /S       xr/S     x/S      xr/S     x/S      xr/S     x/S      x/S      x/S      x/S      x/S      x/S      /S       /S       /S       .
        no close code     .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        closed 1000       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        closed 1001       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        closed 1006       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        closed 1011       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        closed 1012       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        closed 3000       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        closed 4000       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        closed 4001       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      dp/Q     dw/B     dp/Q     dp/Q     dw/B     .        .        .        .
        closed 4002       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        closed 4003       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      dp/Q     dw/B     dp/Q     dp/Q     dw/B     .        .        .        .
        closed 4004       .        .        .        .        rg/S     g/S      rg/S     g/S      rg/S     g/S      g/S      g/S      g/S      g/S      g/S      .        .        .        .
        closed 4005       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      dp/Q     dw/B     dp/Q     dp/Q     dw/B     .        .        .        .
        closed 4006       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      dp/Q     dw/B     dp/Q     dp/Q     dw/B     .        .        .        .
        closed 4007       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      dp/Q     dw/B     dp/Q     dp/Q     dw/B     .        .        .        .
        closed 4008       .        .        .        .        rw/B     w/B      rw/B     w/B      rw/B     w/B      w/B      dw/B     w/B      w/B      w/B      .        .        .        .
        closed 4009       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      dp/Q     dw/B     dp/Q     dp/Q     dw/B     .        .        .        .
        closed 4010       .        .        .        .        rg/S     g/S      rg/S     g/S      rg/S     g/S      g/S      g/S      g/S      g/S      g/S      .        .        .        .
        closed 4011       .        .        .        .        rg/S     g/S      rg/S     g/S      rg/S     g/S      g/S      g/S      g/S      g/S      g/S      .        .        .        .
        closed 4012       .        .        .        .        rg/S     g/S      rg/S     g/S      rg/S     g/S      g/S      g/S      g/S      g/S      g/S      .        .        .        .
        closed 4013       .        .        .        .        rg/S     g/S      rg/S     g/S      rg/S     g/S      g/S      g/S      g/S      g/S      g/S      .        .        .        .
        closed 4014       .        .        .        .        rg/S     g/S      rg/S     g/S      rg/S     g/S      g/S      g/S      g/S      g/S      g/S      .        .        .        .
        closed 4015       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        closed 4999       .        .        .        .        rp/Q     t/T      rp/Q     t/T      rp/Q     w/B      t/T      dw/B     t/T      t/T      w/B      .        .        .        .
        refused, 30 s     .        .        .        .        rw/B     w/B      rw/B     w/B      rw/B     w/B      w/B      dw/B     w/B      w/B      w/B      .        .        .        .
        """;

    [Test]
    public async Task Every_pair_of_situation_and_input_does_what_the_table_says()
    {
        string actual = Write();
        await Assert.That(actual).IsEqualTo(Table).Because("in full:\n" + actual);
    }

    private static string Write()
    {
        StringBuilder table = new();
        table.Append($"{"",-18}").AppendJoin(' ', Situations.Select(situation => $"{situation.Name,-8}"));
        foreach (ShardInput input in Enum.GetValues<ShardInput>().Where(input => input != ShardInput.Lost))
        {
            Row(input.ToString(), new ShardSignal(input));
        }

        foreach (int code in CloseCodes)
        {
            Row(code == 0 ? "no close code" : $"closed {code}", new ShardSignal(ShardInput.Lost, code));
        }

        Row("refused, 30 s", new ShardSignal(ShardInput.Lost, 0, 30));
        return string.Join('\n', table.ToString().Split('\n').Select(line => line.TrimEnd()));

        void Row(string name, ShardSignal signal) => table
            .Append($"\n{name,-18}")
            .AppendJoin(' ', Situations.Select(situation => $"{Describe(situation.State, ShardLife.Next(situation.State, signal, Now, new Random(3))),-8}"));
    }

    private static string Describe(in ShardState before, in ShardStep step)
    {
        const string Letters = "xrdptocIRwg";
        StringBuilder cell = new();
        for (int i = 0; i < Letters.Length; i++)
        {
            cell.Append(((int)step.Actions & 1 << i) != 0 ? Letters[i] : "");
        }

        string phase = before.Phase == step.State.Phase ? "" : "/" + step.State.Phase switch
        {
            ShardPhase.WaitingForIdentify => "Q",
            ShardPhase.WaitingToResume => "T",
            ShardPhase.Connecting => "C",
            ShardPhase.AwaitingHello => "H",
            ShardPhase.ConfirmingPermit => "P",
            ShardPhase.Identifying => "I",
            ShardPhase.Resuming => "R",
            ShardPhase.Ready => "Y",
            ShardPhase.WaitingForRoom => "W",
            ShardPhase.Backoff => "B",
            ShardPhase.Stopped => "S",
            _ => "?",
        };
        return cell.Append(phase).ToString() is { Length: > 0 } text ? text : step.State == before ? "." : "*";
    }
}
