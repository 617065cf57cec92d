using System.Text.Json.Nodes;
using Microsoft.Playwright;
using SinGateway.IntegrationTests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace SinGateway.IntegrationTests;

/// <summary>What an operator sees at the address of <c>operations.listen</c>, in a real browser.</summary>
[NotInParallel]
internal sealed class StatusPageTests
{
    private const int Shards = 4;

    private static readonly GatewayConfig Config = new() { More = Endpoints.Listen };

    [Test]
    [Arguments(4)]
    [Arguments(512)]
    public async Task Every_shard_has_a_cell_and_all_of_them_fit_one_screen(int shards)
    {
        await using Scenario scenario = await StartAsync(shards);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();

        await Expect(browser.Cells).ToHaveCountAsync(shards);
        await Expect(browser.Cell(shards - 1, "ready")).ToBeVisibleAsync();
        int[] needed = await browser.Page.EvaluateAsync<int[]>(
            "() => [document.documentElement.scrollWidth, Math.max(...[...document.querySelectorAll('.cell')].map(cell => cell.getBoundingClientRect().bottom))]");
        await Assert.That(needed[0]).IsLessThanOrEqualTo(BrowserPage.Width);
        await Assert.That(needed[1]).IsLessThanOrEqualTo(BrowserPage.Height);
    }

    [Test]
    public async Task A_shard_that_is_pointed_at_tells_of_its_session()
    {
        await using Scenario scenario = await StartAsync(Shards);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();

        await browser.Cell(2, "ready").HoverAsync();

        await Expect(browser.Detail).ToContainTextAsync("Shard 2");
        foreach (string fact in (string[])["Session age", "Heartbeat", "Last event", "Received seq", "Committed seq"])
        {
            await Expect(browser.Detail).ToContainTextAsync(fact);
        }
    }

    [Test]
    public async Task The_focus_tells_of_a_shard_until_the_pointer_does()
    {
        await using Scenario scenario = await StartAsync(Shards);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();

        await browser.Cell(3, "ready").FocusAsync();
        await Expect(browser.Detail).ToContainTextAsync("Shard 3");
        await Expect(browser.Cell(3, "ready")).ToHaveAccessibleDescriptionAsync(new System.Text.RegularExpressions.Regex("Shard 3.*Session age"));
        await browser.Cell(1, "ready").HoverAsync();
        await Expect(browser.Detail).ToContainTextAsync("Shard 1");
        await browser.Verdict.HoverAsync();
        await Expect(browser.Detail).ToContainTextAsync("Shard 3");
    }

    [Test]
    public async Task Arrow_keys_move_through_the_grid_which_is_one_stop_of_the_tab_key()
    {
        await using Scenario scenario = await StartAsync(64);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();
        int columns = await browser.Page.GetByRole(AriaRole.Row).First.GetByRole(AriaRole.Gridcell).CountAsync();
        await Assert.That(columns).IsBetween(2, 32);

        await browser.Page.Keyboard.PressAsync("Tab");
        (string Key, int Shard)[] moves =
        [
            ("ArrowRight", 1), ("ArrowDown", columns + 1), ("Home", columns), ("ArrowLeft", columns - 1), ("ArrowUp", columns - 1), ("ArrowDown", (2 * columns) - 1),
            ("Control+End", 63), ("ArrowRight", 63), ("ArrowDown", 63), ("Control+Home", 0), ("End", columns - 1),
        ];
        foreach ((string key, int shard) in moves)
        {
            await browser.Page.Keyboard.PressAsync(key);
            await Expect(browser.Cell(shard, "ready")).ToBeFocusedAsync();
        }

        await Expect(browser.Page.Locator(".cell[tabindex='0']")).ToHaveCountAsync(1);
        await browser.Page.Keyboard.PressAsync("Tab");
        await Expect(browser.Page.GetByRole(AriaRole.List, new() { Name = "Last faults" })).ToBeFocusedAsync();
    }

    [Test]
    public async Task A_shard_that_was_cut_changes_its_state_and_its_fault_is_listed()
    {
        await using Scenario scenario = await StartAsync(Shards);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();

        await scenario.Sandbox.OrderAsync("/discord/hold-resumed?count=1");
        await scenario.Sandbox.OrderAsync("/discord/close?shard=1&code=4000");

        await Expect(browser.Cell(1, "resuming")).ToBeVisibleAsync();
        await Expect(browser.Problems).ToContainTextAsync(["Shard 1 is resuming"]);
        await Expect(browser.Page.GetByRole(AriaRole.List, new() { Name = "Last faults" })).ToContainTextAsync("Shard 1 lost its connection: Discord closed with 4000");
        await browser.Cell(0, "ready").FocusAsync();
        await browser.Page.Keyboard.PressAsync("n");
        await Expect(browser.Cell(1, "resuming")).ToBeFocusedAsync();

        await scenario.Sandbox.OrderAsync("/discord/release");
        await Expect(browser.Cell(1, "ready")).ToBeFocusedAsync();
        await browser.AllIsWellAsync();
    }

    [Test]
    public async Task What_happens_to_many_shards_alike_is_one_line_among_the_faults()
    {
        await using Scenario scenario = await StartAsync(Shards);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();

        await scenario.Sandbox.OrderAsync("/discord/close?shard=all&code=4000");
        await scenario.HoldsAsync(statistics => statistics.Discord.ResumesOk == Shards, "every shard has resumed");

        ILocator faults = browser.Page.GetByRole(AriaRole.List, new() { Name = "Last faults" }).GetByRole(AriaRole.Listitem);
        await Expect(faults.Filter(new() { HasText = "Discord closed with 4000" })).ToContainTextAsync(["(4 times since"]);
        await Expect(faults.Filter(new() { HasText = "Discord closed with 4000" })).ToContainTextAsync(["shards 0-3)"]);
    }

    [Test]
    public async Task A_gateway_that_waits_for_Discord_is_starting()
    {
        await using Scenario scenario = await Scenario.StartAsync("--shards 4 --max-concurrency 4 --guilds 1", Config);
        await scenario.Sandbox.OrderAsync("/discord/rest?status=503&count=1000000");
        scenario.StartGateway();
        BrowserPage browser = await OpenAsync(scenario);

        await Expect(browser.Problems.First).ToContainTextAsync("The gateway is starting");
        await Expect(browser.Page.GetByRole(AriaRole.Grid)).ToBeHiddenAsync();
        await Assert.That(browser.Complaints).IsEmpty();

        await scenario.Sandbox.OrderAsync("/discord/rest?count=0");
        await browser.AllIsWellAsync();
    }

    [Test]
    public async Task An_absent_broker_is_said_first()
    {
        await using Scenario scenario = await StartAsync(Shards);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();
        await scenario.Sandbox.OrderAsync("/discord/refuse-upgrade?count=1000000&status=503");
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=all");
        await scenario.Sandbox.OrderAsync("/singyeong/stop");

        await Expect(browser.Problems.First).ToContainTextAsync("신경 is not connected");
        await Expect(browser.Problems.Nth(1)).ToContainTextAsync("4 shards are backing off");
        await Expect(browser.Page.GetByRole(AriaRole.Status)).Not.ToBeEmptyAsync();
        await Expect(browser.Page).ToHaveTitleAsync(new System.Text.RegularExpressions.Regex("^✖"));

        await scenario.Sandbox.OrderAsync("/discord/refuse-upgrade?count=0");
        await scenario.Sandbox.OrderAsync("/singyeong/start");
        await browser.AllIsWellAsync();
    }

    [Test]
    public async Task A_gateway_that_is_gone_is_said_and_found_again_when_it_is_back()
    {
        await using Scenario scenario = await StartAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        BrowserPage browser = scenario.Owned(await BrowserPage.OpenAsync(endpoints));
        await browser.AllIsWellAsync();

        await scenario.Gateway.KillAsync();
        await Expect(browser.Problems.First).ToContainTextAsync("The gateway does not answer (no connection)");
        await Expect(browser.Problems.First).ToContainTextAsync("Asked again in");
        await Expect(browser.Cells).ToHaveCountAsync(Shards);

        scenario.StartGateway(scenario.Config.ToYaml(scenario.Sandbox).Replace("127.0.0.1:0", $"127.0.0.1:{endpoints.Port}", StringComparison.Ordinal));
        await browser.AllIsWellAsync();
    }

    [Test]
    public async Task A_loop_that_stands_still_is_said_with_the_age_of_what_is_shown()
    {
        await using Scenario scenario = await StartAsync(Shards);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();

        await ChangeStatusAsync(browser, status =>
        {
            status["age"] = 754_000;
            status["stalled"] = true;
        });

        await Expect(browser.Problems.First).ToContainTextAsync("The gateway's loop has stood still for 12 min 34 s");
        await Expect(browser.Page.Locator("#freshness")).ToContainTextAsync("12 min 34 s old");
    }

    [Test]
    public async Task Nobody_else_is_asked_and_nothing_is_complained_of()
    {
        await using Scenario scenario = await StartAsync(Shards);
        Endpoints endpoints = scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));
        BrowserPage browser = scenario.Owned(await BrowserPage.OpenAsync(endpoints));
        await browser.AllIsWellAsync();
        await scenario.Sandbox.OrderAsync("/discord/drop?shard=all");
        await Expect(browser.Page.GetByRole(AriaRole.List, new() { Name = "Last faults" })).ToContainTextAsync("lost its connection");
        await browser.AllIsWellAsync();

        string origin = $"http://127.0.0.1:{endpoints.Port}/";
        string[] others = [.. browser.Requests.Distinct().Where(url => !url.StartsWith("data:", StringComparison.Ordinal))];
        await Assert.That(others).IsEquivalentTo([origin, origin + "status"]);
        await Assert.That(browser.Complaints).IsEmpty();
    }

    [Test]
    public async Task A_foreign_script_is_not_run()
    {
        await using Scenario scenario = await StartAsync(Shards);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();

        await browser.Page.EvaluateAsync("() => { const foreign = document.createElement('script'); foreign.textContent = 'document.title = \"foreign\"'; document.body.append(foreign); }");

        await Eventually.HoldsAsync(
            () => string.Join('\n', browser.Complaints).Contains("Content Security Policy", StringComparison.Ordinal), "the browser says that it refuses it");
        await Assert.That(await browser.Page.TitleAsync()).DoesNotContain("foreign");
    }

    [Test]
    public async Task A_screen_reader_finds_everything_by_role_and_name()
    {
        await using Scenario scenario = await StartAsync(Shards);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();

        await Expect(browser.Page.GetByRole(AriaRole.Main)).ToMatchAriaSnapshotAsync("""
            - main:
              - region /All is well/:
                - heading /All is well/ [level=2]
              - region /Shards/:
                - heading /4 of 4 ready/ [level=2]
                - list "Shards by state":
                  - listitem: 4 ready
                - grid /4 of 4 ready/:
                  - row:
                    - gridcell "Shard 0, ready"
                    - gridcell "Shard 1, ready"
                    - gridcell "Shard 2, ready"
                    - gridcell "Shard 3, ready"
              - region "Last faults":
                - heading "Last faults" [level=2]
                - list "Last faults"
              - heading "Events/s" [level=2]
              - img /Events.s over .*now .* received, .* confirmed/
              - heading "Heartbeats" [level=2]
              - img /Heartbeats over .* median, .* slowest/
              - heading /신경/ [level=2]
              - list /신경/:
                - listitem:
                  - meter /outbox of 127/
              - heading "Session starts" [level=2]
              - meter "session starts that are left"
              - heading "Since the start" [level=2]
            """);
    }

    [Test]
    [Arguments(ColorScheme.Light)]
    [Arguments(ColorScheme.Dark)]
    public async Task Every_text_can_be_read_in_every_state(ColorScheme scheme)
    {
        await using Scenario scenario = await StartAsync(Shards);
        BrowserPage browser = scenario.Owned(await BrowserPage.OpenAsync(await OwnedEndpointsAsync(scenario), scheme));
        await browser.AllIsWellAsync();
        await scenario.Sandbox.OrderAsync("/singyeong/stop");
        await Expect(browser.Problems.First).ToContainTextAsync("신경 is not connected");

        // WCAG 2.2, 1.4.3: 4.5 between every text and the nearest ground behind it; the states, levels and meters that are not there now are put there.
        string[] poor = await browser.Page.EvaluateAsync<string[]>("""
            () => {
              const light = colour => {
                const [r, g, b] = colour.match(/[\d.]+/g).map(n => n / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
                return .2126 * r + .7152 * g + .0722 * b;
              };
              const ground = element => {
                const colour = getComputedStyle(element).backgroundColor;
                return /^rgba.*, 0\)$/.test(colour) ? ground(element.parentElement) : colour;
              };
              const poor = [];
              const look = (element, pseudo, text) => {
                const [one, other] = [light(getComputedStyle(element, pseudo).color), light(ground(element))].sort((a, b) => b - a);
                const ratio = (one + .05) / (other + .05);
                if (ratio < 4.5) poor.push(`${ratio.toFixed(2)}: ${text}`);
              };
              const cell = document.querySelector(".cell");
              for (const state of ["ready", "deaf", "waiting_for_room", "backoff", "stopped", "connecting", "identifying", "resuming", "waiting"]) {
                cell.dataset.state = state;
                look(cell, "::before", state);
              }
              const tag = document.querySelector(".tag");
              for (const level of ["bad", "warn", "busy"]) {
                tag.parentElement.className = level;
                look(tag, null, level);
              }
              const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
              let looked = 0;
              while (texts.nextNode()) {
                const element = texts.currentNode.parentElement;
                if (texts.currentNode.data.trim() && element.getClientRects().length) { looked++; look(element, null, texts.currentNode.data); }
              }
              return looked > 50 ? poor : [`only ${looked} texts were found`];
            }
            """);
        await Assert.That(poor).IsEmpty();
    }

    [Test]
    public async Task The_page_follows_the_colours_of_the_system()
    {
        await using Scenario scenario = await StartAsync(Shards);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();

        await browser.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
        byte[] light = await browser.Page.ScreenshotAsync();
        string lightGround = await GroundAsync(browser);
        await browser.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        byte[] dark = await browser.Page.ScreenshotAsync();

        await Assert.That(lightGround).IsEqualTo("rgb(244, 245, 247)");
        await Assert.That(await GroundAsync(browser)).IsEqualTo("rgb(15, 19, 23)");
        await Assert.That(light.AsSpan().SequenceEqual(dark)).IsFalse();
    }

    [Test]
    public async Task What_is_wrong_with_several_connections_is_said_once()
    {
        GatewayConfig config = Config with { Connections = 3, Forwarding = GatewayConfig.ToSink.Replace("\"sink\"", "\"nobody\"", StringComparison.Ordinal) };
        await using Scenario scenario = await Scenario.StartAsync("--shards 6 --max-concurrency 6 --guilds 1", config);
        scenario.StartGateway();
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();
        await scenario.Sandbox.BurstAsync(10);
        await Expect(browser.Problems).ToHaveTextAsync(["Warning60 events wait for a worker that takes them (nobody)."]);

        await scenario.Sandbox.OrderAsync("/singyeong/stop");

        await Expect(browser.Problems.First).ToContainTextAsync("Connections 0-2 to 신경 are not connected");
        await Expect(browser.Problems).ToHaveCountAsync(2);
        await Expect(browser.Verdict).ToContainTextAsync("2 things need you");
    }

    [Test]
    [Arguments(1366)]
    [Arguments(800)]
    [Arguments(390)]
    [Arguments(320)]
    public async Task Nothing_overlaps_or_is_cut_off_in_a_window_of_any_width(int width)
    {
        await using Scenario scenario = await StartAsync(64);
        BrowserPage browser = await OpenAsync(scenario);
        await browser.AllIsWellAsync();
        foreach (string fault in (string[])["/discord/close?shard=1&code=4000", "/discord/op7?shard=2", "/discord/drop?shard=3", "/discord/fin?shard=4", "/discord/corrupt?shard=5", "/singyeong/stop"])
        {
            await scenario.Sandbox.OrderAsync(fault);
        }
        await Expect(browser.Problems.First).ToContainTextAsync("신경 is not connected");
        await Expect(browser.Page.GetByRole(AriaRole.List, new() { Name = "Last faults" }).GetByRole(AriaRole.Listitem).Nth(4)).ToBeAttachedAsync();

        await ChangeStatusAsync(browser, status =>
        {
            status["process"]!["singyeong"] = "singyeong.a-rather-long-namespace.svc.cluster.production.internal:4567";
            status["connections"]![0]!["lanes"] = new JsonArray(new JsonObject { ["application"] = new string('w', 80), ["messages"] = 12_345_678, ["age"] = 8_888_888 });
            status["connections"]![0]!["heldMessages"] = 12_345_678;
        });
        await browser.Page.SetViewportSizeAsync(width, BrowserPage.Height);
        await Expect(browser.Problems.First).ToContainTextAsync("production.internal");

        string[] wrong = await browser.Page.EvaluateAsync<string[]>("""
            () => {
              const wrong = document.documentElement.scrollWidth > innerWidth ? [`${document.documentElement.scrollWidth} px wide`] : [];
              for (const section of document.querySelectorAll("section")) {
                const ground = section.getBoundingClientRect();
                for (const part of section.querySelectorAll(":scope > *, .pair > *")) {
                  const box = part.getBoundingClientRect();
                  if (box.bottom > ground.bottom + 1 || box.right > ground.right + 1) wrong.push(`${section.id} ${part.tagName} ${part.textContent.slice(0, 40)}`);
                }
              }
              return wrong;
            }
            """);
        await Assert.That(wrong).IsEmpty();
    }

    /// <summary>From now on the page gets what the gateway tells with a change.</summary>
    private static Task ChangeStatusAsync(BrowserPage browser, Action<JsonNode> change) => browser.Page.RouteAsync("**/status", async route =>
    {
        IAPIResponse answer = await route.FetchAsync();
        JsonNode status = JsonNode.Parse(await answer.TextAsync())!;
        change(status);
        await route.FulfillAsync(new() { Response = answer, Body = status.ToJsonString() });
    });

    private static Task<string> GroundAsync(BrowserPage browser) => browser.Page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");

    private static async Task<Scenario> StartAsync(int shards)
    {
        Scenario scenario = await Scenario.StartAsync($"--shards {shards} --max-concurrency {shards} --guilds 1", Config);
        scenario.StartGateway();
        return scenario;
    }

    private static async Task<Endpoints> OwnedEndpointsAsync(Scenario scenario) => scenario.Owned(await Endpoints.OfAsync(scenario.Gateway));

    private static async Task<BrowserPage> OpenAsync(Scenario scenario) => scenario.Owned(await BrowserPage.OpenAsync(await OwnedEndpointsAsync(scenario)));
}
