using System.Text.Json;
using System.Text.Json.Serialization;

namespace SinGateway.Operations;

/// <summary>What <c>/readyz</c> answers.</summary>
/// <param name="Ready">Every shard is ready and 신경 is connected.</param>
/// <param name="Reasons">Why not; empty when it is.</param>
internal sealed record Readiness(bool Ready, IReadOnlyList<string> Reasons);

/// <summary>What <c>/status</c> answers before the loop has told anything, and after its end.</summary>
/// <param name="Process">What never changes.</param>
/// <param name="Stage">starting, standing by, or refused.</param>
/// <param name="Refusal">What was wrong and what to change, if refused.</param>
/// <param name="Faults">The last ones.</param>
internal sealed record StartingStatus(StatusProcess Process, string Stage, string? Refusal, Fault[] Faults);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Serialization,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StatusSnapshot))]
[JsonSerializable(typeof(StartingStatus))]
[JsonSerializable(typeof(Readiness))]
internal sealed partial class StatusJson : JsonSerializerContext;
