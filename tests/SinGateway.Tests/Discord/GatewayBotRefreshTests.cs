using Microsoft.Extensions.Time.Testing;
using SinGateway.Discord;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Discord;

public sealed class GatewayBotRefreshTests
{
    private static readonly GatewayBotInfo Info = new("wss://gateway.example", 4, new SessionStartLimit(1_000, 900, 1_000, 1));

    [Test]
    public async Task Requests_while_one_is_under_way_are_one_request()
    {
        await using Refresh refresh = new();
        for (int i = 0; i < 100; i++)
        {
            refresh.Under.Request();
        }

        await Assert.That(refresh.Asked).IsEqualTo(1);
        refresh.Answer(new GatewayBotOutcome.Success(Info));
        await Assert.That(refresh.Answered).IsEquivalentTo([Info]);
        await Assert.That(refresh.Asked).IsEqualTo(1);
    }

    [Test]
    public async Task The_next_request_waits_for_the_interval()
    {
        await using Refresh refresh = new();
        refresh.Under.Request();
        refresh.Answer(new GatewayBotOutcome.Success(Info));

        refresh.Under.Request();
        refresh.Time.Advance(GatewayBotRefresh.MinimumInterval - TimeSpan.FromMilliseconds(1));
        await Assert.That(refresh.Asked).IsEqualTo(1);
        refresh.Time.Advance(TimeSpan.FromMilliseconds(1));
        await Assert.That(refresh.Asked).IsEqualTo(2);
    }

    [Test]
    public async Task A_refusal_does_not_end_a_bot_whose_sessions_live_and_may_be_asked_again()
    {
        await using Refresh refresh = new();
        refresh.Under.Request();
        refresh.Answer(new GatewayBotOutcome.Refused("Discord answers 403"));

        await Assert.That(refresh.Logger.Entries.Single()).Contains("Discord answers 403");
        refresh.Time.Advance(GatewayBotRefresh.MinimumInterval);
        refresh.Under.Request();
        await Assert.That(refresh.Asked).IsEqualTo(2);
        await Assert.That(refresh.Unauthorized).IsEqualTo(0);
    }

    [Test]
    public async Task After_a_401_nothing_is_asked_any_more()
    {
        await using Refresh refresh = new();
        refresh.Under.Request();
        refresh.Answer(new GatewayBotOutcome.Unauthorized());
        refresh.Time.Advance(TimeSpan.FromHours(1));
        refresh.Under.Request();

        await Assert.That((refresh.Asked, refresh.Unauthorized)).IsEqualTo((1, 1));
    }

    [Test]
    public async Task What_goes_wrong_unexpectedly_is_said_and_the_next_request_is_made()
    {
        await using Refresh refresh = new();
        refresh.Under.Request();
        refresh.Fail(new ArgumentException("no sense"));

        await Assert.That(refresh.Logger.Entries.Single()).Contains("no sense");
        refresh.Time.Advance(GatewayBotRefresh.MinimumInterval);
        refresh.Under.Request();
        await Assert.That(refresh.Asked).IsEqualTo(2);
    }

    /// <summary>Continuations run within the call that completes them, so nothing here has to be waited for.</summary>
    private sealed class Refresh : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private TaskCompletionSource<GatewayBotOutcome> _answer = new();

        public Refresh() => Under = new GatewayBotRefresh(
            _ =>
            {
                Asked++;
                return _answer.Task;
            },
            Time,
            Answered.Add,
            () => Unauthorized++,
            Logger,
            _stop.Token);

        public GatewayBotRefresh Under { get; }

        public FakeTimeProvider Time { get; } = new();

        public RecordingLogger Logger { get; } = new();

        public List<GatewayBotInfo> Answered { get; } = [];

        public int Asked { get; private set; }

        public int Unauthorized { get; private set; }

        public void Answer(GatewayBotOutcome outcome)
        {
            TaskCompletionSource<GatewayBotOutcome> answered = _answer;
            _answer = new TaskCompletionSource<GatewayBotOutcome>();
            answered.SetResult(outcome);
        }

        public void Fail(Exception failure)
        {
            TaskCompletionSource<GatewayBotOutcome> answered = _answer;
            _answer = new TaskCompletionSource<GatewayBotOutcome>();
            answered.SetException(failure);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _stop.Dispose();
        }
    }
}
