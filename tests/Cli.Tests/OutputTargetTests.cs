namespace MlNetIcl.Cli.Tests;

/// <summary>Where results go is looked at before minutes are spent on them.</summary>
public class OutputTargetTests
{
    [Theory]
    [InlineData("gd", "--checkpoints")]
    [InlineData("emergence", "--checkpoints")]
    [InlineData("causal", "--checkpoints")]
    public void Checkpoints_NoFolder_IsRefused(string command, string option)
    {
        using var scratch = new Scratch();
        string file = scratch.Write("file", "");

        Icl.Run(command, option, file).AssertRefused("is a file; expected a folder", file);
        Icl.Run(command, option, Path.Combine(file, "below")).AssertRefused("is a file; expected a folder", file);
        Icl.Run(command, option, "").AssertRefused(option, "empty");
        if (OperatingSystem.IsLinux()) Icl.Run(command, option, "/sys/below/and/below").AssertRefused("Cannot write '/sys/below/and/below'");
        Assert.Equal(["file"], scratch.Names);
    }

    [Theory]
    [InlineData("regression", "--save")]
    [InlineData("regression", "--checkpoint")]
    [InlineData("ablate", "--resume")]
    public void File_StandardOutput_IsRefused(string command, string option) => Icl.Run(command, option, "-").AssertRefused($"{option} needs a file");

    [Theory]
    [InlineData("gd")]
    [InlineData("linear")]
    [InlineData("regression")]
    [InlineData("paradigms")]
    [InlineData("emergence")]
    [InlineData("positions")]
    public void Report_CannotBeWritten_IsRefusedAtOnce(string command)
    {
        using var scratch = new Scratch();

        Icl.Run(command, "--html", scratch.At("none/report.html")).AssertRefused("does not exist");
        Icl.Run(command, "--json", scratch.Folder).AssertRefused("it is a folder");
        Icl.Run(command, "--markdown", "-").AssertRefused("only --json");
        if (!OperatingSystem.IsLinux()) return;
        Icl.Run(command, "--html", "/sys/report.html").AssertRefused("Cannot write '/sys/report.html'");
        Icl.Run(command, "--json", "/proc/none.json").AssertRefused("There is no device");
        Assert.Empty(scratch.Names);
    }
}
