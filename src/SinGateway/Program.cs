using System.Reflection;
using ConsoleAppFramework;
using SinGateway;
using SinGateway.Loop;
using SinGateway.Operations;

// glibc gives each thread that allocates an arena of its own, and what is freed in one is of no use to the others.
SystemCalls.LimitMallocArenas(1);
StaticExecutable.Prepare();

ConsoleApp.Version = typeof(Commands).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
ConsoleApp.Log = text => Console.WriteLine(text
    .Replace("Usage: ", "Usage: singateway ", StringComparison.Ordinal).Replace("<string?>", "VALUE    ", StringComparison.Ordinal).Replace(" [Default: null]", "", StringComparison.Ordinal));
ConsoleApp.LogError = text => Console.Error.WriteLine(Commands.Understood ? text : $"{text.TrimEnd('.')}; singateway --help lists what there is");
var app = ConsoleApp.Create();
app.Add<Commands>();
await app.RunAsync([.. args.SelectMany(Split)]);
return Environment.ExitCode != 0 && !Commands.Understood ? (int)ExitCode.BadConfiguration : Environment.ExitCode;

// --config=FILE is --config FILE.
static string[] Split(string argument) =>
    argument.StartsWith("--", StringComparison.Ordinal) && argument.IndexOf('=') is > 2 and var end ? [argument[..end], argument[(end + 1)..]] : [argument];
