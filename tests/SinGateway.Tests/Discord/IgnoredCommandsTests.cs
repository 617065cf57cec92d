using SinGateway.Discord;
using SinGateway.Tests.Fixtures;

namespace SinGateway.Tests.Discord;

public sealed class IgnoredCommandsTests
{
    [Test]
    public async Task The_first_is_said_with_the_key_that_would_let_it_in()
    {
        RecordingLogger logger = new();
        IgnoredCommands commands = new(logger);
        for (int i = 0; i < 3; i++)
        {
            commands.Receive("{}"u8);
        }

        await Assert.That(logger.Entries.Single()).StartsWith("Information ").And.Contains("commands.enabled: true");
    }
}
