namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>
/// Makes a scenario's directory the root of a gateway: in it are the static executable, resolv.conf, the sandbox' authority as the bundle,
/// /dev/null, /dev/urandom, and one directory that the gateway may write to. It runs as nobody in particular, so the rest is read-only to it.
/// </summary>
internal static class EmptyRoot
{
    private const string User = "65532:65532";

    /// <summary>For a configuration's stateFile.</summary>
    public const string StateFile = "state/singateway.state";

    /// <summary>Gateways of <paramref name="scenario"/> start in there from now on. Skips the test where that cannot be.</summary>
    /// <param name="scenario">Has a sandbox with TLS, which wrote its ca.pem.</param>
    /// <param name="names">The name server.</param>
    /// <param name="bundle">Whether there are certificate authorities.</param>
    public static async Task EnterAsync(Scenario scenario, NameServer names, bool bundle = true)
    {
        string chroot = Tool.Find("chroot", "coreutils");
        Tool.RequireRoot("change the root directory");
        File.SetUnixFileMode(scenario.Directory, (UnixFileMode)0b111_101_101);
        File.Copy(Binaries.Release("linux-x64"), scenario.File("singateway"));
        foreach (string directory in (string[])["dev", "etc/ssl/certs", "state"])
        {
            Directory.CreateDirectory(scenario.File(directory));
        }
        await File.WriteAllTextAsync(scenario.File("etc/resolv.conf"), $"nameserver {names.Address}\n");
        if (bundle)
        {
            File.Copy(scenario.File("ca.pem"), scenario.File("etc/ssl/certs/ca-certificates.crt"));
        }
        await Tool.RunAsync("mknod", ["-m", "666", scenario.File("dev/null"), "c", "1", "3"]);
        await Tool.RunAsync("mknod", ["-m", "444", scenario.File("dev/urandom"), "c", "1", "9"]);
        await Tool.RunAsync("chown", [User, scenario.File("state")]);
        scenario.Command = [chroot, $"--userspec={User}", scenario.Directory, "/singateway"];
    }

    /// <summary>What the gateway's configuration says in there.</summary>
    public static string Localized(Scenario scenario) =>
        scenario.Config.ToYaml(scenario.Sandbox).Replace("stateFile: \"singateway.state\"", $"stateFile: \"{StateFile}\"", StringComparison.Ordinal);
}
