using ConsoleAppFramework;
using SinGateway.Sandbox;

ConsoleApp.ConsoleAppBuilder app = ConsoleApp.Create();
app.Add<Commands>();
await app.RunAsync(args).ConfigureAwait(false);
