using System.Globalization;
using System.Runtime.InteropServices;
using SinGateway.Benchmarks;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(BenchmarkOptions.Usage);
    return 0;
}
BenchmarkOptions options;
try
{
    options = BenchmarkOptions.Parse(args);
}
catch (FormatException e)
{
    Console.Error.WriteLine($"bench: {e.Message}\n{BenchmarkOptions.Usage}");
    return 2;
}

// Both let what is running be stopped first.
using CancellationTokenSource stop = new();
using PosixSignalRegistration interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

string executables = Environment.GetEnvironmentVariable("SINGATEWAY_BIN") ?? "out";
string gateway = Path.Combine(executables, "singateway");
string sandbox = Path.Combine(executables, "singateway-sandbox");
string compiled = Path.Combine(executables, "bench");
string scratch = Directory.CreateTempSubdirectory("singateway-bench-").FullName;
try
{
    Directory.CreateDirectory(compiled);
    List<Subject> subjects = [];
    if (!options.FloorOnly)
    {
        subjects.Add(new Subject(
            "SinGateway", SpeaksTls: true, (to, directory, _, before) => GatewayProcess.Start(gateway, directory, to, options.Compression, before)));
    }
    if (await FloorProgram.CompileWithZlibOfDotnetAsync(compiled, stop.Token) is { } floorOnZlibNg)
    {
        subjects.Add(new Subject("C, zlib-ng", SpeaksTls: false, (to, _, shards, before) => FloorProgram.Start(floorOnZlibNg, to, shards, before)));
    }
    string floor = await FloorProgram.CompileAsync(compiled, stop.Token);
    subjects.Add(new Subject("C, zlib", SpeaksTls: false, (to, _, shards, before) => FloorProgram.Start(floor, to, shards, before)));

    Console.WriteLine($"{Processor()}, {Environment.ProcessorCount} cores, Linux {Environment.OSVersion.Version}; median of {options.Runs} (lowest-highest)");
    Console.WriteLine();
    Report report = new(options, new Bench(sandbox, scratch), subjects, stop.Token);
    await report.WriteEventCostsAsync();
    if (options.Includes("instructions"))
    {
        await report.WriteInstructionsAsync();
    }
    if (options.Includes("scan") && !options.FloorOnly)
    {
        report.WriteScan();
    }
    if (options.Includes("allocation") && !options.FloorOnly)
    {
        await report.WriteAllocationAsync();
    }
    if (options.Includes("memory"))
    {
        await report.WriteMemoryAsync();
    }
    if (options.Includes("size") && !options.FloorOnly)
    {
        report.WriteSizes([gateway]);
    }
    return 0;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
catch (Exception e) when (e is InvalidOperationException or TimeoutException or HttpRequestException)
{
    Console.Error.WriteLine($"bench: {e.Message}");
    return 1;
}
finally
{
    Directory.Delete(scratch, recursive: true);
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

static string Processor() =>
    File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ", 2)[1]
    ?? RuntimeInformation.ProcessArchitecture.ToString();
