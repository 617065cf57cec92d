using ConsoleAppFramework;
using SinGateway.Sandbox;

StaticExecutable.Prepare();
ConsoleApp.ConsoleAppBuilder app = ConsoleApp.Create();
app.Add<Commands>();
await app.RunAsync(args).ConfigureAwait(false);
