namespace SinGateway.Configuration;

/// <summary>Reads the <c>spool</c> section.</summary>
/// <param name="section">The section.</param>
/// <param name="hasRedis">Sessions are kept in Redis.</param>
internal sealed class SpoolBinder(Section section, bool hasRedis)
{
    private const long MinSize = 1 << 20;

    private const long MaxSize = 1L << 50;

    public SpoolConfiguration Bind()
    {
        section.Require("directory", "Name an existing directory, such as /var/lib/singateway.");
        string? directory = section.Text("directory");
        if (directory is "")
        {
            section.Error("directory", "the name is empty", "Name an existing directory, such as /var/lib/singateway.");
        }

        long? size = BindSize();
        bool commits = section.Boolean("commits");
        if (!hasRedis && section.Find("commits") is not null)
        {
            section.Warning("commits", "it has a meaning with redisDSN only; with a state file, what is on the disk always counts as delivered", "Remove the key.");
        }

        SpoolConfiguration spool = new() { Directory = directory ?? "", Commits = commits || !hasRedis };
        return size is { } bytes ? spool with { MaxSize = bytes } : spool;
    }

    private long? BindSize()
    {
        if (section.Scalar("maxSize") is not { } size)
        {
            return null;
        }

        if (ByteSize.TryParse(size.Value, out long bytes) && bytes is >= MinSize and <= MaxSize)
        {
            return bytes;
        }

        section.Error("maxSize", $"{Section.Show(size)} is not a size of 1MiB or more", "Write bytes, or a whole number of KiB, MiB or GiB, such as 1GiB.");
        return null;
    }
}
