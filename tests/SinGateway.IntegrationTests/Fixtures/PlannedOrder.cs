namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>One order to the sandbox.</summary>
/// <param name="At">Since the plan's start.</param>
/// <param name="Fault">The kind of fault that it belongs to, for the table.</param>
/// <param name="Order">As <see cref="SandboxProcess.OrderAsync"/> takes it.</param>
/// <param name="Body">What goes with it.</param>
/// <param name="Lifts">It ends a fault.</param>
internal sealed record PlannedOrder(TimeSpan At, string Fault, string Order, string Body = "", bool Lifts = false);
