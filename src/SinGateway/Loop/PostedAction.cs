namespace SinGateway.Loop;

/// <summary>An action for a loop's thread, and its place in the list of those that wait there.</summary>
internal sealed class PostedAction(Action action)
{
    public Action Action { get; } = action;

    internal PostedAction? Next { get; set; }
}
