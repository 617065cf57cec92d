namespace SinGateway.Configuration;

/// <summary>What a scalar means.</summary>
internal enum ScalarKind
{
    Null,
    Boolean,
    Integer,
    Number,
    Text,
}
