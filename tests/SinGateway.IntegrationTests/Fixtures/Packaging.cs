using System.Security.Cryptography;

namespace SinGateway.IntegrationTests.Fixtures;

/// <summary>
/// The scripts of deploy/packaging, run on stand-ins for the executables in a directory of its own: what they make does not depend on what is inside.
/// </summary>
internal sealed class Packaging : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("singateway-").FullName;

    /// <summary>Skips the test where no release was built: which packages it holds is not known then.</summary>
    public Packaging()
    {
        _ = Binaries.Release("linux-x64");
        string[] entries = ["src", "deploy", "Directory.Build.props", "config.example.yaml", "README.md", "CHANGELOG.md", "LICENSE", "THIRD-PARTY.md"];
        foreach (string entry in entries)
        {
            File.CreateSymbolicLink(Path.Combine(_root, entry), Path.Combine(Binaries.Repository(), entry));
        }
        string executables = Directory.CreateDirectory(Path.Combine(_root, "out/static/linux-x64")).FullName;
        File.WriteAllText(Path.Combine(executables, "singateway"), "a gateway");
        File.WriteAllText(Path.Combine(executables, "singateway-sandbox"), "a sandbox");
    }

    /// <summary>Where the scripts put what they make.</summary>
    public string Output => Path.Combine(_root, "dist");

    /// <summary>Runs functions of the scripts, for someone with this umask and time zone, and answers the hash of each file that they made.</summary>
    public async Task<Dictionary<string, string>> MakeAsync(string functions, string umask = "022", string zone = "UTC")
    {
        await Tool.RunAsync(
            "bash",
            [
                "-c",
                $$"""
                set -euo pipefail
                cd '{{_root}}'
                root=$PWD
                umask {{umask}}
                say() { :; }
                die() { printf '%s\n' "$*" >&2; exit 1; }
                . deploy/packaging/release.sh
                . deploy/packaging/image.sh
                rm -rf dist
                mkdir dist
                {{functions}}
                """,
            ],
            new Dictionary<string, string> { ["SOURCE_DATE_EPOCH"] = "1700000000", ["TZ"] = zone });
        return Directory.GetFiles(Output).ToDictionary(file => Path.GetFileName(file)!, file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
