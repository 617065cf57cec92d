using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

/// <summary>The section of the spool (G14).</summary>
public sealed class SpoolConfigurationTests
{
    [Test]
    [Arguments("spool: {directory: x}", true)]
    [Arguments("spool: {directory: x}\nredisDSN: redis://localhost", false)]
    [Arguments("spool: {directory: x, commits: true}\nredisDSN: redis://localhost", true)]
    public async Task What_is_on_disk_counts_as_delivered_unless_sessions_are_in_Redis(string text, bool commits)
    {
        ConfigurationResult result = Sample.Load(Sample.With(7, text));

        await Assert.That(result.Warnings).IsEmpty();
        await Assert.That(result.Configuration!.Spool).IsEqualTo(new SpoolConfiguration { Directory = "x", Commits = commits, MaxSize = 1L << 30 });
    }

    [Test]
    public async Task Without_the_section_there_is_none() => await Assert.That(Sample.Load(Sample.Text).Configuration!.Spool).IsNull();

    [Test]
    public async Task Its_size_can_be_chosen() =>
        await Assert.That(Sample.Load(Sample.With(7, "spool: {directory: x, maxSize: 1MiB}")).Configuration!.Spool!.MaxSize).IsEqualTo(1L << 20);

    [Test]
    public async Task A_leave_to_commit_without_Redis_is_warned_of() =>
        await Assert.That(Sample.WarningsOf(Sample.With(7, "spool: {directory: x, commits: false}"))).Contains("spool.commits: it has a meaning with redisDSN only");

    [Test]
    public async Task The_plan_names_its_directory_and_what_counts_as_delivered()
    {
        StringWriter output = new();
        ConfigurationResult result = Sample.Load(Sample.With(7, "spool: {directory: /x, maxSize: 3MiB}"));

        CheckReport.Write(output, result.Configuration!, result.Warnings, cluster: 2);

        await Assert.That(output.ToString()).Contains("Spool       /x/cluster-2, 3145728 bytes at most; what is on the disk counts as delivered");
    }
}
