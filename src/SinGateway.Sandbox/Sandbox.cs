using System.Net.Security;
using SinGateway.Sandbox.Control;
using SinGateway.Sandbox.Discord;
using SinGateway.Sandbox.Net;
using SinGateway.Sandbox.Singyeong;
using SinGateway.Sandbox.Verification;

namespace SinGateway.Sandbox;

/// <summary>The whole sandbox: Discord, 신경, the ledger between them and the control API, for as long as it runs.</summary>
internal static class Sandbox
{
    public static async Task RunAsync(SandboxOptions options, CancellationToken cancellationToken)
    {
        SslStreamCertificateContext? certificate = options.Tls ? ServerCertificate.Create(options.Certificate, options.Host, options.CertificateDirectory) : null;
        using DiscordServer discord = new(options, certificate);
        Ledger ledger = new(discord);
        using SingyeongServer singyeong = new(options, certificate, ledger);
        EventLoad load = new(discord);
        using ControlServer control = new(options.ControlPort, new ControlCommands(discord, singyeong, ledger, load));
        discord.Start();
        singyeong.Start();
        control.Start();
        load.Start(cancellationToken);
        await Console.Out.WriteLineAsync(
            $"{{\"api\":\"{discord.ApiUrl}\",\"gateway\":\"{discord.GatewayUrl}\",\"singyeong\":\"{options.Host}:{singyeong.Port}\","
            + $"\"control\":\"http://127.0.0.1:{control.Port}\"}}").ConfigureAwait(false);
        await Console.Out.FlushAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
    }
}
