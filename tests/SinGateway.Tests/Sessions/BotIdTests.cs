using SinGateway.Sessions;

namespace SinGateway.Tests.Sessions;

public sealed class BotIdTests
{
    [Test]
    [Arguments("MTIzNDU2Nzg5MDEyMzQ1Njc4.abc.def")]
    [Arguments("Bot MTIzNDU2Nzg5MDEyMzQ1Njc4.abc.def")]
    public async Task The_first_part_of_a_token_is_the_application_id(string token) =>
        await Assert.That(BotId.FromToken(token)).IsEqualTo("123456789012345678");

    [Test]
    [Arguments("secret")]
    [Arguments("aGVsbG8.abc.def")]
    [Arguments("!!!!.abc")]
    [Arguments("MTIzNDU2Nzg5MDEyMzQ1Njc4MTIzNDU2Nzg5MDEyMzQ1Njc4MTIzNDU2Nzg5MDEyMzQ1Njc4.abc")]
    public async Task Another_token_is_named_by_its_hash(string token) => await Assert.That(BotId.FromToken(token)).Matches("^[0-9a-f]{16}$");
}
