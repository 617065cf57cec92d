using System.Collections.Concurrent;
using Microsoft.Playwright;
using TUnit.Core.Exceptions;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>The status page in a real browser, Debian's Chromium, with what it asked for and complained of.</summary>
internal sealed class BrowserPage : IAsyncDisposable
{
    private const string Chromium = "/usr/bin/chromium";

    /// <summary>The screen that everything must fit.</summary>
    public const int Width = 1366, Height = 768;

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private BrowserPage(IPlaywright playwright, IBrowser browser, IPage page)
    {
        _playwright = playwright;
        _browser = browser;
        Page = page;
        page.Request += (_, request) => Requests.Enqueue(request.Url);
        page.Console += (_, message) => Complaints.Enqueue($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => Complaints.Enqueue(error);
    }

    public IPage Page { get; }

    /// <summary>Every URL that it asked for.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>What stands in the console, and every error of its script.</summary>
    public ConcurrentQueue<string> Complaints { get; } = [];

    /// <summary>The worst first.</summary>
    public ILocator Problems => Page.GetByRole(AriaRole.List, new() { Name = "Problems" }).GetByRole(AriaRole.Listitem);

    public ILocator Verdict => Page.Locator("#verdict-title");

    /// <summary>What is told of the shard that is pointed at or has the focus.</summary>
    public ILocator Detail => Page.Locator("#detail");

    public ILocator Cells => Page.GetByRole(AriaRole.Gridcell);

    /// <summary>Opens the page of a gateway. Without Chromium the test is skipped.</summary>
    public static async Task<BrowserPage> OpenAsync(Endpoints endpoints, ColorScheme scheme = ColorScheme.Light)
    {
        if (!File.Exists(Chromium))
        {
            throw new SkipTestException($"{Chromium} is missing; install it: apt-get install chromium");
        }

        Assertions.SetDefaultExpectTimeout((float)Eventually.Deadline.TotalMilliseconds);
        IPlaywright playwright = await Playwright.CreateAsync();
        try
        {
            // Chromium's own sandbox is not to be had in many containers, nor as root; it sees nothing but pages of ours.
            IBrowser browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium, Args = ["--no-sandbox"], Timeout = (float)Eventually.Deadline.TotalMilliseconds });
            IPage page = await browser.NewPageAsync(new()
            {
                ViewportSize = new() { Width = Width, Height = Height },
                ColorScheme = scheme,
                ReducedMotion = ReducedMotion.Reduce,
            });
            page.SetDefaultTimeout((float)Eventually.Deadline.TotalMilliseconds);
            BrowserPage opened = new(playwright, browser, page);
            await page.GotoAsync($"http://127.0.0.1:{endpoints.Port}/");
            return opened;
        }
        catch
        {
            playwright.Dispose();
            throw;
        }
    }

    public ILocator Cell(int shard, string state) => Page.GetByRole(AriaRole.Gridcell, new() { Name = $"Shard {shard}, {state}", Exact = true });

    public Task AllIsWellAsync() => Assertions.Expect(Verdict).ToContainTextAsync("All is well");

    public async ValueTask DisposeAsync()
    {
        await _browser.CloseAsync();
        _playwright.Dispose();
    }
}
