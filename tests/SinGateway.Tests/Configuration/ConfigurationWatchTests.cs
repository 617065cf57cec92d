using Microsoft.Extensions.Time.Testing;
using SinGateway.Configuration;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Configuration;

public sealed class ConfigurationWatchTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _time = new();
    private int _changes;

    private string Config => _directory.File("config.yaml");

    [Test]
    public async Task A_file_that_stays_is_told_never()
    {
        using ConfigurationWatch watch = Watch();
        Pass(100);

        await Assert.That(_changes).IsEqualTo(0);
    }

    [Test]
    public async Task A_file_that_was_written_is_told_once()
    {
        using ConfigurationWatch watch = Watch();
        File.AppendAllText(Config, "more");
        Pass(10);

        await Assert.That(_changes).IsEqualTo(1);
    }

    [Test]
    public async Task A_file_of_the_same_length_and_time_in_its_place_is_told()
    {
        using ConfigurationWatch watch = Watch();
        string other = _directory.File("other");
        File.WriteAllText(other, "text");
        File.SetLastWriteTimeUtc(other, File.GetLastWriteTimeUtc(Config));
        File.Move(other, Config, overwrite: true);
        Pass(10);

        await Assert.That(_changes).IsEqualTo(1);
    }

    [Test]
    public async Task A_file_that_is_still_being_written_is_told_when_that_is_over()
    {
        using ConfigurationWatch watch = Watch();
        for (int i = 0; i < 5; i++)
        {
            File.AppendAllText(Config, "more");
            Pass(1);
            await Assert.That(_changes).IsEqualTo(0);
        }

        Pass(1);
        await Assert.That(_changes).IsEqualTo(1);
    }

    [Test]
    public async Task A_file_that_is_gone_for_a_moment_is_told_once()
    {
        using ConfigurationWatch watch = Watch();
        File.Delete(Config);
        Pass(1);
        File.WriteAllText(Config, "other");
        Pass(10);

        await Assert.That(_changes).IsEqualTo(1);
    }

    [Test]
    public async Task A_mounted_ConfigMap_that_is_updated_is_told()
    {
        // As Kubernetes mounts it: config.yaml -> ..data/config.yaml, and ..data -> a directory that is swapped for another.
        foreach (string version in (string[])["..2026_1", "..2026_2"])
        {
            Directory.CreateDirectory(_directory.File(version));
            File.WriteAllText(Path.Combine(_directory.File(version), "config.yaml"), "same");
        }

        File.CreateSymbolicLink(_directory.File("..data"), "..2026_1");
        File.CreateSymbolicLink(Config, "..data/config.yaml");
        using ConfigurationWatch watch = new(Config, _time, () => _changes++);
        Pass(3);
        await Assert.That(_changes).IsEqualTo(0);

        File.CreateSymbolicLink(_directory.File("..data_tmp"), "..2026_2");
        OtherProgram.Run("mv", "-T", _directory.File("..data_tmp"), _directory.File("..data"));
        Pass(10);

        await Assert.That(_changes).IsEqualTo(1);
    }

    [Test]
    public async Task After_its_end_nothing_is_told()
    {
        ConfigurationWatch watch = Watch();
        watch.Dispose();
        File.AppendAllText(Config, "more");
        Pass(10);

        await Assert.That(_changes).IsEqualTo(0);
    }

    public void Dispose() => _directory.Dispose();

    private ConfigurationWatch Watch()
    {
        File.WriteAllText(Config, "text");
        return new ConfigurationWatch(Config, _time, () => _changes++);
    }

    private void Pass(int looks)
    {
        for (int i = 0; i < looks; i++)
        {
            _time.Advance(ConfigurationWatch.Period);
        }
    }
}
