using System.Globalization;

namespace SinGateway.Benchmarks;

/// <summary>What to measure and how often, from the command line.</summary>
internal sealed record BenchmarkOptions
{
    public const string Usage = """
        Usage: ./build.sh bench [OPTIONS]

          --runs N        Repeat each measurement N times and give the median (default 5). Memory, which hardly differs from run to run and
                          takes the longest, is measured once.
          --quick         One run each, shorter and with fewer shards: to see that it works, not to quote.
          --only LIST     Some of burst, paced, instructions, scan, allocation, memory, size, separated by commas (default: all).
          --floor-only    Only the C program.
          --compression C Beside it, which speaks zlib-stream, the gateway speaks C: zlib-stream (default), zstd-stream or none.
        """;

    private static readonly string[] Compressions = ["zlib-stream", "zstd-stream", "none"];

    private static readonly string[] Measurements = ["burst", "paced", "instructions", "scan", "allocation", "memory", "size"];

    public int Runs { get; private init; } = 5;

    /// <summary>How long memory is left alone after a burst: longer than the gateway's period of giving free pages back (30 s).</summary>
    public TimeSpan MemoryRest { get; private init; } = TimeSpan.FromSeconds(35);

    /// <summary>Events of one measured burst, over all shards.</summary>
    public int BurstEvents { get; private init; } = 200_000;

    public int PacedRate { get; } = 2000;

    public int PacedShards { get; } = 16;

    public TimeSpan PacedDuration { get; private init; } = TimeSpan.FromSeconds(15);

    public IReadOnlyList<int> MemoryShards { get; private init; } = [1, 16, 64, 256];

    /// <summary>Out of these two bursts the bytes per event are computed.</summary>
    public (int Few, int Many) AllocationEvents { get; private init; } = (100_000, 200_000);

    /// <summary>Events of the burst whose instructions are counted: a processor that counts is some thirty times slower.</summary>
    public int InstructionEvents { get; } = 32_000;

    public bool FloorOnly { get; private init; }

    /// <summary>Of the gateway's connections to Discord; the C program knows zlib-stream only.</summary>
    public string Compression { get; private init; } = Compressions[0];

    private IReadOnlyList<string> Only { get; init; } = Measurements;

    public bool Includes(string measurement) => Only.Contains(measurement);

    /// <summary>Throws <see cref="FormatException"/> with a message for the user.</summary>
    public static BenchmarkOptions Parse(ReadOnlySpan<string> arguments)
    {
        BenchmarkOptions options = new();
        if (arguments.Contains("--quick"))
        {
            options = options with
            {
                Runs = 1,
                BurstEvents = 50_000,
                PacedDuration = TimeSpan.FromSeconds(4),
                MemoryShards = [1, 16, 64],
                MemoryRest = TimeSpan.Zero,
                AllocationEvents = (20_000, 40_000),
            };
        }
        for (int i = 0; i < arguments.Length; i++)
        {
            string? value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            switch (arguments[i])
            {
                case "--quick":
                    break;
                case "--floor-only":
                    options = options with { FloorOnly = true };
                    break;
                case "--runs" when int.TryParse(value, CultureInfo.InvariantCulture, out int runs) && runs > 0:
                    options = options with { Runs = runs };
                    i++;
                    break;
                case "--compression" when Compressions.Contains(value):
                    options = options with { Compression = value! };
                    i++;
                    break;
                case "--only" when value?.Split(',') is { } only && only.All(Measurements.Contains):
                    options = options with { Only = only };
                    i++;
                    break;
                default:
                    throw new FormatException($"{arguments[i]} {value}: not an option, or not a value for it");
            }
        }
        return options;
    }
}
