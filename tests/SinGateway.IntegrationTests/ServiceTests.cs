using System.Net.Sockets;
using System.Text;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>The gateway as a service of systemd: what it tells the service manager, and the unit in deploy/.</summary>
[ParallelLimiter<FewAtATime>]
internal sealed class ServiceTests
{
    [Test]
    public async Task It_tells_that_it_is_ready_alive_and_stopping()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 1");
        using Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(scenario.File("notify")));
        scenario.Environment["NOTIFY_SOCKET"] = scenario.File("notify");
        scenario.Environment["WATCHDOG_USEC"] = "3000000";
        scenario.StartGateway();

        await Assert.That(await NextAsync(manager)).IsEqualTo("READY=1");
        await ComeAsync(manager, "WATCHDOG=1", "WATCHDOG=1", "STATUS=All 1 shards were ready after");
        Task<int> ended = scenario.Gateway.TerminateAsync();
        await ComeAsync(manager, "STOPPING=1");
        await Assert.That(await ended).IsEqualTo(0);
    }

    [Test]
    public async Task A_token_that_Discord_refuses_is_never_called_ready()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 1 --token another");
        using Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(scenario.File("notify")));
        scenario.Environment["NOTIFY_SOCKET"] = scenario.File("notify");
        scenario.StartGateway();

        await Assert.That(await scenario.Gateway.WaitForExitAsync()).IsEqualTo(3);
        await Assert.That(manager.Available).IsEqualTo(0);
    }

    [Test]
    public async Task The_unit_has_no_mistakes()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 1");

        // It complains of programs that are not installed.
        string unit = await UnitAsync(scenario, text => text.Replace("/usr/local/bin/singateway", Binaries.Gateway, StringComparison.Ordinal));

        await Assert.That(await Tool.RunAsync(Tool.Find("systemd-analyze", "systemd"), ["verify", "--man=no", unit])).IsEmpty();
    }

    [Test]
    public async Task The_unit_is_hardened()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 1");
        string unit = await UnitAsync(scenario, text => text);

        string said = await Tool.RunAsync(Tool.Find("systemd-analyze", "systemd"), ["security", "--offline=true", "--no-pager", unit]);

        await Assert.That(said.Split('\n').Last(line => line.Contains("exposure level", StringComparison.Ordinal))).Matches(" (OK|SAFE|PERFECT) ");
    }

    private static async Task<string> UnitAsync(Scenario scenario, Func<string, string> change)
    {
        string unit = scenario.File("singateway.service");
        await File.WriteAllTextAsync(unit, change(await File.ReadAllTextAsync(Path.Combine(Binaries.Repository(), "deploy/singateway.service"))));
        return unit;
    }

    /// <summary>Waits for all of them, in whatever order: timers and the loop tell of different things.</summary>
    private static async Task ComeAsync(Socket manager, params string[] states)
    {
        List<string> missing = [.. states];
        while (missing.Count > 0)
        {
            string told = await NextAsync(manager);
            missing.Remove(missing.Find(state => told.StartsWith(state, StringComparison.Ordinal)) ?? "");
        }
    }

    private static async Task<string> NextAsync(Socket manager)
    {
        using CancellationTokenSource deadline = new(Eventually.Deadline);
        byte[] datagram = new byte[4096];
        return Encoding.UTF8.GetString(datagram, 0, await manager.ReceiveAsync(datagram, SocketFlags.None, deadline.Token));
    }
}
