using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using SinGateway.Operations;

namespace SinGateway.Tests.Operations;

public sealed class NameResolverTests
{
    private static readonly IPAddress[] First = [IPAddress.Parse("192.0.2.1")];
    private static readonly IPAddress[] Second = [IPAddress.Parse("192.0.2.2")];

    private readonly FakeTimeProvider _time = new();
    private readonly Queue<Func<Task<IPAddress[]>>> _answers = new();
    private readonly NameResolver _resolver;
    private int _lookUps;

    public NameResolverTests() => _resolver = new NameResolver(_time, (_, _) =>
    {
        _lookUps++;
        return _answers.Dequeue()();
    });

    [Test]
    public async Task An_address_needs_no_look_up()
    {
        await Assert.That(await _resolver.ResolveAsync("2001:db8::1")).HasSingleItem();
        await Assert.That(_lookUps).IsEqualTo(0);
    }

    [Test]
    public async Task An_answer_serves_for_a_while()
    {
        Answers(First, Second);
        await _resolver.ResolveAsync("a.example");
        await Assert.That(await _resolver.ResolveAsync("A.example")).IsSameReferenceAs(First);
        _time.Advance(NameResolver.Freshness);
        await Assert.That(await _resolver.ResolveAsync("a.example")).IsSameReferenceAs(Second);
    }

    [Test]
    public async Task Those_who_ask_at_once_share_a_look_up()
    {
        TaskCompletionSource<IPAddress[]> answer = new();
        _answers.Enqueue(() => answer.Task);
        Task<IPAddress[]>[] asking = [_resolver.ResolveAsync("a.example"), _resolver.ResolveAsync("a.example")];
        answer.SetResult(First);
        await Task.WhenAll(asking);
        await Assert.That(_lookUps).IsEqualTo(1);
    }

    [Test]
    public async Task The_last_good_answer_serves_when_a_look_up_fails()
    {
        Answers(First);
        Fails();
        await _resolver.ResolveAsync("a.example");
        _time.Advance(NameResolver.Freshness);
        await Assert.That(await _resolver.ResolveAsync("a.example")).IsSameReferenceAs(First);
    }

    [Test]
    public async Task A_name_that_never_resolved_is_an_error_that_is_not_kept()
    {
        Fails();
        Answers(First);
        await Assert.That(async () => { await _resolver.ResolveAsync("a.example"); }).Throws<IOException>().WithMessageContaining("a.example");
        await Assert.That(await _resolver.ResolveAsync("a.example")).IsSameReferenceAs(First);
    }

    [Test]
    public async Task A_look_up_that_hangs_is_left_behind()
    {
        _answers.Enqueue(() => new TaskCompletionSource<IPAddress[]>().Task);
        Task<IPAddress[]> asking = _resolver.ResolveAsync("a.example");
        _time.Advance(NameResolver.Patience);
        await Assert.That(async () => { await asking; }).Throws<IOException>();
    }

    private void Answers(params IPAddress[][] answers)
    {
        foreach (IPAddress[] answer in answers)
        {
            _answers.Enqueue(() => Task.FromResult(answer));
        }
    }

    private void Fails() => _answers.Enqueue(() => Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound)));
}
