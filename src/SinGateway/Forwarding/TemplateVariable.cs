namespace SinGateway.Forwarding;

/// <summary>What a <c>{{NAME}}</c> of a target stands for.</summary>
internal enum TemplateVariable
{
    Shard,
    Cluster,
    Event,
}

/// <summary>One piece of a compiled target: bytes as they are sent, or, where <see cref="Literal"/> is null, a variable.</summary>
internal readonly record struct TemplateSegment(byte[]? Literal, TemplateVariable Variable);
