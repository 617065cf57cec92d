using System.Text.Json;
using SinGateway.IntegrationTests.Fixtures;

namespace SinGateway.IntegrationTests;

/// <summary>
/// What is shipped around the executables: what is in it, and that it is the same whoever makes it. (<c>./build.sh release --twice</c>
/// compares executables.)
/// </summary>
internal sealed class ReleasePackageTests
{
    private const string Pack = "pack linux-x64; checksums";
    private const string BuildImage = "image_context linux-x64; oci_archive dist/image.oci.tar linux-x64";

    [Test]
    public async Task A_tarball_holds_all_that_its_readers_need()
    {
        using Packaging packaging = new();

        string name = await NameAsync(packaging);
        string listed = await Tool.RunAsync("tar", ["-tzf", Path.Combine(packaging.Output, $"{name}.tar.gz")]);

        string[] entries = [.. listed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(entry => entry[(name.Length + 1)..])];

        await Assert.That(entries).IsEquivalentTo(
        (string[])
        [
            "", "CHANGELOG.md", "LICENSE", "README.md", "THIRD-PARTY.md", "config.example.yaml",
            "licenses/", "licenses/Apache-2.0.txt", "licenses/LGPL-2.1.txt", "licenses/dotnet-third-party-notices.txt",
            "singateway", "singateway-sandbox", "singateway.service", $"{name}.cdx.json",
        ]);
    }

    [Test]
    public async Task A_bill_of_materials_names_every_part_with_version_and_licence()
    {
        using Packaging packaging = new();

        string name = await NameAsync(packaging);
        using JsonDocument bill = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(packaging.Output, $"{name}.cdx.json")));
        JsonElement[] components = [.. bill.RootElement.GetProperty("components").EnumerateArray()];

        await Assert.That(bill.RootElement.GetProperty("bomFormat").GetString()).IsEqualTo("CycloneDX");
        string[] names = [.. components.Select(component => component.GetProperty("name").GetString()!)];
        string[] some = ["StackExchange.Redis", "YamlDotNet", "ZstdSharp.Port", "Microsoft.NETCore.App.Runtime.NativeAOT.linux-x64", "openssl", "glibc", "gcc"];
        foreach (string part in some)
        {
            await Assert.That(names).Contains(part);
        }
        await Assert.That(components.Select(component => component.GetProperty("version").GetString()!)).DoesNotContain("").And.DoesNotContain("unknown");
        await Assert.That(components.All(component => component.GetProperty("licenses").GetArrayLength() == 1)).IsTrue();
    }

    [Test]
    public async Task Checksums_are_right()
    {
        using Packaging packaging = new();

        Dictionary<string, string> files = await packaging.MakeAsync(Pack);
        Dictionary<string, string> sums = (await File.ReadAllLinesAsync(Path.Combine(packaging.Output, "SHA256SUMS")))
            .Select(line => line.Split("  "))
            .ToDictionary(parts => parts[1], parts => parts[0]);

        files.Remove("SHA256SUMS");
        await Assert.That(sums.Keys).IsEquivalentTo(files.Keys);
        await Assert.That(sums.All(sum => files[sum.Key].Equals(sum.Value, StringComparison.OrdinalIgnoreCase))).IsTrue();
    }

    [Test]
    [Arguments(Pack)]
    [Arguments(BuildImage)]
    public async Task Another_folder_umask_and_time_zone_give_the_same_bytes(string functions)
    {
        if (functions == BuildImage)
        {
            Tool.Find("buildah", "buildah");
            Tool.RequireRoot("build an image without a user namespace");
        }
        using Packaging one = new();
        using Packaging other = new();

        Dictionary<string, string> first = await one.MakeAsync(functions);
        Dictionary<string, string> second = await other.MakeAsync(functions, umask: "077", zone: "Pacific/Auckland");

        await Assert.That(first).IsNotEmpty();
        await Assert.That(second).IsEquivalentTo(first);
    }

    /// <summary>Packs, and answers the name that its files begin with.</summary>
    private static async Task<string> NameAsync(Packaging packaging)
    {
        Dictionary<string, string> files = await packaging.MakeAsync(Pack);
        return files.Keys.Single(file => file.EndsWith(".tar.gz", StringComparison.Ordinal))[..^".tar.gz".Length];
    }
}
