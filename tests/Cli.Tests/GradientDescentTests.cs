using MlNetIcl.Cli.Hosting;

namespace MlNetIcl.Cli.Tests;

public class GradientDescentTests
{
    private static readonly string[] Short = ["gd", "--dimension", "4", "--examples", "6", "--steps", "5", "--batch", "16", "--tasks", "200", "--seeds", "2"];

    [Fact]
    public void Json_SameSeed_IsTheSameAndHasEveryPart()
    {
        string[] args = [.. Short, "--softmax-steps", "3", "--json", "-"];
        var run = Icl.Run(args).AssertDone();

        Assert.Equal(run.Output, Icl.Run(args).Output);
        Assert.All(run.Json["construction"]!.AsArray(), c => Assert.InRange((double)c!["gd_error"]!, 0, 1e-5));
        Assert.Equal(["gd", "gd", "gd", "gd", "gd_plus_plus", "least_squares"], run.Json["references"]!.AsArray().Select(r => (string)r!["algorithm"]!));
        Assert.Equal([0.5, 1], run.Json["closed_form_by_range"]!.AsArray().Select(c => (double)c!["range"]!));
        Assert.Equal(2, run.Json["softmax"]!.AsArray().Count);
        Assert.Equal(6, run.Json["runs"]![0]!["alignments"]!.AsArray().Count);
        Assert.Equal(["task", "query", "covariate"], run.Json["shifts"]!.AsArray().Select(s => (string)s!["shift"]!));
        Assert.Equal(3, (int)run.Json["softmax_options"]!["steps"]!);
    }

    [Fact]
    public void Table_Fits80ColumnsAndReportHasTheFigures()
    {
        using var scratch = new Scratch();
        var run = Icl.Run([.. Short, "--layers", "2", "--softmax-steps", "3", "--softmax-layers", "1", "--attention-only", "--html", scratch.At("g.html")]).AssertDone();

        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("GD++, 2 steps", run.Output, StringComparison.Ordinal);
        Assert.Contains("From the trained weights to the construction", File.ReadAllText(scratch.At("g.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Checkpoints_SecondRun_GoesOnFromThem()
    {
        using var scratch = new Scratch();
        string[] args = [.. Short, "--checkpoints", scratch.At("runs"), "--json", "-"];
        var first = Icl.Run(args).AssertDone();

        Assert.Equal(4, Directory.GetFiles(scratch.At("runs")).Length);
        Assert.Equal(first.Output, Icl.Run(args).AssertDone().Output);
        Icl.Run([.. args, "--range", "1"]).AssertRefused("linear-L1-seed1");
    }

    [Theory]
    [InlineData("--range", "0", "0.05")]
    [InlineData("--layers", "9", "from 1 to 8")]
    [InlineData("--steps", "0", "at least 1")]
    [InlineData("--softmax-layers", "2", "needs --softmax-steps")]
    public void WrongSettings_AreRefused(string option, string value, string why)
    {
        var run = Icl.Run("gd", option, value);

        Assert.Equal(ExitCode.WrongInput, run.Code);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }
}
