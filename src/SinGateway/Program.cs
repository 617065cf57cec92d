using System.Reflection;
using ConsoleAppFramework;
using SinGateway;
using SinGateway.Loop;
using SinGateway.Operations;

// glibc gives each thread that allocates an arena of its own, and what is freed in one is of no use to the others.
SystemCalls.LimitMallocArenas(1);
StaticExecutable.Prepare();

ConsoleApp.Version = typeof(Commands).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
ConsoleApp.LogError = Console.Error.WriteLine;
var app = ConsoleApp.Create();
app.Add<Commands>();
await app.RunAsync(args);
return Environment.ExitCode != 0 && !Commands.Understood ? (int)ExitCode.BadConfiguration : Environment.ExitCode;
