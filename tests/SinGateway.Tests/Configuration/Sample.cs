using SinGateway.Configuration;

namespace SinGateway.Tests.Configuration;

/// <summary>A file of six lines that loads without a warning, and what tests change in it.</summary>
internal static class Sample
{
    public const string Text = """
        token: "abc"
        singyeongDSN: "singyeong://gateway@localhost"
        forwarding:
          type: send
          target: {application: worker}
          events: [READY]

        """;

    public static ConfigurationResult Load(string text, string name = "config.yaml") =>
        ConfigurationFile.Parse(name, text, variable => variable switch
        {
            "TOKEN" => "s3cret",
            "EMPTY" => "",
            "ECHOED" => "s3cret\n",
            "NUMBER" => "513",
            "TRICKY" => "x\"\n  evil: [{{EVENT}}",
            "APPLICATION" => "worker",
            _ => null,
        });

    /// <summary>Replaces the line (from 1) by others, or adds at the end for line 7.</summary>
    public static string With(int line, string text)
    {
        string[] lines = Text.Split('\n');
        lines[line - 1] = text;
        return string.Join('\n', lines) + "\n";
    }

    /// <summary>The file with the target <c>{application: worker, ops: [OP]}</c>; the op starts in column 40 of line 5.</summary>
    public static string WithOperator(string op) => With(5, $"  target: {{application: worker, ops: [{op}]}}");

    public static string ErrorsOf(string text, string name = "config.yaml") => string.Join('\n', Load(text, name).Errors);

    public static string WarningsOf(string text) => string.Join('\n', Load(text).Warnings);
}
